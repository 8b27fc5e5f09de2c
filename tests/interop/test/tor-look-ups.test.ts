// RESOLVE, RESOLVE_PTR and early data with Tor on the other side: Tor as the proxy, its tor-resolve and torsocks as clients.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, isSocksError, resolve, resolvePtr, type SocksError } from "@sockskit/client";
import { createServer, type OutboundOptions, type SocksServer } from "@sockskit/server";
import { type IpAddress, parseIpAddress, REP } from "@sockskit/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { Scope } from "../src/harness/scope.ts";
import { locate } from "../src/harness/tools.ts";
import { startServer } from "../src/peers/server-peer.ts";
import { startTor } from "../src/peers/tor.ts";

const SOCKSKITD = fileURLToPath(new URL("../../../apps/server/bin/sockskitd.js", import.meta.url));
const SOCKSKIT = fileURLToPath(new URL("../../../apps/cli/bin/sockskit.js", import.meta.url));
const DEADLINE_MS = 30_000;
const PYTHON = "/usr/bin/python3";

const PACKAGES = { tor: "tor", "tor-resolve": "tor", torsocks: "torsocks", python3: "python3" } as const;
const problems = Object.entries(PACKAGES).flatMap(([program, debian]) =>
  locate(program) === undefined ? [`${program} is not installed (Debian package ${debian})`] : [],
);
const required = process.env["CI"] === "true";
for (const problem of problems) console.log(`skipped: ${problem}`);

/** What a program writes to standard output and standard error, and how it ends. */
async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { env: { ...process.env, ...env }, timeout: DEADLINE_MS });
  child.on("error", () => undefined);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end();
  const [status] = (await once(child, "close").catch(() => [null])) as [number | null];
  return { status, stdout, stderr };
}

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isSocksError(error)).toBe(true);
  return error as SocksError;
}

describe.skipIf(problems.length > 0 && !required)("Tor as the proxy", () => {
  const scope = new Scope();
  let port = 0;

  beforeAll(async () => {
    ({ port } = await startTor(scope));
  }, DEADLINE_MS);
  afterAll(() => scope.close());

  test.each(["socks5h", "socks5", "socks4a"])("looks up a name, %s", async (scheme) => {
    const address = await resolve({ proxy: `${scheme}://127.0.0.1:${port}`, name: "mapped.example" });
    expect(address.host).toBe("192.0.2.77");
  });

  test("looks up a name with an IPv6 address, over SOCKS 5 only", async () => {
    const six = { proxy: `socks5h://127.0.0.1:${port}`, name: "six.example" };
    expect((await resolve(six)).host).toBe("2001:db8::7");
    const four = await failureOf(resolve({ ...six, proxy: `socks4a://127.0.0.1:${port}` }));
    expect(four).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x5b });
  });

  test("ends a look-up that fails with ATYP 00, which is read as the failure that it is", async () => {
    const proxy = `socks5h://127.0.0.1:${port}`;
    const received: string[] = [];
    const error = await failureOf(
      resolve({
        proxy,
        name: "nowhere.invalid",
        onOctets: ({ direction, octets }) => {
          if (direction === "received") received.push(Buffer.from(octets).toString("hex"));
        },
      }),
    );
    expect(received.at(-1)).toBe("05040000000000000000");
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: 0x04 });
    const pointer = await failureOf(resolvePtr({ proxy, address: "192.0.2.5" }));
    expect(pointer.message).toContain("found no name of 192.0.2.5: host unreachable (REP 0x04)");
  });

  test("sockskit resolve prints what it says", async () => {
    const argv = [process.execPath, SOCKSKIT, "resolve", "-x", `socks5h://127.0.0.1:${port}`, "mapped.example"];
    expect(await run(argv)).toEqual({ status: 0, stdout: "192.0.2.77\n", stderr: "" });
  });

  test("takes early data, and a circuit that cannot be built says that it was sent", async () => {
    const earlyData = "GET / HTTP/1.0\r\n\r\n";
    const error = await failureOf(
      connect({ proxy: `socks5h://127.0.0.1:${port}`, target: "example.com:80", earlyData }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", earlyOctetsSent: earlyData.length });
    // Tor gives up after a time, or at once, when it knows already that it reaches nobody.
    expect([REP.generalSocksServerFailure, REP.ttlExpired]).toContain(error.reply);
  });

  test("says that an onion address cannot exist, and the message what to do", async () => {
    const error = await failureOf(
      connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `${"a".repeat(56)}.onion:80` }),
    );
    expect(error).toMatchObject({ reply: 0xf6 });
    expect(error.message).toContain("an onion name has 56 characters before .onion");
  });
});

