import net from "node:net";
import { describe, expect, test } from "vitest";
import { createServer } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import {
  afterTest,
  connectRequest,
  connectTo,
  converse,
  credentials,
  ENGINE,
  GREETING,
  GREETING_USERPASS,
  openTunnel,
  pause,
  portHex,
  refused,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";

const alice = { name: "alice", password: { plain: "s3cret" } };

async function isListening(port: number, host = "127.0.0.1"): Promise<boolean> {
  const socket = net.connect(port, host);
  try {
    return await new Promise<boolean>((resolve) =>
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false)),
    );
  } finally {
    socket.destroy();
  }
}

describe("listening", () => {
  test("without options: 127.0.0.1 only", async () => {
    const server = createServer({ engine: ENGINE, listen: [{ port: 0 }] });
    afterTest(() => server.close());
    expect(await server.listen()).toEqual([{ host: "127.0.0.1", port: expect.any(Number) as number }]);
    expect(await isListening(server.addresses[0]?.port ?? 0, "127.0.0.2")).toBe(false);
  });

  test("a dual-stack listener sees IPv4 clients as IPv4", async () => {
    const { port, log } = await startServer({ listen: [{ host: "::", port: 0 }], allowOpenProxy: true });
    const echo = await startEcho();
    const client = await connectTo(port, "127.0.0.1");
    client.write(concat(GREETING, connectRequest(echo.port)));
    expect((await readOctets(client, 12))[3]).toBe(0x00);
    await until(() => log.session.length > 0, "it is told");
    expect(log.session[0]?.client).toMatchObject({ type: "ipv4", host: "127.0.0.1" });
    const client6 = await connectTo(port, "::1");
    client6.write(concat(GREETING, connectRequest(echo.port)));
    expect((await readOctets(client6, 12))[3]).toBe(0x00);
    expect(log.session[1]?.client).toMatchObject({ type: "ipv6", host: "::1" });
  });

  test("0.0.0.0 and :: on one port", async () => {
    const probe = await startTarget(() => undefined);
    await probe.close();
    const listen = [
      { host: "0.0.0.0", port: probe.port },
      { host: "::", port: probe.port },
    ];
    const { log } = await startServer({ listen, allowOpenProxy: true });
    await converse(probe.port, GREETING, connectRequest(0));
    expect(log.session[0]?.listener).toMatchObject({ host: "0.0.0.0" });
  });

  test("each listener has its versions", async () => {
    const { server } = await startServer({
      listen: [
        { port: 0, versions: [4] },
        { port: 0, versions: [5] },
      ],
    });
    const [four, five] = server.addresses.map(({ port }) => port);
    expect(await converse(four ?? 0, GREETING)).toBe("05ff");
    expect(await converse(five ?? 0, octets(`04 01 ${portHex(1)} 7f 00 00 01 00`))).toBe("005b000000000000");
  });

  test("a port that is taken: the error says so, and nothing stays open", async () => {
    const taken = await startTarget(() => undefined);
    const free = await startTarget(() => undefined);
    await free.close();
    const server = createServer({ engine: ENGINE, listen: [{ port: free.port }, { port: taken.port }] });
    await expect(server.listen()).rejects.toMatchObject({
      name: "ServerError",
      code: "ERR_SOCKS_LISTEN_FAILED",
      message: expect.stringContaining(`127.0.0.1:${taken.port}: another program listens there already`) as string,
      cause: { code: "EADDRINUSE" },
    });
    expect(await isListening(free.port)).toBe(false);
    await expect(server.listen()).rejects.toMatchObject({ code: "ERR_SOCKS_SERVER_STATE" });
  });

  test("an address that this host does not have", async () => {
    const server = createServer({ engine: ENGINE, listen: [{ host: "203.0.113.1", port: 0 }], allowOpenProxy: true });
    await expect(server.listen()).rejects.toMatchObject({
      code: "ERR_SOCKS_LISTEN_FAILED",
      cause: { code: "EADDRNOTAVAIL" },
    });
  });
});

