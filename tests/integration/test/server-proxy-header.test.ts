import { describe, expect, test } from "vitest";
import { octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectRequest,
  connectRequest4,
  connectTo,
  GREETING,
  pause,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { ask, connectThrough, connectTls, HEADER, LINE, SERVER_TLS } from "./transport-support.ts";

const FROM_HERE = { from: ["127.0.0.1"] };
/** For options of a server: everything is allowed, and the listener takes PROXY headers from `from`. */
const behind = (from: readonly string[] = FROM_HERE.from, others: object = {}): object => ({
  listen: [{ port: 0, proxyProtocol: { from } }],
  allowOpenProxy: true,
  rules: [{ action: "allow", to: ["loopback"] }],
  ...others,
});
const CLIENT = { type: "ipv4", host: "192.0.2.33", port: 49_200 };

describe("a listed peer says who the client is", () => {
  test.each([
    ["version 1", LINE],
    ["version 2", HEADER],
  ])("%s, in one piece with what follows and octet by octet", async (_, header) => {
    const { port, log, server } = await startServer(behind());
    const echo = await startEcho();
    const whole = await connectThrough(port, Buffer.concat([header, GREETING, connectRequest(echo.port)]));
    expect((await readOctets(whole, 12))[3]).toBe(0x00);
    const pieces = await connectTo(port);
    for (const octet of Buffer.concat([header, GREETING, connectRequest(echo.port)])) {
      pieces.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await readOctets(pieces, 12))[3]).toBe(0x00);
    expect(log.session.map(({ client }) => client)).toMatchObject([CLIENT, CLIENT]);
    expect(log.connected.map(({ client }) => client)).toMatchObject([CLIENT, CLIENT]);
    expect([...server.sessions()].map(({ client }) => client)).toMatchObject([CLIENT, CLIENT]);
  });

  test("rules see the client, not the peer", async () => {
    const rules = [
      { action: "deny", clients: ["192.0.2.0/24"] },
      { action: "allow", clients: ["loopback"] },
    ];
    const { port, log } = await startServer(behind(FROM_HERE.from, { rules }));
    expect(await ask(await connectThrough(port, LINE), 9)).toBe(0x02);
    expect(log.denied).toMatchObject([{ client: CLIENT, code: "ERR_SOCKS_DENIED", rule: 0 }]);
  });

  test("limits count the client, not the peer", async () => {
    const { port, log, server } = await startServer(behind(FROM_HERE.from, { limits: { perClient: 1 } }));
    const first = await connectThrough(port, LINE);
    await until(() => log.session.length === 1, "the first is there");
    const second = await connectThrough(port, LINE);
    await readToEnd(second).catch(() => undefined);
    expect(log.denied).toMatchObject([{ client: CLIENT, stage: "accept", code: "ERR_SOCKS_LIMIT" }]);
    await connectThrough(port, Buffer.from("PROXY TCP6 2001:db8::33 2001:db8::7 49200 1080\r\n"));
    await until(() => log.session.length === 2, "another client gets in");
    expect(log.session[1]?.client).toMatchObject({ type: "ipv6", host: "2001:db8::33" });
    first.destroy();
    await until(() => server.stats.sessions === 1, "the first is gone");
    await connectThrough(port, LINE);
    await until(() => log.session.length === 3, "its place is free again");
  });

  test("UDP is taken from the announced address only", async () => {
    const { port } = await startServer(behind());
    const client = await connectThrough(port, LINE);
    client.write(octets("05 01 00 05 03 00 01 00 00 00 00 00 00"));
    const reply = await readOctets(client, 12);
    // Where it listens is an address of this host, not what the header says the client connected to.
    expect([...reply.subarray(2, 10)]).toEqual([0x05, 0x00, 0x00, 0x01, 127, 0, 0, 1]);
  });

  test("ident cannot know the client's connection: nobody is asked, and required means refused", async () => {
    const echo = await startEcho();
    let asked = 0;
    const daemon = await startTarget((socket) => {
      asked += 1;
      socket.once("data", (line) => socket.end(`${line.toString().trim()} : USERID : UNIX : alice\r\n`));
    });
    const here = Buffer.from("PROXY TCP4 127.0.0.1 127.0.0.1 49200 1080\r\n");
    const reply = async (mode: "ask" | "require", header: Uint8Array): Promise<number | undefined> => {
      const { port } = await startServer(behind(FROM_HERE.from, { ident: { mode, port: daemon.port } }));
      const client = await connectThrough(port, Buffer.concat([header, connectRequest4(echo.port)]));
      return (await readOctets(client, 8))[1];
    };
    expect(await reply("ask", here)).toBe(0x5a);
    expect(await reply("require", here)).toBe(0x5c);
    expect(asked).toBe(0);
    // Who announces nobody is the client, and can be asked about.
    expect(await reply("require", Buffer.from("PROXY UNKNOWN\r\n"))).toBe(0x5a);
    expect(asked).toBe(1);
  });
});

