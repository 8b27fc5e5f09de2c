import { once } from "node:events";
import net from "node:net";

import { type LoopbackServer, listenEcho, listenTcp, readToEnd } from "@sockskit/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { finish, firstLine, run, type Sockskit, start, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

let proxy: TestProxy;
let servers: LoopbackServer[];

beforeEach(async () => {
  proxy = await startProxy();
  const echo = await listenEcho();
  servers = [proxy, echo];
});

afterEach(async () => {
  await stopAll();
  await Promise.all(servers.map((server) => server.close()));
});

const echoPort = (): number => servers[1]?.port ?? 0;

async function forward(...args: string[]): Promise<{ child: Sockskit; port: number; line: string }> {
  const child = start(["forward", "-x", `socks5h://127.0.0.1:${proxy.port}`, ...args]);
  const line = await firstLine(child.stdout);
  return { child, line, port: Number(/^(?:listening on .*?:|.*"port":)(\d+)/.exec(line)?.[1]) };
}

async function talk(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  const socket = net.connect({ port, host, allowHalfOpen: true });
  socket.end(text);
  return Buffer.from(await readToEnd(socket)).toString();
}

describe("forward", () => {
  test("listens on loopback, and each connection goes through the proxy", async () => {
    const { child, line, port } = await forward("0", `server.example:${echoPort()}`);
    expect(line).toBe(`listening on 127.0.0.1:${port}, leading to server.example:${echoPort()}`);
    expect(await Promise.all([talk(port, "one"), talk(port, "two")])).toEqual(["one", "two"]);
    const request = `5 1 name server.example ${echoPort()}`;
    expect(proxy.requests).toEqual([request, request]);
    child.kill("SIGINT");
    expect(await finish(child)).toMatchObject({ status: 0, stderr: "" });
  });

  test("on another address, as JSON", async () => {
    const { line, port } = await forward("--json", "[::1]:0", `127.0.0.1:${echoPort()}`);
    expect(JSON.parse(line)).toEqual({
      type: "listening",
      address: "::1",
      port,
      destination: `127.0.0.1:${echoPort()}`,
    });
    expect(await talk(port, "six", "::1")).toBe("six");
  });

  test("a connection that fails is reported and reset, and the next one works", async () => {
    const { child, port } = await forward("0", `server.example:${echoPort()}`);
    await proxy.close();
    let reported = "";
    child.stderr.on("data", (part) => (reported += part));
    await expect(talk(port, "lost")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect.poll(() => reported).toMatch(/^sockskit forward: .* \[ERR_SOCKS_PROXY_UNREACHABLE\]\n$/);
    // Also without anything unread, which would make the system reset it by itself.
    await expect(talk(port, "")).rejects.toMatchObject({ code: "ECONNRESET" });
    const again = net.createServer((socket) => socket.destroy()).listen(proxy.port, "127.0.0.1");
    await once(again, "listening");
    try {
      await expect(talk(port, "lost too")).rejects.toMatchObject({ code: "ECONNRESET" });
      await expect.poll(() => reported).toContain("ERR_SOCKS_PROXY_CLOSED");
      expect(child.exitCode).toBeNull();
    } finally {
      again.close();
    }
  });

  test("a reset of the destination arrives as a reset", async () => {
    const resetting = await listenTcp((socket) => socket.once("data", () => socket.resetAndDestroy()));
    servers.push(resetting);
    const { port } = await forward("0", `server.example:${resetting.port}`);
    await expect(talk(port, "x")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("a client that leaves frees the tunnel", async () => {
    const { port } = await forward("0", `server.example:${echoPort()}`);
    const socket = net.connect(port, "127.0.0.1");
    socket.write("x");
    await once(socket, "data");
    socket.resetAndDestroy();
    await expect.poll(() => servers[1]?.sockets.size).toBe(0);
  });

  test("SIGTERM ends it with connections open", async () => {
    const { child, port } = await forward("0", `server.example:${echoPort()}`);
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("x");
    await once(socket, "data");
    child.kill("SIGTERM");
    expect((await finish(child)).status).toBe(0);
  });

  test("a port that is taken", async () => {
    const outcome = await run(["forward", "-x", "socks5h://h", String(echoPort()), "server.example:1"]);
    expect(outcome).toEqual({
      status: 1,
      stdout: "",
      stderr: `sockskit forward: cannot listen on 127.0.0.1:${echoPort()}: EADDRINUSE [ERR_SOCKS_LISTEN_FAILED]\n`,
    });
  });

  test("a proxy that cannot be used is refused before anything listens", async () => {
    const outcome = await run(["forward", "-x", "socks6://h", "0", "server.example:1"]);
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
  });
});
