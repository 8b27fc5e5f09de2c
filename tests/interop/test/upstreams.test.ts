// Sessions of our server that go by real proxies: microsocks, Dante, OpenSSH and Tor.

import dgram from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { bind, connect, createUdpSocket, isSocksError } from "@sockskit/client";
import { createServer, type ServerEvents, type ServerOptions } from "@sockskit/server";
import { readToEnd } from "@sockskit/testing";
import { type Address, formatAddress } from "@sockskit/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { Scope } from "../src/harness/scope.ts";
import { missing, type Tool } from "../src/harness/tools.ts";
import { ACCOUNT } from "../src/peers/account.ts";
import { startMicrosocks } from "../src/peers/microsocks.ts";
import { startSshDynamic } from "../src/peers/openssh.ts";
import { programPath, type ServerPeer, startServer } from "../src/peers/server-peer.ts";
import { startTor } from "../src/peers/tor.ts";

const DEADLINE_MS = 30_000;
const required = process.env["CI"] === "true";

/** Why the tests with these programs do not run here. */
async function skip(...tools: readonly Tool[]): Promise<boolean> {
  const problems = (await Promise.all(tools.map(missing))).filter((problem) => problem !== undefined);
  for (const problem of problems) if (!required) console.log(`skipped: ${problem}`);
  return problems.length > 0 && !required;
}

const scope = new Scope();
let sitePort = 0;

beforeAll(async () => {
  const site = http.createServer((_request, response) => response.end("by an upstream\n"));
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  scope.defer(() => site.close());
  sitePort = (site.address() as AddressInfo).port;
});
afterAll(() => scope.close());

interface Ours {
  readonly proxy: string;
  readonly upstream: ServerEvents["upstream"][0][];
  readonly connected: ServerEvents["connected"][0][];
}

/** Our server, whose only way out are these alternatives. */
async function startOurs(alternatives: readonly (readonly string[])[], options: ServerOptions = {}): Promise<Ours> {
  const upstreams = { up: { alternatives, forwardCredentials: options.credentials !== undefined } };
  const server = createServer({
    listen: [{ port: 0 }],
    rules: [
      { action: "allow", via: "up" },
      { action: "allow", commands: ["resolve"], via: "up" },
    ],
    upstreams,
    ...options,
  });
  const ours: Omit<Ours, "proxy"> = { upstream: [], connected: [] };
  server.on("upstream", (event) => ours.upstream.push(event));
  server.on("connected", (event) => ours.connected.push(event));
  scope.defer(() => server.close());
  const [listening] = await server.listen();
  return { ...ours, proxy: `socks5h://127.0.0.1:${listening?.port ?? 0}` };
}

/** The page of the site through our server. */
async function fetchBy(proxy: string, host = "127.0.0.1"): Promise<string> {
  const socket = await connect({ proxy, target: `${host}:${sitePort}`, timeoutMs: DEADLINE_MS });
  socket.write("GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n");
  return (await text(socket)).split("\r\n\r\n")[1] ?? "";
}

async function replyBy(proxy: string, target: string): Promise<number | undefined> {
  const failed = await connect({ proxy, target, timeoutMs: DEADLINE_MS }).catch((error: unknown) => error);
  return isSocksError(failed) ? failed.reply : undefined;
}

async function startDante(): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const file = join(folder, "danted.conf");
  await writeFile(
    file,
    `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
socksmethod: none
clientmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0
  command: connect bind udpassociate
}
socks pass { from: 0.0.0.0/0 to: 127.0.0.0/8
  command: bindreply udpreply
}
`,
  );
  return startServer(scope, port, [programPath("danted"), "-f", file, "-p", join(folder, "pid"), "-N", "1"]);
}

const url = ({ port }: ServerPeer, scheme = "socks5h"): string => `${scheme}://127.0.0.1:${port}`;

