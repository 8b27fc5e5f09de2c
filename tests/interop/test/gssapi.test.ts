// GSS-API with other programs: Dante as server and as client, a curl that can do it, and Heimdal's library on one side.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bind, connect, createUdpSocket, type GssapiOptions } from "@sockskit/client";
import { createServer, type GssapiOptions as ServerGssapiOptions } from "@sockskit/server";
import {
  type KerberosRealm,
  listenEcho,
  readOctets,
  readToEnd,
  realmProblem,
  startRealm,
  useRealm,
} from "@sockskit/testing";
import { type IpAddress, parseAddress } from "@sockskit/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { runToEnd } from "../src/harness/process.ts";
import { Scope } from "../src/harness/scope.ts";
import { danteWithGssapi, type MadeProgram, newerCurl } from "../src/peers/gssapi-programs.ts";
import { startServer } from "../src/peers/server-peer.ts";

const HEIMDAL = "libgssapi.so.3";
const BUILD_TIMEOUT_MS = 500_000;
const PAYLOAD = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) >> 5));
const LEVELS = ["confidentiality", "integrity"] as const;

const problem = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("GSS-API", () => {
  const scope = new Scope();
  let realm: KerberosRealm;
  let echoPort = 0;

  beforeAll(async () => {
    realm = await startRealm();
    scope.defer(() => realm.stop());
    scope.defer(useRealm(realm));
    const echo = await listenEcho();
    scope.defer(() => echo.close());
    echoPort = echo.port;
    // Dante reads it as somebody else.
    await chmod(realm.folder, 0o755);
    await chmod(realm.serviceKeytab, 0o644);
  });

  afterAll(() => scope.close());

  async function roundTrip(port: number, gssapi: GssapiOptions): Promise<void> {
    const socket = await connect({
      proxy: `socks5h://localhost:${port}`,
      target: `127.0.0.1:${echoPort}`,
      gssapi,
      allowHalfOpen: true,
    });
    socket.end(PAYLOAD);
    expect(Buffer.compare(await readToEnd(socket), PAYLOAD)).toBe(0);
  }

  async function serve(gssapi: ServerGssapiOptions = {}): Promise<number> {
    const server = createServer({
      listen: [{ port: 0 }],
      authMethods: ["gssapi"],
      gssapi: { keytab: realm.serviceKeytab, service: "rcmd@localhost", ...gssapi },
      rules: [{ action: "allow", users: ["alice"] }],
      outbound: { resolver: { resolve: async () => [parseAddress("127.0.0.1", 0) as IpAddress] } },
    });
    server.on("denied", ({ code, reason }) => console.error(code, reason));
    scope.defer(() => server.close());
    const [address] = await server.listen();
    return address?.port ?? 0;
  }

  describe("Dante", () => {
    let dante: MadeProgram;
    let port = 0;

    beforeAll(async () => {
      dante = await danteWithGssapi();
      if ("problem" in dante) return console.warn(`skipped: ${dante.problem}`);
      const folder = await scope.temporaryFolder();
      const file = join(folder, "sockd.conf");
      port = await freePort();
      const gssapi = ` socksmethod: gssapi\n gssapi.servicename: rcmd\n gssapi.keytab: FILE:${realm.serviceKeytab}\n gssapi.enctype: clear integrity confidentiality\n`;
      await writeFile(
        file,
        `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: gssapi
${process.getuid?.() === 0 ? "user.privileged: root\nuser.unprivileged: nobody\n" : ""}client pass { from: 127.0.0.0/8 to: 0.0.0.0/0
${gssapi} clientcompatibility: necgssapi
}
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0
 command: bind connect udpassociate bindreply udpreply
${gssapi}}
`,
      );
      const argv = [join(dante.folder, "sbin/sockd"), "-f", file, "-p", join(folder, "pid"), "-N", "1"];
      await startServer(scope, port, argv, { env: realm.env });
      return undefined;
    }, BUILD_TIMEOUT_MS);

    test.each(LEVELS.flatMap((level) => [false, true].map((nec) => [level, nec] as const)))(
      "our client at its server, %s (NEC %s)",
      async (level, nec) => {
        if ("problem" in dante) return;
        await roundTrip(port, { protection: [level], nec });
      },
    );

    test("our client at its server, without protection", async () => {
      if ("problem" in dante) return;
      await roundTrip(port, { protection: ["none"] });
    });

    test.each(LEVELS)("our datagrams through its server, %s", async (level) => {
      if ("problem" in dante) return;
      const echo = dgram.createSocket("udp4").on("message", (data, from) => echo.send(data, from.port, from.address));
      scope.defer(() => echo.close());
      echo.bind(0, "127.0.0.1");
      await once(echo, "listening");
      const socket = await createUdpSocket({ proxy: `socks5h://localhost:${port}`, gssapi: { protection: [level] } });
      for (const text of ["one", "two", "three"]) {
        const answered = once(socket, "message");
        await socket.send(text, `127.0.0.1:${echo.address().port}`);
        expect(String((await answered)[0])).toBe(text);
      }
      socket.close();
    });

    test("our BIND at its server", async () => {
      if ("problem" in dante) return;
      const binding = await bind({ proxy: `socks5h://localhost:${port}`, peer: "127.0.0.1", gssapi: {} });
      const peer = net.connect(binding.address.port, "127.0.0.1");
      const socket = await binding.accept();
      peer.end("from the peer");
      expect(Buffer.from(await readOctets(socket, 13)).toString()).toBe("from the peer");
      socket.destroy();
    });

    test.each([...LEVELS, "clear"] as const)("its client at our server, %s", async (level) => {
      if ("problem" in dante) return;
      const web = await page();
      const ours = await serve(level === "clear" ? { answerNone: true } : {});
      const folder = await scope.temporaryFolder();
      const file = join(folder, "socks.conf");
      await writeFile(
        file,
        `logoutput: stderr
resolveprotocol: fake
route { from: 0.0.0.0/0 to: 0.0.0.0/0 port = ${web.port} via: localhost port = ${ours}
 proxyprotocol: socks_v5
 command: connect
 protocol: tcp
 method: gssapi
 gssapi.servicename: rcmd
 gssapi.enctype: ${level}
}
`,
      );
      const env = { ...realm.env, LD_PRELOAD: join(dante.folder, "lib/libdsocks.so"), SOCKS_CONF: file };
      const argv = ["curl", "-4", "--silent", "--show-error", `http://target.test:${web.port}/`];
      const { stdout, stderr } = await runToEnd({ argv, options: { env } });
      expect(createHash("sha256").update(stdout).digest("hex"), stderr).toBe(web.digest);
    });
  });

  test("a newer curl at our server, without protection", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const curl = await newerCurl();
    if ("problem" in curl) return console.warn(`skipped: ${curl.problem}`);
    const web = await page();
    const get = (port: number, ...more: string[]): ReturnType<typeof runToEnd> =>
      runToEnd({
        argv: [
          join(curl.folder, "curl"),
          "-sS",
          "-x",
          `socks5h://localhost:${port}`,
          ...more,
          `http://127.0.0.1:${web.port}/`,
        ],
        options: { env: realm.env },
      });
    const open = await serve({ answerNone: true, nec: "accept" });
    for (const more of [[], ["--socks5-gssapi-nec"]]) {
      const { stdout, stderr } = await get(open, ...more);
      expect(createHash("sha256").update(stdout).digest("hex"), stderr).toBe(web.digest);
    }
    // It says its request in clear after a level was agreed on, which is where it is refused.
    const { status } = await get(await serve());
    expect(status).toBe(97);
    return undefined;
  });

  describe("Heimdal's library", () => {
    async function serverIn(library: string): Promise<number> {
      const script = fileURLToPath(new URL("../src/peers/gssapi-server.ts", import.meta.url));
      const child: ChildProcess = spawn(process.execPath, [script, realm.serviceKeytab, library], {
        env: { ...process.env, ...realm.env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      scope.defer(() => child.kill("SIGKILL"));
      const [line] = (await once(child.stdout as NodeJS.EventEmitter, "data")) as [Buffer];
      return Number(line.toString());
    }

    test.each(LEVELS)("on the server, MIT's on the client, %s", async (level) => {
      await roundTrip(await serverIn(HEIMDAL), {
        protection: [level],
        credentials: { type: "ccache", ccache: realm.ccache },
      });
    });

    test.each(LEVELS)("on the client, MIT's on the server, %s", async (level) => {
      const port = await serve();
      const script = `
        import { connect } from "@sockskit/client";
        import { systemMechanism } from "@sockskit/auth-gssapi";
        const socket = await connect({ proxy: "socks5h://localhost:${port}", target: "127.0.0.1:${echoPort}", allowHalfOpen: true,
          gssapi: { protection: ["${level}"], mechanism: systemMechanism({ library: "${HEIMDAL}" }) } });
        const payload = Buffer.alloc(3_000_000, "0123456789");
        socket.end(payload);
        const got = [];
        for await (const chunk of socket) got.push(chunk);
        console.log(Buffer.concat(got).equals(payload));`;
      const cwd = fileURLToPath(new URL("..", import.meta.url));
      const argv = [process.execPath, "--input-type=module", "--eval", script];
      const { stdout, stderr } = await runToEnd({ argv, options: { env: realm.env, cwd } });
      expect(stdout.toString(), stderr).toBe("true\n");
    });
  });

  async function page(): Promise<{ readonly port: number; readonly digest: string }> {
    const server = createHttpServer((_, response) => response.end(PAYLOAD)).listen(0, "127.0.0.1");
    await once(server, "listening");
    scope.defer(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    return { port, digest: createHash("sha256").update(PAYLOAD).digest("hex") };
  }
});