describe.skipIf(problems.length > 0 && !required)("tor-resolve and torsocks as clients", () => {
  const scope = new Scope();
  let port = 0;
  let daemon = 0;
  let configuration = "";

  const NAMES: Readonly<Record<string, string>> = {
    "www.sockskit.test": "192.0.2.10",
    "inside.sockskit.test": "10.0.0.5",
    "six.sockskit.test": "2001:db8::10",
  };

  beforeAll(async () => {
    const server = startLibraryServer();
    scope.defer(() => server.close());
    port = (await server.listen())[0]?.port ?? 0;
    const folder = await scope.temporaryFolder();
    configuration = join(folder, "torsocks.conf");
    await writeFile(configuration, `TorAddress 127.0.0.1\nTorPort ${port}\n`);
    daemon = await freePort();
    const file = join(folder, "sockskitd.yaml");
    await writeFile(file, `listen: [127.0.0.1:${daemon}]\nrules: [allow: { commands: [resolve, resolve-ptr] }]\n`);
    await startServer(scope, daemon, [process.execPath, SOCKSKITD, "--config", file]);
  }, DEADLINE_MS);
  afterAll(() => scope.close());

  /** A server that looks names up in a table: the names of this machine are nobody's business here. */
  function startLibraryServer(): SocksServer {
    const missing = (): Error => Object.assign(new Error("not found"), { code: "ERR_SOCKS_RESOLVE_FAILED" });
    const resolver: NonNullable<OutboundOptions["resolver"]> = {
      resolve: async (name): Promise<readonly IpAddress[]> => {
        const address = parseIpAddress(NAMES[name] ?? "");
        if (address === undefined) throw missing();
        return [address];
      },
      reverse: async ({ host }) => {
        const name = Object.keys(NAMES).find((key) => NAMES[key] === host);
        if (name === undefined) throw missing();
        return [name];
      },
    };
    const rules = [
      { action: "deny", to: ["private"] },
      { action: "allow", commands: ["resolve", "resolve-ptr"] },
    ] as const;
    return createServer({ listen: [{ port: 0 }], outbound: { resolver }, rules });
  }

  const torResolve = (...args: string[]) => run(["tor-resolve", "-p", String(port), ...args]);
  const torsocks = (script: string) => run(["torsocks", PYTHON, "-c", script], { TORSOCKS_CONF_FILE: configuration });

  test("tor-resolve: a name, over SOCKS 5 and 4A", async () => {
    expect(await torResolve("www.sockskit.test")).toMatchObject({ status: 0, stdout: "192.0.2.10\n" });
    expect(await torResolve("-4", "www.sockskit.test")).toMatchObject({ status: 0, stdout: "192.0.2.10\n" });
    expect(await torResolve("six.sockskit.test")).toMatchObject({ status: 0, stdout: "2001:db8::10\n" });
  });

  test("tor-resolve -x: the name of an address", async () => {
    expect(await torResolve("-x", "192.0.2.10")).toMatchObject({ status: 0, stdout: "www.sockskit.test\n" });
  });

  test("tor-resolve is told what the rules keep, and what is not there", async () => {
    const denied = await torResolve("inside.sockskit.test");
    expect(denied).toMatchObject({ status: 1, stdout: "" });
    expect(denied.stderr).toContain("not allowed");
    const missing = await torResolve("nowhere.sockskit.test");
    expect(missing).toMatchObject({ status: 1, stdout: "" });
    expect(missing.stderr).toContain("host is unreachable");
    expect((await torResolve("-4", "nowhere.sockskit.test")).status).toBe(1);
  });

  test("sockskitd answers tor-resolve where its configuration says so", async () => {
    const ask = (...args: string[]) => run(["tor-resolve", "-p", String(daemon), ...args]);
    expect(await ask("localhost")).toMatchObject({ status: 0, stdout: "127.0.0.1\n" });
    expect(await ask("-x", "127.0.0.1")).toMatchObject({ status: 0, stdout: "localhost\n" });
  });

  test("torsocks: what a program in it looks up goes to the proxy", async () => {
    const script = [
      "import socket",
      "print(socket.gethostbyname('www.sockskit.test'))",
      "print(socket.getaddrinfo('www.sockskit.test', 80, type=socket.SOCK_STREAM)[0][4])",
      "print(socket.gethostbyaddr('192.0.2.10')[0])",
    ];
    expect(await torsocks(script.join("\n"))).toMatchObject({
      status: 0,
      stdout: "192.0.2.10\n('192.0.2.10', 80)\nwww.sockskit.test\n",
    });
    const inside = await torsocks("import socket; socket.gethostbyname('inside.sockskit.test')");
    expect(inside.status).not.toBe(0);
  });
});
