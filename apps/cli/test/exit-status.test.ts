import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { type LoopbackServer, listenTcp } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { EXIT_STATUS, exitStatusOf } from "../src/exit-status.ts";
import { run, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

const page = readFileSync(new URL("../../../docs/exit-statuses.md", import.meta.url), "utf8");

test("docs/exit-statuses.md has the table that the code has", () => {
  const rows = [...page.matchAll(/^\| (\d+) +\| ([a-z-]+) +\|/gm)].map(([, status, name]) => [name, Number(status)]);
  expect(Object.fromEntries(rows)).toEqual(EXIT_STATUS);
});

describe("how errors become statuses", () => {
  test.each([
    [{ name: "SocksError", code: "ERR_SOCKS_TIMEOUT", stage: "dial-proxy", side: "remote" }, 9],
    [{ name: "SocksError", code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", side: "remote" }, 7],
    [{ name: "SocksError", code: "ERR_SOCKS_NOT_REPRESENTABLE", side: "local" }, 2],
    [{ name: "ProxyUrlError", code: "ERR_SOCKS_BAD_PROXY_URL", side: "local" }, 2],
    [{ name: "ServerError", code: "ERR_SOCKS_OPEN_PROXY", side: "local" }, 2],
    [{ name: "ServerError", code: "ERR_SOCKS_LISTEN_FAILED", side: "local" }, 1],
    [{ name: "SocksError", code: "X", stage: "toString", side: "remote" }, 1],
    [new TypeError("a bug"), 1],
    [undefined, 1],
  ])("%o: %i", (error, status) => {
    expect(exitStatusOf(error)).toBe(status);
  });
});

describe("each failing stage", () => {
  let proxy: TestProxy;
  let locked: TestProxy;
  let silent: LoopbackServer;
  let closed: LoopbackServer;
  let resetting: LoopbackServer;
  const web = createServer((_request, response) => response.end("hello"));
  const url = ({ port }: { port: number }, scheme = "socks5h", userinfo = ""): string =>
    `${scheme}://${userinfo}127.0.0.1:${port}`;

  beforeAll(async () => {
    proxy = await startProxy();
    locked = await startProxy({ user: { name: "alice", password: "opensesame" } });
    silent = await listenTcp(() => undefined);
    closed = await listenTcp(() => undefined);
    await closed.close();
    resetting = await listenTcp((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  });

  afterAll(async () => {
    web.close();
    await stopAll();
    await Promise.all([proxy, locked, silent, closed, resetting].map((server) => server.close()));
  });

  const webPort = (): { port: number } => web.address() as AddressInfo;
  const cases: readonly (readonly [string, number, string, string | undefined, () => readonly string[]])[] = [
    [
      "a name that nobody knows",
      3,
      "ERR_SOCKS_RESOLVE_FAILED",
      "resolve",
      () => ["-x", url(proxy, "socks5"), "nobody.invalid:22"],
    ],
    [
      "a proxy name that nobody knows",
      3,
      "ERR_SOCKS_RESOLVE_FAILED",
      "resolve",
      () => ["-x", "socks5h://nobody.invalid", "server.example:22"],
    ],
    ["a dead proxy", 4, "ERR_SOCKS_PROXY_UNREACHABLE", "dial-proxy", () => ["-x", url(closed), "server.example:22"]],
    [
      "an HTTP server as proxy",
      5,
      "ERR_SOCKS_NOT_SOCKS",
      "negotiate",
      () => ["-x", url(webPort()), "server.example:22"],
    ],
    [
      "a proxy that wants a password",
      5,
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      "negotiate",
      () => ["-x", url(locked), "server.example:22"],
    ],
    [
      "a wrong password",
      6,
      "ERR_SOCKS_AUTH_REJECTED",
      "authenticate",
      () => ["-x", url(locked, "socks5h", "alice:wrong@"), "server.example:22"],
    ],
    [
      "a target that refuses",
      7,
      "ERR_SOCKS_REQUEST_REFUSED",
      "request",
      () => ["-x", url(proxy), `127.0.0.1:${closed.port}`],
    ],
    [
      "a target that refuses, by SOCKS 4",
      7,
      "ERR_SOCKS_REQUEST_REFUSED",
      "request",
      () => ["-x", url(proxy, "socks4a"), `127.0.0.1:${closed.port}`],
    ],
    [
      "a silent proxy",
      9,
      "ERR_SOCKS_TIMEOUT",
      "negotiate",
      () => ["-x", url(silent), "--timeout", "300ms", "server.example:22"],
    ],
    [
      "an unknown scheme",
      2,
      "ERR_SOCKS_UNKNOWN_SCHEME",
      undefined,
      () => ["-x", "socks6://proxy.example", "server.example:22"],
    ],
    [
      "an FTP proxy",
      2,
      "ERR_SOCKS_UNKNOWN_SCHEME",
      undefined,
      () => ["-x", "ftp://proxy.example", "server.example:22"],
    ],
    [
      "a missing scheme",
      2,
      "ERR_SOCKS_BAD_PROXY_URL",
      undefined,
      () => ["-x", "proxy.example:1080", "server.example:22"],
    ],
    ["no proxy at all", 2, "ERR_SOCKS_NO_PROXY", undefined, () => ["server.example:22"]],
    ["a target without port", 2, "ERR_SOCKS_USAGE", undefined, () => ["-x", url(proxy), "server.example"]],
    ["a target with port 0", 2, "ERR_SOCKS_USAGE", undefined, () => ["-x", url(proxy), "server.example:0"]],
    [
      "a target that only looks like an address",
      2,
      "ERR_SOCKS_USAGE",
      undefined,
      () => ["-x", url(proxy), "0x7f.1:22"],
    ],
    [
      "IPv6 through SOCKS 4",
      2,
      "ERR_SOCKS_NOT_REPRESENTABLE",
      undefined,
      () => ["-x", url(proxy, "socks4a"), "[2001:db8::1]:22"],
    ],
    [
      "TLS where the proxy has none",
      10,
      "ERR_SOCKS_PROXY_CLOSED",
      "tls",
      () => ["-x", url(proxy, "socks5s"), "server.example:22"],
    ],
    [
      "an option about TLS without TLS",
      2,
      "ERR_SOCKS_USAGE",
      undefined,
      () => ["-x", url(proxy), "--proxy-insecure", "server.example:22"],
    ],
    [
      "a certificate that is not there",
      1,
      "ERR_SOCKS_FILE",
      undefined,
      () => ["-x", url(proxy, "socks5s"), "--proxy-cacert", "/nowhere.pem", "server.example:22"],
    ],
    [
      "a key without its certificate",
      2,
      "ERR_SOCKS_USAGE",
      undefined,
      () => ["-x", url(proxy, "socks5s"), "--proxy-key", "/nowhere.pem", "server.example:22"],
    ],
    [
      "a PROXY header of no version",
      2,
      "ERR_SOCKS_USAGE",
      undefined,
      () => ["-x", url(proxy), "--proxy-protocol", "3", "server.example:22"],
    ],
    ["-4 and -6", 2, "ERR_SOCKS_USAGE", undefined, () => ["-x", url(proxy), "-4", "-6", "server.example:22"]],
  ];

  test.each(cases)("%s: %i %s", async (_what, status, code, stage, args) => {
    const [text, json] = await Promise.all([run(["connect", ...args()]), run(["connect", "--json", ...args()])]);
    expect(text).toMatchObject({ status, stdout: "" });
    expect(text.stderr).toMatch(/^sockskit connect: [^\n]+\n$/);
    expect(text.stderr).toContain(`[${code}]`);
    expect(json).toMatchObject({ status, stdout: "" });
    expect(JSON.parse(json.stderr)).toMatchObject({ type: "error", code, exitStatus: status, ...(stage && { stage }) });
  });

  test("a target that breaks the tunnel: 8", async () => {
    const args = ["-x", url(proxy), `127.0.0.1:${resetting.port}`];
    const { status, stderr } = await run(["connect", ...args], { input: "hello" });
    expect(status).toBe(8);
    expect(stderr).toContain("[ERR_SOCKS_TUNNEL_BROKEN]");
  });

  test("success: 0", async () => {
    expect(await run(["fetch", "-x", url(proxy), `http://127.0.0.1:${webPort().port}/`])).toEqual({
      status: 0,
      stdout: "hello",
      stderr: "",
    });
  });

  test("an error in a variable names it", async () => {
    const { status, stderr } = await run(["connect", "server.example:22"], {
      env: { ALL_PROXY: "proxy.example:1080" },
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^sockskit connect: ALL_PROXY: "proxy\.example:1080": there is no scheme/);
  });

  test("a failing hop of a chain is named", async () => {
    const args = [
      "connect",
      "--json",
      "-x",
      url(proxy),
      "-x",
      url(locked, "socks5h", "alice:wrong@"),
      "server.example:22",
    ];
    const { status, stderr } = await run(args);
    expect(status).toBe(6);
    expect(JSON.parse(stderr)).toMatchObject({ hop: { index: 1, proxy: url(locked, "socks5h", "alice:***@") } });
  });
});
