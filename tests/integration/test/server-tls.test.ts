import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type net from "node:net";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { certificatePair, certificatePath, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectRequest,
  connectRequest4,
  connectTo,
  credentials,
  GREETING_USERPASS,
  pause,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { ask, connectTls, connectTlsAs, MUTUAL_TLS, SERVER_TLS } from "./transport-support.ts";

const onTls = (tls: object, others: object = {}): object => ({ listen: [{ port: 0, tls }], ...others });

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The certificate name and version of what the server showed. */
function shown(client: TLSSocket): unknown {
  return client.getPeerCertificate().subject.CN;
}

describe("SOCKS over TLS", () => {
  test("a tunnel, its octets counted without those of TLS", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const echo = await startEcho();
    const client = await connectTls(port);
    expect(client.authorized).toBe(true);
    expect(client.getProtocol()).toBe("TLSv1.3");
    expect(client.alpnProtocol).toBe(false);
    expect(await ask(client, echo.port)).toBe(0x00);
    client.write("ping");
    expect(Buffer.from(await readOctets(client, 4)).toString()).toBe("ping");
    expect(log.session[0]?.client).toMatchObject({ host: "127.0.0.1", port: client.localPort });
    client.end();
    await readToEnd(client);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ bytesIn: 4, bytesOut: 4, reason: "finished" });
  });

  test("SOCKS 4, and a request that comes with the end of the handshake", async () => {
    const { port } = await startServer(onTls(SERVER_TLS));
    const echo = await startEcho();
    const client = await connectTls(port, { maxVersion: "TLSv1.2" });
    client.write(connectRequest4(echo.port));
    expect((await readOctets(client, 8))[1]).toBe(0x5a);
  });

  test("64 MiB each way at the same time arrive whole", { timeout: 60_000 }, async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const up = randomBytes(64 * 2 ** 20);
    const down = randomBytes(64 * 2 ** 20);
    let received: Promise<Uint8Array> | undefined;
    const target = await startTarget((socket) => {
      received = readToEnd(socket, 50_000);
      socket.end(down);
    });
    const client = await connectTls(port);
    expect(await ask(client, target.port)).toBe(0x00);
    client.end(up);
    expect(digest(await readToEnd(client, 50_000))).toBe(digest(down));
    expect(digest((await received) as Uint8Array)).toBe(digest(up));
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ bytesIn: up.length, bytesOut: down.length, reason: "finished" });
  });

  test("each direction ends by itself: an answer comes after the client's end", async () => {
    const { port } = await startServer(onTls(SERVER_TLS));
    const target = await startTarget((socket) => {
      void readToEnd(socket).then((data) => socket.end(Buffer.from(`got ${data.length}`)));
    });
    const client = await connectTls(port);
    expect(await ask(client, target.port)).toBe(0x00);
    client.end("12345");
    expect(Buffer.from(await readToEnd(client)).toString()).toBe("got 5");
  });

  test("and the target's end leaves the client's direction open", async () => {
    const { port } = await startServer(onTls(SERVER_TLS));
    let received: Promise<Uint8Array> | undefined;
    const target = await startTarget((socket) => {
      received = readToEnd(socket);
      socket.end("bye");
    });
    const client = await connectTls(port);
    expect(await ask(client, target.port)).toBe(0x00);
    expect(Buffer.from(await readToEnd(client)).toString()).toBe("bye");
    client.end("late");
    expect(Buffer.from((await received) as Uint8Array).toString()).toBe("late");
  });

  test("a reset of the target reaches the client as a reset", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const target = await startTarget((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const client = await connectTls(port);
    expect(await ask(client, target.port)).toBe(0x00);
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.once("error", resolve));
    client.write("x");
    client.resume();
    expect((await error).code).toBe("ECONNRESET");
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "target-reset" });
  });

  test("a reset of the client reaches the target as a reset", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const errors: (string | undefined)[] = [];
    const target = await startTarget((socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code));
      socket.resume();
    });
    const raw = await connectTo(port);
    const client = await connectTls(port, { socket: raw });
    expect(await ask(client, target.port)).toBe(0x00);
    raw.resetAndDestroy();
    await until(() => log.closed.length === 1 && errors.length === 1, "everybody has noticed");
    expect(log.closed[0]).toMatchObject({ reason: "client-reset" });
    expect(errors).toEqual(["ECONNRESET"]);
  });

  test("closing the server ends a tunnel at once", async () => {
    const { server, port, log } = await startServer(onTls(SERVER_TLS));
    const echo = await startEcho();
    const client = await connectTls(port);
    expect(await ask(client, echo.port)).toBe(0x00);
    client.resume();
    await server.close();
    await until(() => client.destroyed, "the client has noticed");
    expect(log.closed[0]).toMatchObject({ reason: "server-closed" });
  });

  test("a slow reader holds the target back", async () => {
    const { port } = await startServer(onTls(SERVER_TLS));
    let sent: net.Socket | undefined;
    const target = await startTarget((socket) => {
      sent = socket;
      socket.write(Buffer.alloc(64 * 2 ** 20));
    });
    const client = await connectTls(port);
    expect(await ask(client, target.port)).toBe(0x00);
    client.pause();
    await pause(500);
    expect(sent?.writableLength).toBeGreaterThan(32 * 2 ** 20);
  });
});