describe("reload", () => {
  test("new rules, users and limits for new sessions; open tunnels go on", async () => {
    const { port, server } = await startServer({ listen: [{ port: 0 }] });
    const echo = await startEcho();
    const tunnel = await openTunnel(port, echo.port);
    expect(await server.reload({ listen: [{ port: 0 }], credentials: [alice], rules: [{ action: "deny" }] })).toEqual([
      { host: "127.0.0.1", port },
    ]);
    expect(await converse(port, GREETING, connectRequest(echo.port))).toBe("05ff");
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port))).toBe(
      refused("02", "05020100"),
    );
    tunnel.write("still here");
    expect(Buffer.from(await readOctets(tunnel, 10)).toString()).toBe("still here");
  });

  test("a limit of a rule that stays the same goes on, wherever the rule stands", async () => {
    const limited = { action: "allow", limit: { sessions: 2 } } as const;
    const listen = [{ port: 0 }];
    const { port: before, server } = await startServer({ listen, rules: [limited] });
    const echo = await startEcho();
    const first = await openTunnel(before, echo.port);
    await openTunnel(before, echo.port);
    const [moved] = await server.reload({ listen, rules: [{ action: "deny", ports: [1] }, limited] });
    const port = moved?.port ?? 0;
    expect(await converse(port, GREETING, connectRequest(echo.port))).toBe(refused("02"));
    // A place that was taken before the reload is free after it.
    first.destroy();
    await until(() => server.stats.sessions === 1, "a place is free");
    await openTunnel(port, echo.port);
    expect(await converse(port, GREETING, connectRequest(echo.port))).toBe(refused("02"));
    // A changed rule begins anew.
    const [last] = await server.reload({ listen, rules: [{ ...limited, limit: { sessions: 1 } }] });
    await openTunnel(last?.port ?? 0, echo.port);
  });

  test("listeners come and go", async () => {
    const { port, server } = await startServer({ listen: [{ port: 0 }] });
    const echo = await startEcho();
    const tunnel = await openTunnel(port, echo.port);
    const [added] = await server.reload({ listen: [{ host: "127.0.0.2", port: 0 }] });
    expect(added).toMatchObject({ host: "127.0.0.2" });
    expect(await isListening(port)).toBe(false);
    expect(await isListening(added?.port ?? 0, "127.0.0.2")).toBe(true);
    tunnel.write("x");
    await readOctets(tunnel, 1);
  });

  test.each([
    ["rules that mean nothing", { rules: [{ action: "allow", ports: ["x"] }] }, "ERR_SOCKS_BAD_RULE"],
    ["an open proxy", { listen: [{ host: "0.0.0.0", port: 0 }] }, "ERR_SOCKS_OPEN_PROXY"],
    ["a bad hash", { credentials: [{ name: "bob", password: "x" }] }, "ERR_SOCKS_BAD_PASSWORD_HASH"],
    [
      "an address that cannot be opened",
      { listen: [{ port: 0 }, { port: 0, host: "203.0.113.1" }], credentials: [alice] },
      "ERR_SOCKS_LISTEN_FAILED",
    ],
  ] as const)("%s: everything stays as it was", async (_what, options, code) => {
    const { port, server } = await startServer({ listen: [{ port: 0 }], credentials: [alice] });
    const echo = await startEcho();
    const before = server.addresses;
    await expect(server.reload(options)).rejects.toMatchObject({ code });
    expect(server.addresses).toEqual(before);
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port)));
    expect(
      Buffer.from(await readOctets(client, 14))
        .toString("hex")
        .slice(0, 12),
    ).toBe("050201000500");
  });

  test("passwords that were right before are looked at again", async () => {
    const { hashPassword } = await import("@sockskit/server");
    const credentialsOf = async (password: string) => [{ name: "alice", password: await hashPassword(password) }];
    const { port, server } = await startServer({ listen: [{ port: 0 }], credentials: await credentialsOf("old") });
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "old"), connectRequest(0))).toMatch(
      /^05020100/,
    );
    await server.reload({
      listen: [{ port: 0 }],
      credentials: await credentialsOf("new"),
      timeouts: { loginFailureMs: 0 },
    });
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "old"))).toBe("05020101");
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "new"), connectRequest(0))).toMatch(
      /^05020100/,
    );
  });

  test("one after the other, the last one wins", async () => {
    const { port, server } = await startServer({ listen: [{ port: 0 }] });
    await Promise.all([server.reload({ listen: [{ port: 0 }], rules: [] }), server.reload({ listen: [{ port: 0 }] })]);
    const echo = await startEcho();
    await openTunnel(port, echo.port);
  });
});

describe("close", () => {
  test("at once", async () => {
    const { port, server, log } = await startServer();
    const echo = await startEcho();
    const tunnel = await openTunnel(port, echo.port);
    tunnel.resume();
    const waiting = await connectTo(port);
    waiting.resume();
    await until(() => server.stats.sessions === 2, "both are there");
    await server.close();
    expect(server.stats.sessions).toBe(0);
    expect(log.closed.map(({ reason }) => reason)).toEqual(["server-closed", "server-closed"]);
    expect(await isListening(port)).toBe(false);
    await server.close();
    await expect(server.reload({})).rejects.toMatchObject({ code: "ERR_SOCKS_SERVER_STATE" });
    await expect(server.listen()).rejects.toMatchObject({ code: "ERR_SOCKS_SERVER_STATE" });
  });

  test("with time for tunnels to end, not for handshakes", async () => {
    const { port, server, log } = await startServer();
    const echo = await startEcho();
    const tunnel = await openTunnel(port, echo.port);
    const waiting = await connectTo(port);
    waiting.resume();
    await until(() => server.stats.sessions === 2, "both are there");
    const closed = server.close({ drainMs: 10_000 });
    await until(() => log.closed.length === 1, "the handshake is cut off");
    expect(await isListening(port)).toBe(false);
    tunnel.write("still here");
    expect(Buffer.from(await readOctets(tunnel, 10)).toString()).toBe("still here");
    tunnel.end();
    tunnel.resume();
    await closed;
    expect(log.closed.map(({ reason }) => reason)).toEqual(["server-closed", "finished"]);
  });

  test("a second call shortens the time", async () => {
    const { port, server } = await startServer();
    const echo = await startEcho();
    (await openTunnel(port, echo.port)).resume();
    const slow = server.close({ drainMs: 60_000 });
    await pause(20);
    await Promise.all([server.close(), slow]);
    expect(server.stats.sessions).toBe(0);
  });

  test("when the time is over, tunnels end", async () => {
    const { port, server, log } = await startServer();
    const echo = await startEcho();
    (await openTunnel(port, echo.port)).resume();
    await server.close({ drainMs: 100 });
    expect(log.closed[0]).toMatchObject({ reason: "server-closed" });
  });

  test("before it ever listened", async () => {
    await createServer().close();
  });
});