describe("headers that announce nobody: the peer itself is the client", () => {
  test.each([
    ["UNKNOWN", Buffer.from("PROXY UNKNOWN ffff::1 whatever\r\n")],
    ["LOCAL", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 00 00 00")],
    [
      "LOCAL with addresses",
      Buffer.concat([octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 11 00 0c"), HEADER.subarray(16)]),
    ],
    ["UNSPEC", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 00 00 03 aa bb cc")],
    [
      "a Unix socket",
      Buffer.concat([octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 31 00 d8"), Buffer.alloc(216, 0x2f)]),
    ],
  ])("%s", async (_, header) => {
    const { port, log } = await startServer(behind());
    const echo = await startEcho();
    expect(await ask(await connectThrough(port, header), echo.port)).toBe(0x00);
    expect(log.session[0]?.client).toMatchObject({ host: "127.0.0.1" });
  });
});

describe("what is refused", () => {
  test.each([
    ["no header", GREETING, /the first octet is 0x05/u],
    ["another version", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 31 11 00 0c"), /version 3/u],
    ["an unassigned command", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 22 11 00 0c"), /command 0x02/u],
    ["an unassigned family", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 41 00 0c"), /family 0x41/u],
    ["too little for the family", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0b"), /too short/u],
    ["more than is taken", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 ff ff"), /at most 4096/u],
    ["an endless line", Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`), /does not end within 107/u],
    ["a forged line of a log", Buffer.from("PROXY TCP4 1.2.3.4\u001b[2J 5.6.7.8 1 2\r\n"), /is no address for TCP4/u],
    ["HTTP", Buffer.from("POST / HTTP/1.1\r\n"), /expected "PROXY "/u],
  ])("%s: the connection is dropped without a word", async (_, sent, reason) => {
    const { port, log, server } = await startServer(behind());
    const client = await connectThrough(port, sent);
    expect(await readToEnd(client)).toEqual(new Uint8Array(0));
    expect(log.denied).toMatchObject([
      { stage: "accept", code: "ERR_SOCKS_PROXY_HEADER", client: { host: "127.0.0.1" } },
    ]);
    expect(log.denied[0]?.reason).toMatch(reason);
    expect(log.denied[0]?.reason).not.toMatch(/\p{Cc}/u);
    expect(log.session).toEqual([]);
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0 });
  });

  test.each([
    ["version 1", LINE],
    ["version 2", HEADER],
    ["one octet of it", Uint8Array.of(0x0d)],
  ])("%s from somebody who is not listed is spoofing, on a listener with TLS and without", async (_, header) => {
    for (const tls of [{}, { tls: SERVER_TLS }]) {
      const listen = [{ port: 0, proxyProtocol: { from: ["192.0.2.1", "2001:db8::/32"] }, ...tls }];
      const { port, log } = await startServer({ listen, allowOpenProxy: true });
      expect(await readToEnd(await connectThrough(port, header))).toEqual(new Uint8Array(0));
      expect(log.denied).toMatchObject([
        { stage: "accept", code: "ERR_SOCKS_PROXY_SPOOFED", client: { host: "127.0.0.1" } },
      ]);
    }
  });

  test("somebody who is not listed speaks SOCKS directly, as who they are", async () => {
    const { port, log } = await startServer(behind(["192.0.2.1"]));
    const echo = await startEcho();
    expect(await ask(await connectTo(port), echo.port)).toBe(0x00);
    expect(log.session[0]?.client).toMatchObject({ host: "127.0.0.1" });
  });

  test("a second header is no SOCKS", async () => {
    const { port, log } = await startServer(behind());
    await readToEnd(await connectThrough(port, Buffer.concat([LINE, LINE])));
    expect(log.denied).toMatchObject([{ client: CLIENT, code: "ERR_SOCKS_NOT_SOCKS" }]);
  });

  test("a listener that knows nothing of the PROXY protocol names it", async () => {
    const { port, log } = await startServer();
    for (const header of [LINE, HEADER]) await readToEnd(await connectThrough(port, header));
    expect(log.denied).toMatchObject([{ code: "ERR_SOCKS_NOT_SOCKS" }, { code: "ERR_SOCKS_NOT_SOCKS" }]);
    for (const { reason } of log.denied) expect(reason).toMatch(/PROXY protocol/u);
  });

  test("who leaves inside the header is reported, who leaves before it is not", async () => {
    const { port, log, server } = await startServer(behind());
    (await connectThrough(port, LINE.subarray(0, 20))).end();
    await until(() => log.denied.length === 1, "it is reported");
    expect(log.denied[0]?.reason).toMatch(/ended inside/u);
    (await connectTo(port)).end();
    await until(() => server.stats.sessions === 0, "nobody is left");
    await pause(20);
    expect(log.denied).toHaveLength(1);
  });

  test("a header that does not come in time", async () => {
    const { port, log, server } = await startServer(behind(FROM_HERE.from, { timeouts: { handshakeMs: 200 } }));
    expect(await readToEnd(await connectThrough(port, LINE.subarray(0, 20)))).toEqual(new Uint8Array(0));
    expect(log.denied[0]?.reason).toBe("no PROXY header within 200 ms");
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0 });
  });

  test("who is not listed and says nothing goes without a word", async () => {
    const { port, log, server } = await startServer(behind(["192.0.2.1"], { timeouts: { handshakeMs: 200 } }));
    expect(await readToEnd(await connectTo(port))).toEqual(new Uint8Array(0));
    expect(log.denied).toEqual([]);
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0 });
  });

  test("within 5 seconds, where the handshake may take longer", { timeout: 20_000 }, async () => {
    const { port, log } = await startServer(behind());
    const startedAt = performance.now();
    await readToEnd(await connectThrough(port, LINE.subarray(0, 20)), 15_000);
    expect(log.denied[0]?.reason).toBe("no PROXY header within 5000 ms");
    expect(performance.now() - startedAt).toBeGreaterThan(4_500);
  });
});

test("the order on the wire: PROXY header, TLS, SOCKS", async () => {
  const listen = [{ port: 0, proxyProtocol: FROM_HERE, tls: SERVER_TLS }];
  const rules = [{ action: "allow", clients: ["192.0.2.33"], to: ["loopback"] }] as const;
  const { port, log } = await startServer({ listen, rules, allowOpenProxy: true });
  const echo = await startEcho();
  const client = await connectTls(port, { socket: await connectThrough(port, HEADER) });
  expect(await ask(client, echo.port)).toBe(0x00);
  client.write("ping");
  expect(Buffer.from(await readOctets(client, 4)).toString()).toBe("ping");
  expect(log.connected).toMatchObject([{ client: CLIENT }]);
  // SOCKS right behind the header.
  await readToEnd(await connectThrough(port, Buffer.concat([HEADER, GREETING])));
  expect(log.denied).toMatchObject([{ client: CLIENT, code: "ERR_SOCKS_TLS_FAILED" }]);
});

test("a flood of headers is bounded by the limits of handshakes and sessions", async () => {
  const { port, server } = await startServer(behind(FROM_HERE.from, { limits: { handshakes: 10 } }));
  const clients = await Promise.all(Array.from({ length: 50 }, () => connectThrough(port, Buffer.from("PROXY "))));
  await until(() => server.stats.accepted === 50, "all have come");
  expect(server.stats).toMatchObject({ handshakes: 10, sessions: 10, evicted: 40 });
  for (const client of clients) client.destroy();
  await until(() => server.stats.sessions === 0, "all have gone");
});
