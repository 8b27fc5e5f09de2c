import { type LoopbackServer, listenTcp } from "@sockskit/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { run, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

const YES = { verdict: "yes" };

let proxy: TestProxy;
let servers: LoopbackServer[];

beforeEach(async () => {
  proxy = await startProxy();
  servers = [proxy];
});

afterEach(async () => {
  await stopAll();
  await Promise.all(servers.map((server) => server.close()));
});

async function listen(banner: string): Promise<LoopbackServer> {
  const server = await listenTcp((socket) => {
    if (banner !== "") socket.write(banner);
    socket.on("end", () => socket.end());
    socket.resume();
  });
  servers.push(server);
  return server;
}

/** The rows without the times, which differ. */
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .replaceAll(/[\d.]+ ms/g, "N ms")
        .trim()
        .split(/ {2,}/),
    );

describe("probe", () => {
  test("shows a table for people; the scheme may be left out", async () => {
    const { status, stdout, stderr } = await run(["probe", `127.0.0.1:${proxy.port}`]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(rows(stdout)).toEqual([
      [`socks5h://127.0.0.1:${proxy.port}`],
      ["speaks", "SOCKS 4, SOCKS 4A, SOCKS 5"],
      ["methods", "no authentication"],
      ["resolves names", "yes: it tries a name, where nobody listens"],
      ["reaches IPv6", "yes: it tries an IPv6 address, where nobody listens"],
      ["listens (BIND)", "no: it says that it does not support this command"],
      ["relays UDP", "no: it says that it does not support this command"],
      ["looks up (RESOLVE)", "no: it says that it does not support this command"],
      ["SOCKS 5 CONNECT, IPv4", "refused: connection refused (05)"],
      ["SOCKS 5 CONNECT, IPv6", "refused: connection refused (05)"],
      ["SOCKS 5 CONNECT, name", "refused: connection refused (05)"],
      ["SOCKS 5 BIND", "refused: command not supported (07)"],
      ["SOCKS 5 UDP ASSOCIATE", "refused: command not supported (07)"],
      ["SOCKS 5 RESOLVE", "refused: command not supported (07)"],
      ["SOCKS 4 CONNECT", "refused: rejected or failed (5b)"],
      ["SOCKS 4A CONNECT, name", "refused: rejected or failed (5b)"],
      ["SOCKS 4 BIND", "refused: rejected or failed (5b)"],
      ["CONNECT went to", "port 1 of the proxy's own host"],
      ["latency", "TCP N ms, greeting N ms, CONNECT N ms"],
    ]);
  });

  test("asks for the target that was given", async () => {
    const target = await listen("");
    const { stdout } = await run(["probe", `socks5://127.0.0.1:${proxy.port}`, "--target", `127.0.0.1:${target.port}`]);
    expect(rows(stdout)).toContainEqual(["SOCKS 5 CONNECT, IPv4", "granted in N ms"]);
    expect(rows(stdout)).toContainEqual(["CONNECT went to", `127.0.0.1:${target.port}`]);
    expect(proxy.requests).toContain(`5 1 127.0.0.1 ${target.port}`);
  });

  test("--json: one line per proxy", async () => {
    const urls = [`socks5://127.0.0.1:${proxy.port}`, `socks4://127.0.0.1:${proxy.port}`];
    const { status, stdout } = await run(["probe", "--json", ...urls]);
    expect(status).toBe(0);
    const reports = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { proxy: string });
    expect(reports.map((report) => report.proxy)).toEqual(urls);
    expect(reports[0]).toMatchObject({ protocol: "socks", versions: { socks4: YES, socks4a: YES, socks5: YES } });
  });

  test.each([
    ["SSH-2.0-OpenSSH_9.2\r\n", "SSH", "an SSH server"],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP", "an HTTP server"],
    ["\u0015\u0003\u0001\u0000\u0002\u0002F", "TLS", "a TLS server"],
    ["220 mail.example\r\n", "another protocol", "something else"],
    ["", "nothing known", "silent to SOCKS, HTTP and TLS"],
  ])("%j is no SOCKS proxy, and is named", async (banner, speaks, name) => {
    const server = await listen(banner);
    const { status, stdout, stderr } = await run(["probe", "--timeout", "300ms", `127.0.0.1:${server.port}`]);
    expect(status).toBe(5);
    expect(rows(stdout)).toContainEqual(["speaks", speaks]);
    expect(stderr).toContain(`is no SOCKS proxy: it is ${name}`);
    expect(stderr).toContain("[ERR_SOCKS_NOT_SOCKS]");
  });

  test("a dead proxy ends it with the status of the stage", async () => {
    const dead = await listen("");
    await dead.close();
    const { status, stdout, stderr } = await run(["probe", `127.0.0.1:${dead.port}`]);
    expect({ status, stdout }).toEqual({ status: 4, stdout: "" });
    expect(stderr).toContain("[ERR_SOCKS_PROXY_UNREACHABLE]");
  });
});
