import { once } from "node:events";

import { connect, connectionInfo, type ConnectOptions, isSocksError, type SocksError } from "@sockskit/client";
import { readOctets, readToEnd } from "@sockskit/testing";
import { describe, expect, test } from "vitest";

import { startEcho, startServer, startTarget } from "./server-support.ts";

const user = { name: "alice", password: { plain: "correct horse" } };
const userinfo = "alice:correct%20horse@";

async function failure(options: ConnectOptions): Promise<SocksError> {
  const error: unknown = await connect(options).catch((reason: unknown) => reason);
  if (!isSocksError(error)) throw new TypeError("expected a SocksError", { cause: error });
  return error;
}

describe("CONNECT", () => {
  test.each(["socks4", "socks4a", "socks5", "socks5h", "socks"])("%s, to an address and to a name", async (scheme) => {
    const { port } = await startServer();
    const echo = await startEcho();
    for (const host of ["127.0.0.1", "localhost"]) {
      const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: { host, port: echo.port } });
      socket.write("hello");
      expect(String(await once(socket, "data")), host).toBe("hello");
      expect(connectionInfo(socket)?.boundAddress).toMatchObject({ type: "ipv4", host: "127.0.0.1" });
      socket.destroy();
    }
  });

  test.each(["socks5", "socks5h"])("%s with user and password", async (scheme) => {
    const { port } = await startServer({ authMethods: ["userpass"], credentials: [user] });
    const echo = await startEcho();
    const proxy = `${scheme}://${userinfo}127.0.0.1:${port}`;
    const socket = await connect({ proxy, target: `127.0.0.1:${echo.port}` });
    socket.write("hello");
    expect(String(await once(socket, "data"))).toBe("hello");
    socket.destroy();
  });

  test.each(["socks5", "socks5h"])("%s to an IPv6 address", async (scheme) => {
    const { port } = await startServer();
    const echo = await startEcho("::1");
    const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: `[::1]:${echo.port}` });
    socket.write("six");
    expect(String(await once(socket, "data"))).toBe("six");
    socket.destroy();
  });
});

describe("chains of three", () => {
  const schemes = ["socks4a", "socks5h", "socks5", "socks4"];
  const mixed = schemes.flatMap((a) => schemes.flatMap((b) => schemes.map((c) => [a, b, c] as const)));

  test("every mix of schemes", async () => {
    const servers = await Promise.all([startServer(), startServer(), startServer()]);
    const echo = await startEcho();
    for (const hops of mixed) {
      const chain = hops.map((scheme, index) => `${scheme}://localhost:${servers[index]?.port}`);
      const socket = await connect({ chain, target: `localhost:${echo.port}` });
      socket.write(hops.join());
      expect(String(await once(socket, "data"))).toBe(hops.join());
      expect(connectionInfo(socket)?.proxies).toEqual(chain);
      socket.destroy();
    }
    for (const { log } of servers) expect(log.connected.length).toBe(mixed.length);
  });

  test("the credentials of a hop go to that hop only", async () => {
    const first = await startServer();
    const second = await startServer({ authMethods: ["userpass"], credentials: [user] });
    const third = await startServer();
    const echo = await startEcho();
    const chain = [
      `socks5h://127.0.0.1:${first.port}`,
      `socks5h://${userinfo}127.0.0.1:${second.port}`,
      `socks4://127.0.0.1:${third.port}`,
    ];
    const socket = await connect({ chain, target: `127.0.0.1:${echo.port}` });
    socket.destroy();
    expect(second.log.authenticated.length).toBe(1);
    for (const { log } of [first, third])
      expect(log.authenticated.filter(({ user: name }) => name !== undefined)).toEqual([]);
  });

  test("tells which hop refused, and leaves nothing open at the others", async () => {
    const [first, second] = [await startServer(), await startServer()];
    const third = await startServer({ authMethods: ["userpass"], credentials: [user] });
    const chain = [
      `socks5h://127.0.0.1:${first.port}`,
      `socks4://127.0.0.1:${second.port}`,
      `socks5h://alice:wrong@127.0.0.1:${third.port}`,
    ];
    const error = await failure({ chain, target: "127.0.0.1:9" });
    expect(error).toMatchObject({
      code: "ERR_SOCKS_AUTH_REJECTED",
      stage: "authenticate",
      hop: { index: 2, proxy: `socks5h://alice:***@127.0.0.1:${third.port}` },
    });
    await expect.poll(() => [...first.server.sessions(), ...second.server.sessions()]).toEqual([]);
  });
});

describe("refusals", () => {
  test("the target refuses", async () => {
    const { port } = await startServer();
    const target = await startTarget(() => undefined);
    await target.close();
    for (const [scheme, reply] of [
      ["socks5h", 0x05],
      ["socks4a", 0x5b],
    ] as const) {
      const error = await failure({ proxy: `${scheme}://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
      expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply });
    }
  });

  test("the rules refuse", async () => {
    const { port } = await startServer({ rules: [{ action: "deny", to: ["127.0.0.9"] }, { action: "allow" }] });
    const error = await failure({ proxy: `socks5h://127.0.0.1:${port}`, target: "127.0.0.9:80" });
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x02 });
    expect(error.message).toContain("does not allow");
  });

  test("a password is wanted, and none is given; or the wrong one", async () => {
    const { port } = await startServer({ authMethods: ["userpass"], credentials: [user] });
    const target = "127.0.0.1:9";
    expect(await failure({ proxy: `socks5h://127.0.0.1:${port}`, target })).toMatchObject({
      code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      stage: "negotiate",
    });
    expect(await failure({ proxy: `socks5h://alice:wrong@127.0.0.1:${port}`, target })).toMatchObject({
      code: "ERR_SOCKS_AUTH_REJECTED",
      stage: "authenticate",
    });
    expect(await failure({ proxy: `socks4a://alice@127.0.0.1:${port}`, target })).toMatchObject({
      code: "ERR_SOCKS_REQUEST_REFUSED",
      reply: 0x5b,
    });
  });

  test("a name that the proxy cannot resolve", async () => {
    const { port } = await startServer();
    const error = await failure({ proxy: `socks5h://127.0.0.1:${port}`, target: "no-such-name.invalid:80" });
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x04 });
  });
});

describe("who speaks first", () => {
  test("the target does", async () => {
    const { port } = await startServer();
    const target = await startTarget((socket) => void socket.end("220 ready\r\n"));
    for (const scheme of ["socks4", "socks5h"]) {
      const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
      expect(String(Buffer.from(await readToEnd(socket)))).toBe("220 ready\r\n");
    }
  });

  test("the target does, and the caller is slow to listen", async () => {
    const { port } = await startServer();
    const target = await startTarget((socket) => void socket.write("220 ready\r\n"));
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(String(Buffer.from(await readOctets(socket, 11)))).toBe("220 ready\r\n");
    socket.destroy();
  });
});