describe("certificates", () => {
  test("SNI chooses among several; a name that none is for gets the first", async () => {
    const certificates = [certificatePair("server"), certificatePair("other-server")];
    const { port } = await startServer(onTls({ certificates }));
    const anyName = { checkServerIdentity: () => undefined };
    for (const [servername, name] of [
      ["localhost", "server"],
      ["other.example", "other server"],
      ["a.wild.example", "other server"],
      ["a.b.wild.example", "server"],
      ["elsewhere.example", "server"],
      ["", "server"],
    ]) {
      const client = await connectTls(port, { ...anyName, servername: servername as string });
      expect([servername, shown(client)]).toEqual([servername, name]);
      client.destroy();
    }
  });

  test("a reload shows new clients the new one; open tunnels carry on", async () => {
    const { server, port } = await startServer(onTls(SERVER_TLS));
    const echo = await startEcho();
    const before = await connectTls(port);
    expect(await ask(before, echo.port)).toBe(0x00);
    await server.reload(onTls({ certificates: [certificatePair("other-server")] }));
    const after = await connectTls(port, { servername: "other.example" });
    expect([shown(before), shown(after)]).toEqual(["server", "other server"]);
    before.write("ping");
    expect(Buffer.from(await readOctets(before, 4)).toString()).toBe("ping");
    const { cert } = certificatePair("server");
    const { key } = certificatePair("alice");
    await expect(server.reload(onTls({ certificates: [{ cert, key }] }))).rejects.toMatchObject({
      code: "ERR_SOCKS_BAD_OPTION",
      path: ["listen", 0, "tls", "certificates", 0, "key"],
    });
    expect(shown(await connectTls(port, { servername: "other.example" }))).toBe("other server");
  });

  test("a client that does not trust the certificate says so", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    await expect(connectTls(port, { ca: readFileSync(certificatePath("stranger")) })).rejects.toThrow();
    await until(() => log.denied.length === 1, "the client is refused");
    expect(log.denied[0]).toMatchObject({ code: "ERR_SOCKS_TLS_FAILED", reason: /TLS handshake/u });
  });

  test("versions below 1.2 are refused", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(connectTls(port, old)).rejects.toThrow();
    await until(() => log.denied.length === 1, "the client is refused");
    expect(log.denied[0]).toMatchObject({
      stage: "accept",
      code: "ERR_SOCKS_TLS_FAILED",
      reason: /unsupported protocol/u,
    });
  });
});