describe.skipIf(await skip("microsocks"))("microsocks", () => {
  test("with a password, and one that it takes from the client", { timeout: DEADLINE_MS }, async () => {
    const peer = await startMicrosocks(scope, { password: true });
    const { username, password } = ACCOUNT;
    const account = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
    const own = await startOurs([[`socks5h://${account}@127.0.0.1:${peer.port}`]]);
    expect(await fetchBy(own.proxy)).toBe("by an upstream\n");
    const forwarding = await startOurs([[url(peer)]], {
      credentials: [{ name: username, password: { plain: password } }],
    });
    expect(await fetchBy(forwarding.proxy.replace("//", `//${account}@`))).toBe("by an upstream\n");
    // Without a password of its own it is not let in, and says so at once.
    const none = await startOurs([[url(peer)]]);
    expect(await replyBy(none.proxy, `127.0.0.1:${sitePort}`)).toBe(0x03);
    expect(none.upstream[0]?.code).toBe("ERR_SOCKS_NO_ACCEPTABLE_METHOD");
  });

  test("what it says of a target that refuses is passed on", { timeout: DEADLINE_MS }, async () => {
    const ours = await startOurs([[url(await startMicrosocks(scope))]]);
    expect(await replyBy(ours.proxy, `127.0.0.1:${await freePort()}`)).toBe(0x05);
    expect(ours.upstream).toEqual([]);
  });

  test("one is killed: the other takes over at once, and the first is left out", { timeout: DEADLINE_MS }, async () => {
    const [first, second] = [await startMicrosocks(scope), await startMicrosocks(scope)];
    const ours = await startOurs([[url(first)], [url(second)]]);
    expect(await fetchBy(ours.proxy)).toBe("by an upstream\n");
    await first.process.stop();
    for (const _ of [1, 2, 3]) expect(await fetchBy(ours.proxy)).toBe("by an upstream\n");
    expect(ours.connected.map(({ via }) => via?.alternative)).toEqual([0, 1, 1, 1]);
    expect(ours.upstream).toEqual([
      expect.objectContaining({ alternative: 0, state: "aside", code: "ERR_SOCKS_PROXY_UNREACHABLE", failures: 1 }),
    ]);
  });
});

describe.skipIf(await skip("danted"))("Dante", () => {
  test.each(["socks4", "socks4a", "socks5", "socks5h"])("CONNECT by %s", { timeout: DEADLINE_MS }, async (scheme) => {
    const ours = await startOurs([[url(await startDante(), scheme)]]);
    expect(await fetchBy(ours.proxy)).toBe("by an upstream\n");
    expect(await fetchBy(ours.proxy, "localhost")).toBe("by an upstream\n");
  });

  test("datagrams, to an address and to a name", { timeout: DEADLINE_MS }, async () => {
    const ours = await startOurs([[url(await startDante())]]);
    const echo = dgram.createSocket("udp4");
    echo.on("message", (data, from) => echo.send(data, from.port, from.address));
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    scope.defer(() => echo.close());
    const { port } = echo.address();
    const socket = await createUdpSocket({ proxy: ours.proxy });
    scope.defer(() => socket.close());
    for (const host of ["127.0.0.1", "localhost"]) {
      const message = once(socket, "message", { signal: AbortSignal.timeout(DEADLINE_MS) });
      await socket.send(`to ${host}`, { host, port });
      const [data, source] = (await message) as [Buffer, Address];
      expect([data.toString(), formatAddress(source)]).toEqual([`to ${host}`, `127.0.0.1:${port}`]);
    }
  });

  test("BIND", { timeout: DEADLINE_MS }, async () => {
    const ours = await startOurs([[url(await startDante())]]);
    const binding = await bind({ proxy: ours.proxy, peer: "127.0.0.1", acceptTimeoutMs: DEADLINE_MS });
    const peer = net.connect({ host: binding.address.host, port: binding.address.port });
    scope.defer(() => peer.destroy());
    const socket = await binding.accept();
    scope.defer(() => socket.destroy());
    peer.end("called back");
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("called back");
  });
});

describe.skipIf(await skip("microsocks", "danted"))("a chain", () => {
  test("through microsocks to Dante", { timeout: DEADLINE_MS }, async () => {
    const ours = await startOurs([[url(await startMicrosocks(scope)), url(await startDante(), "socks4a")]]);
    expect(await fetchBy(ours.proxy)).toBe("by an upstream\n");
  });
});

describe.skipIf(await skip("sshd", "ssh"))("OpenSSH", () => {
  test("ssh -D, which closes without an answer when the target refuses", { timeout: DEADLINE_MS }, async () => {
    const ours = await startOurs([[url(await startSshDynamic(scope))]]);
    expect(await fetchBy(ours.proxy)).toBe("by an upstream\n");
    expect([0x01, 0x05]).toContain(await replyBy(ours.proxy, `127.0.0.1:${await freePort()}`));
    expect(ours.upstream).toEqual([]);
  });
});

describe.skipIf(await skip("tor"))("Tor without a network", () => {
  test(
    "its replies are passed on, those of its own included, and it is not put aside",
    { timeout: DEADLINE_MS },
    async () => {
      const ours = await startOurs([[url(await startTor(scope))]]);
      // It has no circuit: a general failure or a time-out.
      expect([0x01, 0x04, 0x06]).toContain(await replyBy(ours.proxy, "192.0.2.1:80"));
      // An address that cannot be one of an onion service.
      expect(await replyBy(ours.proxy, `${"a".repeat(56)}.onion:80`)).toBe(0xf6);
      expect(ours.upstream).toEqual([]);
    },
  );
});
