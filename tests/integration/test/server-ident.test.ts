import net from "node:net";
import { describe, expect, test } from "vitest";
import { createIdentServer } from "@sockskit/identd";
import type { ServerOptions } from "@sockskit/server";
import { hex, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  afterTest,
  connectRequest,
  connectTo,
  converse,
  GREETING,
  pause,
  portHex,
  type Running,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";

const GRANTED = "005a";
const REJECTED = "005b000000000000";
const UNREACHABLE = "005c000000000000";
const MISMATCH = "005d000000000000";

/** A daemon that answers every query with these words, ports in front. `undefined`: it says nothing. */
async function startDaemon(words: string | undefined): Promise<{ port: number; queries: string[] }> {
  const queries: string[] = [];
  const daemon = await startTarget((socket) => {
    socket.on("data", (chunk) => {
      const query = String(chunk);
      queries.push(query);
      if (words !== undefined) socket.end(words.replace("PORTS", query.trim()));
    });
  });
  return { port: daemon.port, queries };
}

/** A SOCKS 4 CONNECT of a user. */
function request(port: number, userid: string | Buffer): Uint8Array {
  return octets(`04 01 ${portHex(port)} 7f 00 00 01 ${Buffer.from(userid).toString("hex")} 00`);
}

/** The octets of the reply to a user's CONNECT. */
async function ask(running: Running, port: number, userid: string | Buffer): Promise<string> {
  const client = await connectTo(running.port);
  client.write(request(port, userid));
  const reply = hex(await readOctets(client, 8)).replaceAll(" ", "");
  client.end();
  return reply;
}

async function start(mode: "ask" | "require", words: string | undefined, options: ServerOptions = {}) {
  const daemon = await startDaemon(words);
  const { ident, ...others } = options;
  const running = await startServer({ ident: { mode, port: daemon.port, timeoutMs: 2_000, ...ident }, ...others });
  const echo = await startEcho();
  return { running, daemon, port: echo.port };
}

const NAMES_FRED = "PORTS : USERID : UNIX : fred\r\n";

describe.each(["ask", "require"] as const)("%s", (mode) => {
  test("the same user goes on; the query names the ports of the client's connection", async () => {
    const { running, daemon, port } = await start(mode, NAMES_FRED);
    const client = await connectTo(running.port);
    client.write(Buffer.concat([request(port, "fred"), Buffer.from("early")]));
    expect(hex(await readOctets(client, 8))).toMatch(/^00 ?5a/);
    expect(Buffer.from(await readOctets(client, 5)).toString()).toBe("early");
    expect(daemon.queries).toEqual([`${client.localPort}, ${running.port}\r\n`]);
    expect(running.log.connected[0]).toMatchObject({ userId: "fred", ident: { userId: "fred" } });
  });

  test.each([
    ["another user", "root"],
    ["another case", "Fred"],
    ["a part of the name", "fre"],
    ["more than the name", "freda"],
    ["a blank before it", " fred"],
  ])("another user is answered 5d: %s", async (_what, userid) => {
    const { running, port } = await start(mode, NAMES_FRED);
    expect(await ask(running, port, userid)).toBe(MISMATCH);
    expect(running.log.denied).toMatchObject([
      { stage: "authenticate", code: "ERR_SOCKS_IDENT_MISMATCH", rep: 0x5d, ident: { userId: "fred" } },
    ]);
    expect(running.log.connected).toEqual([]);
    await until(() => running.log.closed.length === 1, "the session is over");
    expect(running.log.closed[0]).toMatchObject({ reason: "refused", code: "ERR_SOCKS_IDENT_MISMATCH", rep: 0x5d });
  });

  test("a request without a user id has nothing that could differ", async () => {
    const { running, port } = await start(mode, NAMES_FRED);
    expect(await ask(running, port, "")).toMatch(GRANTED);
  });

  test("SOCKS 5 is not asked for", async () => {
    const { running, daemon, port } = await start(mode, "PORTS : ERROR : NO-USER\r\n");
    const client = await connectTo(running.port);
    client.write(Buffer.concat([GREETING, connectRequest(port)]));
    expect(hex(await readOctets(client, 4)).replaceAll(" ", "")).toBe("05000500");
    expect(daemon.queries).toEqual([]);
  });
});

describe("without a name", () => {
  const ANSWERS: readonly (readonly [what: string, words: string, error: string])[] = [
    ["NO-USER", "PORTS : ERROR : NO-USER\r\n", "NO-USER"],
    ["HIDDEN-USER", "PORTS : ERROR : HIDDEN-USER\r\n", "HIDDEN-USER"],
    ["UNKNOWN-ERROR", "PORTS : ERROR : UNKNOWN-ERROR\r\n", "UNKNOWN-ERROR"],
    ["a private error", "PORTS : ERROR : XPRIVATE\r\n", "XPRIVATE"],
    ["other ports", "1, 2 : USERID : UNIX : fred\r\n", "UNKNOWN-ERROR"],
    ["half a line", "PORTS : USERID : UNIX : fred", "UNKNOWN-ERROR"],
    ["nothing", "", "UNKNOWN-ERROR"],
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", "UNKNOWN-ERROR"],
    ["a line without an end", " ".repeat(5_000), "UNKNOWN-ERROR"],
    ["a name that forges a line", "PORTS : USERID : UNIX : fred\rsession closed\r\n", "UNKNOWN-ERROR"],
    ["a name that repaints a terminal", "PORTS : USERID : UNIX : fred\u001B[2J\r\n", "UNKNOWN-ERROR"],
    ["a name with NUL", "PORTS : USERID : UNIX : fred\0x\r\n", "UNKNOWN-ERROR"],
  ];

  test.each(ANSWERS)("require: %s is answered 5c", async (_what, words, error) => {
    const { running, port } = await start("require", words);
    expect(await ask(running, port, "fred")).toBe(UNREACHABLE);
    expect(running.log.denied).toMatchObject([{ code: "ERR_SOCKS_IDENT_FAILED", rep: 0x5c, ident: { error } }]);
  });

  test.each(ANSWERS)("ask: %s changes nothing", async (_what, words, error) => {
    const { running, port } = await start("ask", words);
    expect(await ask(running, port, "fred")).toMatch(GRANTED);
    expect(running.log.connected[0]).toMatchObject({ userId: "fred", ident: { error } });
    expect(running.log.connected[0]).not.toHaveProperty("user");
  });

  test("INVALID-PORT: our ports were changed on the way, 5b", async () => {
    const { running, port } = await start("require", "PORTS : ERROR : INVALID-PORT\r\n");
    expect(await ask(running, port, "fred")).toBe(REJECTED);
  });

  test("nobody listens", async () => {
    const daemon = await startTarget(() => undefined);
    await daemon.close();
    const running = await startServer({ ident: { mode: "require", port: daemon.port } });
    expect(await converse(running.port, request(9, "fred"))).toBe(UNREACHABLE);
    expect(running.log.denied[0]).toMatchObject({ ident: { error: "ERR_SOCKS_IDENT_UNREACHABLE" } });
  });

  test("a daemon that says nothing, and one that drips", async () => {
    const silent = await start("require", undefined, { ident: { timeoutMs: 200 } });
    expect(await converse(silent.running.port, request(silent.port, "fred"))).toBe(UNREACHABLE);
    expect(silent.running.log.denied[0]).toMatchObject({ ident: { error: "ERR_SOCKS_TIMEOUT" } });

    const dripping = await startTarget((socket) => {
      const timer = setInterval(() => socket.write(" "), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const running = await startServer({ ident: { mode: "require", port: dripping.port, timeoutMs: 200 } });
    expect(await converse(running.port, request(9, "fred"))).toBe(UNREACHABLE);
    await until(() => dripping.sockets.size === 0, "the daemon is let go");
  });
});

describe("who the client is for the rules", () => {
  const ONLY_FRED: ServerOptions = { rules: [{ action: "allow", users: ["fred"] }] };

  test("require: the name", async () => {
    const { running, port } = await start("require", NAMES_FRED, ONLY_FRED);
    expect(await ask(running, port, "fred")).toMatch(GRANTED);
    expect(await ask(running, port, "")).toMatch(GRANTED);
    expect(running.log.connected.map(({ user }) => user)).toEqual(["fred", "fred"]);
  });

  test("require: only the name that was named", async () => {
    const { running, port } = await start("require", "PORTS:USERID:UNIX:alice\r\n", ONLY_FRED);
    expect(await ask(running, port, "alice")).toBe(REJECTED);
    expect(await ask(running, port, "fred")).toBe(MISMATCH);
  });

  test.each<[string, ServerOptions]>([
    ["off: a claim", { ident: { mode: "off" } }],
    ["ask: a hint", {}],
  ])("%s", async (_what, options) => {
    const { running, port } = await start("ask", NAMES_FRED, { ...ONLY_FRED, ...options });
    expect(await ask(running, port, "fred")).toBe(REJECTED);
    expect(running.log.denied[0]).toMatchObject({ code: "ERR_SOCKS_DENIED" });
  });

  test("it is no log-in", async () => {
    const { running, port } = await start("require", NAMES_FRED, {
      rules: [{ action: "allow", authenticated: true }],
    });
    expect(await ask(running, port, "fred")).toBe(REJECTED);
  });

  test("it is no name of somebody who has a password", async () => {
    const { running, port } = await start("require", NAMES_FRED, {
      ...ONLY_FRED,
      authMethods: ["none", "userpass"],
      credentials: [{ name: "fred", password: { plain: "secret" } }],
    });
    expect(await ask(running, port, "fred")).toBe(REJECTED);
  });

  test("OTHER is no login name", async () => {
    const { running, port } = await start("require", "PORTS:USERID:other,UTF-8:fred\r\n", ONLY_FRED);
    expect(await ask(running, port, "fred")).toBe(REJECTED);
  });

  test("a name that turns the line round is none", async () => {
    const { running, port } = await start("require", "PORTS:USERID:UNIX,UTF-8:\u202Ederf\r\n", {
      rules: [{ action: "allow" }],
    });
    expect(await ask(running, port, "\u202Ederf")).toMatch(GRANTED);
    expect(running.log.connected[0]).not.toHaveProperty("user");
    expect(running.log.connected[0]?.ident).toEqual({ userId: "0xe280ae64657266" });
  });

  test("SOCKS 4 stays out where a password is required", async () => {
    const { running, daemon, port } = await start("require", NAMES_FRED, {
      credentials: [{ name: "fred", password: { plain: "secret" } }],
    });
    expect(await ask(running, port, "fred")).toBe(REJECTED);
    expect(running.log.denied[0]).toMatchObject({ code: "ERR_SOCKS_AUTH_REQUIRED" });
    expect(daemon.queries).toEqual([]);
  });
});

test("the daemon is asked from the address that the client came to", async () => {
  const seen: (string | undefined)[] = [];
  const daemon = net.createServer((socket) => {
    seen.push(socket.remoteAddress, socket.localAddress);
    socket.once("data", (query) => socket.end(`${String(query).trim()}:USERID:UNIX:fred\r\n`));
  });
  afterTest(() => daemon.close());
  await new Promise<void>((resolve) => void daemon.listen(0, "127.0.0.1", resolve));
  // The same port on another address of this host: nothing else listens there.
  const { port } = daemon.address() as net.AddressInfo;
  const second = net.createServer((socket) => {
    seen.push(socket.remoteAddress, socket.localAddress);
    socket.once("data", (query) => socket.end(`${String(query).trim()}:USERID:UNIX:fred\r\n`));
  });
  afterTest(() => second.close());
  await new Promise<void>((resolve) => void second.listen(port, "127.0.0.3", resolve));
  const running = await startServer({
    listen: [{ host: "127.0.0.2", port: 0 }],
    ident: { mode: "require", port },
  });
  const echo = await startEcho();
  const client = await connectTo(running.port, "127.0.0.2", "127.0.0.3");
  client.write(request(echo.port, "fred"));
  expect(hex(await readOctets(client, 2))).toMatch(/^00 ?5a/);
  expect(seen).toEqual(["127.0.0.2", "127.0.0.3"]);
});

test("a client that leaves while its host is asked leaves nothing behind", async () => {
  const { running, daemon, port } = await start("require", undefined, { ident: { timeoutMs: 60_000 } });
  const client = await connectTo(running.port);
  client.write(request(port, "fred"));
  await until(() => daemon.queries.length === 1, "the host is asked");
  client.resetAndDestroy();
  await until(() => running.log.closed.length === 1, "the session is over");
  expect(running.log.closed[0]?.reason).toBe("client-left");
  await pause(50);
  expect(running.log.error).toEqual([]);
});

test("a client that floods while its host is asked is not read on, and loses nothing", async () => {
  const { running, daemon, port } = await start("require", undefined, { ident: { timeoutMs: 60_000 } });
  const client = await connectTo(running.port);
  client.write(request(port, "fred"));
  await until(() => daemon.queries.length === 1, "the host is asked");
  const flood = Buffer.alloc(64 * 1024 * 1024, "f");
  client.write(flood);
  await pause(200);
  // What is not in the buffers of the system and of this side is what the server has read.
  expect(client.writableLength).toBeGreaterThan(flood.length / 2);
  expect(running.log.closed).toEqual([]);
});

test("the server closes while a host is asked", async () => {
  const { running, daemon, port } = await start("require", undefined, { ident: { timeoutMs: 60_000 } });
  const client = await connectTo(running.port);
  client.write(request(port, "fred"));
  await until(() => daemon.queries.length === 1, "the host is asked");
  await running.server.close();
  await readToEnd(client).catch(() => undefined);
  expect(running.log.closed[0]?.reason).toBe("server-closed");
});

test("asking stops the clock of the handshake", async () => {
  const slow = await startTarget((socket) => {
    socket.once("data", (query) => {
      setTimeout(() => socket.end(`${String(query).trim()}:USERID:UNIX:fred\r\n`), 400);
    });
  });
  const running = await startServer({
    ident: { mode: "require", port: slow.port },
    timeouts: { handshakeMs: 150 },
  });
  const echo = await startEcho();
  expect(await ask(running, echo.port, "fred")).toMatch(GRANTED);
});

test("our own daemon knows who runs this test", { skip: process.platform !== "linux" }, async () => {
  const daemon = createIdentServer({ port: 0 });
  afterTest(() => daemon.close());
  const { port } = await daemon.listen();
  const { userInfo } = await import("node:os");
  const running = await startServer({
    ident: { mode: "require", port },
    rules: [{ action: "allow", users: [userInfo().username] }],
  });
  const echo = await startEcho();
  expect(await ask(running, echo.port, userInfo().username)).toMatch(GRANTED);
  expect(await ask(running, echo.port, `${userInfo().username}x`)).toBe(MISMATCH);
});

test.each([
  [{ mode: "maybe" }, ["ident", "mode"]],
  [{ mode: "ask", port: 0 }, ["ident", "port"]],
  [{ mode: "ask", timeoutMs: 0 }, ["ident", "timeoutMs"]],
  [{ mode: "ask", timeoutMs: 60_001 }, ["ident", "timeoutMs"]],
  [{ mode: "ask", timeout: 3 }, ["ident", "timeout"]],
])("options that cannot be used: %j", async (ident, path) => {
  await expect(startServer({ ident } as ServerOptions)).rejects.toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", path });
});
