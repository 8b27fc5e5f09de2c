// TLS inside SOCKS (method 06) at a server: a client that is written down here, and clients that do it wrong.
import { once } from "node:events";
import type net from "node:net";
import tls from "node:tls";
import type { ServerOptions } from "@sockskit/server";
import { authorityCertificate, certificatePair, concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import { expect, test } from "vitest";
import {
  connectRequest,
  connectTo,
  credentials,
  pause,
  type Running,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { TestFrames } from "./ssl-support.ts";

const options: ServerOptions = {
  authMethods: ["ssl"],
  ssl: certificatePair("server"),
  credentials: [{ name: "alice", password: { plain: "s3cret" } }],
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

interface Inside {
  readonly bare: net.Socket;
  readonly frames: TestFrames;
  readonly secured: tls.TLSSocket;
}

/** Chooses the method; nothing of TLS yet. */
async function chosen(port: number): Promise<net.Socket> {
  const client = await connectTo(port);
  client.write(octets("05 01 06"));
  expect(hex(await readOctets(client, 2))).toBe("0506");
  return client;
}

async function inside(port: number, pieceLength = 0xffff, version: tls.SecureVersion = "TLSv1.3"): Promise<Inside> {
  const bare = await chosen(port);
  const frames = new TestFrames(bare);
  frames.pieceLength = pieceLength;
  const secured = tls.connect({
    socket: frames,
    host: "localhost",
    servername: "localhost",
    ca: authorityCertificate(),
    maxVersion: version,
  });
  secured.on("error", () => undefined);
  await once(secured, "secureConnect");
  frames.state = 2;
  return { bare, frames, secured };
}

async function loggedIn(port: number, pieceLength?: number, version?: tls.SecureVersion): Promise<Inside> {
  const it = await inside(port, pieceLength, version);
  it.secured.write(octets("01 01"));
  expect(hex(await readOctets(it.secured, 2))).toBe("0101");
  it.secured.write(octets("05 01 02"));
  expect(hex(await readOctets(it.secured, 2))).toBe("0502");
  it.secured.write(credentials("alice", "s3cret"));
  expect(hex(await readOctets(it.secured, 2))).toBe("0100");
  it.frames.state = 3;
  return it;
}

async function ended({ log, server }: Running): Promise<void> {
  await until(() => log.closed.length === 1, "the session is over");
  expect(server.stats.sessions).toBe(0);
  expect(log.authenticated).toEqual([]);
  expect(log.error).toEqual([]);
}

test.each([
  ["TLS 1.3 in whole frames", 0xffff, "TLSv1.3"],
  ["TLS 1.2 in whole frames", 0xffff, "TLSv1.2"],
  ["TLS 1.3, one octet in a frame", 1, "TLSv1.3"],
] as const)("%s", async (_what, pieceLength, version) => {
  const { port, log } = await startServer(options);
  const echo = await startEcho();
  const { secured, frames } = await loggedIn(port, pieceLength, version);
  secured.write(concat(connectRequest(echo.port), Buffer.from("early")));
  expect(hex((await readOctets(secured, 15)).subarray(10))).toBe(hex(Buffer.from("early")));
  frames.state = 4;
  secured.end();
  await until(() => log.closed.length === 1, "the session is over");
  expect(log.closed[0]).toMatchObject({ user: "alice", reason: "finished" });
  await until(() => frames.states.at(-1) === 4, "it says goodbye");
  expect(frames.states).toEqual([1, 2, 3, 4]);
});

test("everything from the options to the request in one go", async () => {
  const { port } = await startServer(options);
  const echo = await startEcho();
  const { secured } = await inside(port);
  const all = [octets("01 01"), octets("05 01 02"), credentials("alice", "s3cret"), connectRequest(echo.port)];
  secured.write(concat(...all, Buffer.from("early")));
  const answer = await readOctets(secured, 2 + 2 + 2 + 10 + 5);
  expect(hex(answer.subarray(0, 8))).toBe("0101050201000500");
  expect(Buffer.from(answer.subarray(16)).toString()).toBe("early");
});

test("a request in clear behind the choice is not looked at", async () => {
  const running = await startServer(options);
  let dialled = 0;
  const target = await startTarget(() => (dialled += 1));
  const client = await connectTo(running.port);
  client.write(concat(octets("05 01 06"), connectRequest(target.port)));
  expect(hex(await readToEnd(client))).toBe("0506");
  await ended(running);
  await pause(30);
  expect(dialled).toBe(0);
  expect(running.log.denied).toEqual([
    expect.objectContaining({ stage: "authenticate", code: "ERR_SOCKS_AUTH_PROTOCOL" }),
  ]);
});

test.each([
  ["TLS without frames", octets("16 03 01 00 05 01 00 00 01 00")],
  ["a frame of a state that there is not", octets("01 05 00 01 61")],
  ["no TLS in the frame", concat(octets("01 01 00 20"), Buffer.alloc(32, "a"))],
  ["a state that goes back", octets("01 02 00 05 16 03 01 00 05 01 01 00 01 61")],
  [
    "frames without end and without TLS",
    Buffer.concat(Array.from({ length: 40 }, () => concat(octets("01 01 ff ff"), Buffer.alloc(0xffff)))),
  ],
])("%s ends it", async (_what, sent) => {
  const running = await startServer(options);
  const client = await chosen(running.port);
  client.on("error", () => undefined);
  client.write(sent);
  client.resume();
  await ended(running);
  expect(running.log.denied[0]).toMatchObject({ stage: "authenticate" });
  expect(running.server.stats).toMatchObject({ failedLogins: 1, handshakes: 0 });
});

test.each([
  ["nothing", new Uint8Array(0)],
  ["half a frame", octets("01 01 00 20 16 03 01")],
])("a client that leaves after %s", async (_what, sent) => {
  const running = await startServer(options);
  const client = await chosen(running.port);
  client.end(sent);
  client.resume();
  await ended(running);
});

test.each([
  ["before TLS", async (port: number) => void (await chosen(port)).resume()],
  ["inside TLS", async (port: number) => void (await inside(port)).secured.resume()],
])("silence %s ends with the time for the handshake", async (_what, begin) => {
  const running = await startServer({ ...options, timeouts: { handshakeMs: 400 } });
  await begin(running.port);
  await until(() => running.log.closed.length === 1, "the session is over");
  expect(running.log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
  expect(running.server.stats.sessions).toBe(0);
});

test("octets that are in no frame end a tunnel", async () => {
  const { port, log } = await startServer(options);
  const echo = await startEcho();
  const { secured, bare } = await loggedIn(port);
  secured.write(connectRequest(echo.port));
  await readOctets(secured, 10);
  bare.write(octets("05 01 00"));
  await until(() => log.closed.length === 1, "the session is over");
  expect(log.closed[0]).toMatchObject({ reason: "client-reset" });
});

test("whoever does not authenticate inside is refused", async () => {
  const { port, log } = await startServer(options);
  const { secured } = await inside(port);
  secured.write(concat(octets("00"), connectRequest(1)));
  expect(hex(await readToEnd(secured))).toBe("00");
  secured.end();
  await until(() => log.closed.length === 1, "the session is over");
  expect(log.denied[0]).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", stage: "authenticate" });
});

test("UDP ASSOCIATE is answered 07, unless both sides take it unprotected", async () => {
  const associate = octets("05 03 00 01 00 00 00 00 00 00");
  const closed = await startServer(options);
  const refused = await loggedIn(closed.port);
  refused.secured.write(associate);
  expect(hex(await readOctets(refused.secured, 10))).toBe("05070001000000000000");
  const open = await startServer({
    ...options,
    ssl: { ...certificatePair("server"), udpNaked: true },
    rules: [{ action: "allow" }],
  });
  const { secured } = await inside(open.port);
  secured.write(concat(octets("02 01 10 05 01 02"), credentials("alice", "s3cret"), associate));
  const answer = await readOctets(secured, 3 + 2 + 2 + 10);
  expect(hex(answer.subarray(0, 9))).toBe("020110050201000500");
});

test("a wrong password inside counts as one", async () => {
  const { port, server } = await startServer(options);
  const { secured } = await inside(port);
  secured.write(concat(octets("01 01 05 01 02"), credentials("alice", "wrong"), connectRequest(1)));
  expect(hex(await readToEnd(secured))).toBe("010105020101");
  expect(server.stats.failedLogins).toBe(1);
});

test("a reset of the target reaches the client as one", async () => {
  const { port, log } = await startServer(options);
  const target = await startTarget((socket) => void socket.once("data", () => socket.resetAndDestroy()));
  const { secured, bare } = await loggedIn(port);
  secured.write(connectRequest(target.port));
  await readOctets(secured, 10);
  const reset = once(bare, "error") as Promise<[NodeJS.ErrnoException]>;
  secured.write("go");
  expect((await reset)[0].code).toBe("ECONNRESET");
  await until(() => log.closed.length === 1, "the session is over");
  expect(log.closed[0]).toMatchObject({ reason: "target-reset" });
});