describe("client certificates", () => {
  test("the common name is the user that rules know", async () => {
    const rules = [{ action: "allow", users: ["alice"], authenticated: true }] as const;
    const { port, log, server } = await startServer(onTls(MUTUAL_TLS, { rules }));
    const echo = await startEcho();
    const client = await connectTlsAs("alice", port);
    expect(await ask(client, echo.port)).toBe(0x00);
    expect(log.session[0]).toMatchObject({ user: "alice" });
    expect(log.connected[0]).toMatchObject({ user: "alice" });
    expect([...server.sessions()]).toMatchObject([{ user: "alice" }]);
  });

  test("a rule for somebody else does not let her through, nor one for a group", async () => {
    const rules = [
      { action: "allow", users: ["bob"] },
      { action: "allow", groups: ["alice"] },
      { action: "allow", authenticated: false },
    ] as const;
    const { port } = await startServer(onTls(MUTUAL_TLS, { rules }));
    expect(await ask(await connectTlsAs("alice", port), 9)).toBe(0x02);
  });

  test("a log-in inside replaces the name", async () => {
    const users = [{ name: "bob", password: { plain: "secret" } }];
    const { port, log } = await startServer(onTls(MUTUAL_TLS, { credentials: users }));
    const echo = await startEcho();
    const client = await connectTlsAs("alice", port);
    client.write(Buffer.concat([GREETING_USERPASS, credentials("bob", "secret"), connectRequest(echo.port)]));
    expect((await readOctets(client, 14))[5]).toBe(0x00);
    expect(log.connected[0]).toMatchObject({ user: "bob" });
  });

  test.each([
    ["none", undefined, /showed no certificate/u],
    ["one of another authority", "strange-alice", /not accepted: UNABLE_TO_/u],
    ["one that has expired", "late-alice", /not accepted: CERT_HAS_EXPIRED/u],
    ["one without a name", "nameless", /no one common name/u],
    ["one with two names", "two-names", /no one common name/u],
  ] as const)("a client with %s gets no further", async (_, name, reason) => {
    const { port, log, server } = await startServer(onTls(MUTUAL_TLS));
    // In TLS 1.3 the client is done before its certificate is looked at.
    const client = await (name === undefined ? connectTls(port) : connectTlsAs(name, port));
    client.write(octets("05 01 00"));
    await expect(readOctets(client, 1)).rejects.toThrow();
    await until(() => log.denied.length === 1, "the client is refused");
    expect(log.denied[0]).toMatchObject({ stage: "accept", code: "ERR_SOCKS_TLS_FAILED" });
    expect(log.denied[0]?.reason).toMatch(reason);
    expect(log.session).toEqual([]);
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0, turnedAway: 1 });
  });

  test("a session that is taken up again has its name; with other authorities none is taken up", async () => {
    const { port, log, server } = await startServer(onTls(MUTUAL_TLS));
    const echo = await startEcho();
    const first = await connectTlsAs("alice", port, { maxVersion: "TLSv1.2" });
    const session = first.getSession() as Buffer;
    expect(await ask(first, echo.port)).toBe(0x00);
    const again = await connectTlsAs("alice", port, { maxVersion: "TLSv1.2", session });
    expect(again.isSessionReused()).toBe(true);
    expect(await ask(again, echo.port)).toBe(0x00);
    expect(log.connected.map(({ user }) => user)).toEqual(["alice", "alice"]);
    const clientCa = readFileSync(certificatePath("stranger"));
    await server.reload(onTls({ ...SERVER_TLS, clientCa }));
    await expect(connectTlsAs("alice", port, { maxVersion: "TLSv1.2", session })).rejects.toThrow();
    await until(() => log.denied.length === 1, "she is refused");
    expect(log.denied[0]?.reason).toMatch(/not accepted/u);
  });
});

describe("wrong doors", () => {
  test.each([
    ["SOCKS 5", "05 01 00", /the client speaks SOCKS 5 without it/u],
    ["SOCKS 4", "04 01 00 50 c0 00 02 01 00", /the client speaks SOCKS 4 without it/u],
    ["HTTP", "47 45 54 20", /first octet is 0x47/u],
  ])("%s on a TLS listener: an end at once, and a line that says why", async (_, sent, reason) => {
    const { port, log } = await startServer(onTls(SERVER_TLS));
    const client = await connectTo(port);
    client.write(octets(sent));
    expect(await readToEnd(client)).toEqual(new Uint8Array(0));
    expect(log.denied).toMatchObject([{ stage: "accept", code: "ERR_SOCKS_TLS_FAILED" }]);
    expect(log.denied[0]?.reason).toMatch(reason);
  });

  test("TLS on a listener without it is named", async () => {
    const { port, log } = await startServer();
    await expect(connectTls(port)).rejects.toThrow();
    await until(() => log.denied.length === 1, "the client is refused");
    expect(log.denied[0]).toMatchObject({ code: "ERR_SOCKS_NOT_SOCKS" });
    expect(log.denied[0]?.reason).toMatch(/TLS/u);
  });

  test("what only looks like TLS, and a client that goes away in the middle", async () => {
    const { port, log, server } = await startServer(onTls(SERVER_TLS));
    const broken = await connectTo(port);
    broken.write(octets("16 03 01 00 05 ff ff ff ff ff"));
    await readToEnd(broken).catch(() => undefined);
    const gone = await connectTo(port);
    gone.end(octets("16 03 01 02 00 01"));
    await readToEnd(gone).catch(() => undefined);
    const silent = await connectTo(port);
    silent.end();
    await readToEnd(silent);
    await until(() => server.stats.sessions === 0, "everybody is gone, long before the deadline");
    expect(log.denied.map(({ code }) => code)).toEqual(["ERR_SOCKS_TLS_FAILED", "ERR_SOCKS_TLS_FAILED"]);
    expect(log.session).toEqual([]);
  });
});

describe("limits", () => {
  test("the deadline of the handshake holds from the connection on, TLS included", async () => {
    const { port, log, server } = await startServer(onTls(SERVER_TLS, { timeouts: { handshakeMs: 300 } }));
    const silent = await connectTo(port);
    const slow = await connectTo(port);
    slow.write(octets("16 03 01 02 00"));
    await Promise.all([readToEnd(silent), readToEnd(slow).catch(() => undefined)]);
    expect(log.denied.map(({ reason }) => reason)).toEqual([
      "no TLS handshake within 300 ms (timeouts.handshakeMs)",
      "no TLS handshake within 300 ms (timeouts.handshakeMs)",
    ]);
    const secured = await connectTls(port);
    await readToEnd(secured);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0 });
  });

  test("unfinished handshakes are counted from the connection on; the slowest goes", async () => {
    const { port, server } = await startServer(onTls(SERVER_TLS, { limits: { handshakes: 2 } }));
    const first = await connectTo(port);
    first.write(octets("16 03"));
    await until(() => server.stats.handshakes === 1, "one is there");
    await connectTls(port);
    await until(() => server.stats.handshakes === 2, "two are there");
    await connectTls(port);
    await readToEnd(first).catch(() => undefined);
    expect(server.stats).toMatchObject({ handshakes: 2, evicted: 1, sessions: 2 });
  });

  test("closing the server ends unfinished handshakes", async () => {
    const { port, server } = await startServer(onTls(SERVER_TLS));
    const client = await connectTo(port);
    client.write(octets("16 03"));
    await until(() => server.stats.handshakes === 1, "it is there");
    await server.close({ drainMs: 60_000 });
    expect(server.stats).toMatchObject({ handshakes: 0, sessions: 0 });
  });

  test("sessions of one client are counted while TLS is under way", async () => {
    const { port, log } = await startServer(onTls(SERVER_TLS, { limits: { perClient: 1 } }));
    const first = await connectTo(port);
    await pause(50);
    await connectTo(port)
      .then(readToEnd)
      .catch(() => undefined);
    await until(() => log.denied.length === 1, "the second one is refused");
    expect(log.denied).toMatchObject([{ code: "ERR_SOCKS_LIMIT" }]);
    first.destroy();
    await pause(50);
    await connectTls(port);
  });
});
