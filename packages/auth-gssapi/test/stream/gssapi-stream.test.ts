import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { GssapiContextInfo, GssapiProtection } from "@sockskit/auth";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import { afterEach, describe, expect, test } from "vitest";
import { GssapiStream } from "../../src/stream/gssapi-stream.ts";
import { FakeContext, INFO } from "../fake-mechanism.ts";
import { socketPair } from "./socket-pair.ts";

const open: { destroy(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

interface Layered {
  readonly stream: GssapiStream;
  readonly context: FakeContext;
  /** The other end of the connection, without a layer. */
  readonly wire: Socket;
  /** What the other side puts into frames. */
  readonly frames: (...messages: readonly Uint8Array[]) => Promise<Uint8Array[]>;
}

type Level = Exclude<GssapiProtection, "none">;

async function layered(
  protection: Level = "integrity",
  info: GssapiContextInfo = INFO,
  early?: Uint8Array,
): Promise<Layered> {
  const [socket, wire] = await socketPair();
  const context = new FakeContext(info);
  const stream = new GssapiStream(socket, { context, info, protection }, early);
  const other = new FakeContext(info);
  open.push(stream, wire);
  stream.on("error", () => undefined);
  wire.on("error", () => undefined);
  const frames = async (...messages: readonly Uint8Array[]): Promise<Uint8Array[]> =>
    (await other.wrap(messages, protection === "confidentiality")).map(frame);
  return { stream, context, wire, frames };
}

function frame(token: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x01, 0x03, token.length >> 8, token.length & 0xff), token);
}

async function failure(stream: GssapiStream): Promise<{ code?: string; message: string }> {
  const [error] = (await once(stream, "error")) as [{ code?: string; message: string }];
  return error;
}

function random(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7919 + (index >> 8)) & 0xff);
}

test.each(["integrity", "confidentiality"] as const)("carries both directions and their ends (%s)", async (level) => {
  const [a, b] = await socketPair();
  const left = new GssapiStream(a, { context: new FakeContext(), info: INFO, protection: level });
  const right = new GssapiStream(b, { context: new FakeContext(), info: INFO, protection: level });
  open.push(left, right);
  const up = random(300_000);
  const down = random(200_000);
  left.end(up);
  right.end(down);
  const [gotDown, gotUp] = await Promise.all([readToEnd(left as never), readToEnd(right as never)]);
  expect(Buffer.compare(gotUp, up)).toBe(0);
  expect(Buffer.compare(gotDown, down)).toBe(0);
  expect([left.bytesRead, left.bytesWritten]).toEqual([down.length, up.length]);
});

test("what came right before the end is read, also where the end closes the connection", async () => {
  const [socket, wire] = await socketPair(false);
  const context = new FakeContext();
  let release = (): void => undefined;
  context.gate = new Promise((resolve) => {
    release = resolve;
  });
  const stream = new GssapiStream(socket, { context, info: INFO, protection: "integrity" });
  open.push(stream, wire);
  const [token] = (await new FakeContext().wrap([octets("61 62")], false)) as [Uint8Array];
  wire.end(frame(token));
  wire.resume();
  await once(socket, "end");
  release();
  const closed = once(stream, "close");
  expect(await readToEnd(stream as never)).toEqual(octets("61 62"));
  await closed;
  expect(context.disposed).toBe(1);
});

test("one side may end long before the other", async () => {
  const { stream, wire, frames } = await layered();
  stream.end(octets("01"));
  await readToEnd(wire);
  await delay(20);
  wire.end(concat(...(await frames(octets("0a 0b")))));
  expect(await readToEnd(stream as never)).toEqual(octets("0a 0b"));
});

test("what is written meanwhile is joined, and cut at the limit only", async () => {
  const { stream, wire } = await layered("confidentiality");
  stream.write(octets("05 01"));
  for (const length of [1000, 1, 800]) stream.write(random(length));
  stream.end();
  const sent = await readToEnd(wire);
  const lengths: number[] = [];
  for (let at = 0; at < sent.length;) {
    expect([sent[at], sent[at + 1], sent[at + 5]]).toEqual([0x01, 0x03, 0x01]);
    const length = ((sent[at + 2] as number) << 8) | (sent[at + 3] as number);
    lengths.push(length - 7);
    at += 4 + length;
  }
  expect(lengths).toEqual([2, 900, 900, 1]);
});

test("frames arrive in any pieces, and many in one", async () => {
  const { stream, wire, frames } = await layered();
  const messages = [octets("61"), random(1000), octets(""), random(313), octets("62")];
  const all = concat(...(await frames(...messages)));
  const got = readOctets(stream, 1315);
  for (let at = 0; at < 40; at += 1) {
    wire.write(all.subarray(at, at + 1));
    if (at % 10 === 0) await delay(1);
  }
  wire.write(all.subarray(40));
  expect(Buffer.compare(await got, concat(...messages))).toBe(0);
});

test("the longest frame is taken, whole or cut", async () => {
  const info = { ...INFO, messageLimits: { integrity: 65_528, confidentiality: 65_528 } };
  const { stream, wire, frames } = await layered("integrity", info);
  const message = random(65_528);
  const [longest] = (await frames(message)) as [Uint8Array];
  expect(longest).toHaveLength(65_539);
  wire.write(longest.subarray(0, 30_000));
  await delay(5);
  wire.end(longest.subarray(30_000));
  expect(Buffer.compare(await readToEnd(stream as never), message)).toBe(0);
});

test("what was read behind the agreement is the beginning", async () => {
  const other = new FakeContext();
  const tokens = await other.wrap([octets("61 62"), octets("63")], false);
  const [first, second] = tokens.map(frame) as [Uint8Array, Uint8Array];
  const early = concat(first, second.subarray(0, 3));
  const { stream, wire } = await layered("integrity", INFO, early);
  wire.end(second.subarray(3));
  expect(await readToEnd(stream as never)).toEqual(octets("61 62 63"));
});

describe("ends the connection, and delivers no wrong octet", () => {
  async function check(
    spoil: (frames: Uint8Array[]) => readonly Uint8Array[],
    expected: { readonly good: number; readonly message: RegExp },
    end = false,
  ): Promise<void> {
    const { stream, wire, frames, context } = await layered("confidentiality");
    const sent = spoil(await frames(octets("61"), octets("62"), octets("63")));
    const got: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => got.push(chunk));
    const failed = failure(stream);
    for (const part of sent) wire.write(part);
    if (end) wire.end();
    const error = await failed;
    expect(error).toMatchObject({ code: "ERR_SOCKS_GSSAPI_TAMPERED" });
    expect(error.message).toMatch(expected.message);
    await delay(10);
    expect(Buffer.concat(got).toString()).toBe("abc".slice(0, expected.good));
    expect(context.disposed).toBe(1);
    expect(stream.socket.destroyed).toBe(true);
  }

  test("a changed message", () =>
    check(
      ([a, b, c]) => {
        (b as Uint8Array)[11] = 0x00;
        return [a, b, c] as Uint8Array[];
      },
      { good: 1, message: /checksum/ },
    ));
  test("messages in another order", () =>
    check(([a, b, c]) => [a, c, b] as Uint8Array[], { good: 1, message: /missing/ }));
  test("a message that is left out", () =>
    check(([a, , c]) => [a, c] as Uint8Array[], { good: 1, message: /missing/ }));
  test("a message that comes twice", () =>
    check(([a, b]) => [a, b, b] as Uint8Array[], { good: 2, message: /repeated/ }));
  test("an unprotected message", () =>
    check(([a]) => [a as Uint8Array, octets("05 01 00 03")], { good: 1, message: /no frame/ }));
  test("a context token", () =>
    check(([a]) => [a as Uint8Array, octets("01 01 00 01 61")], { good: 1, message: /another kind/ }));
  test("a refusal", () => check(([a]) => [a as Uint8Array, octets("01 ff")], { good: 1, message: /another kind/ }));
  test("an end inside a message", () =>
    check(([a, b]) => [a as Uint8Array, (b as Uint8Array).subarray(0, 9)], { good: 1, message: /ended inside/ }, true));
});

test.each(["integrity", "confidentiality"] as const)("a message of another level than %s is refused", async (level) => {
  const { stream, wire } = await layered(level);
  const [token] = (await new FakeContext().wrap([octets("61")], level !== "confidentiality")) as [Uint8Array];
  const failed = failure(stream);
  wire.write(frame(token));
  expect(await failed).toMatchObject({ code: "ERR_SOCKS_GSSAPI_TAMPERED" });
});

test("an expired context ends it", async () => {
  const { stream } = await layered("integrity", { ...INFO, lifetimeMs: 20 });
  expect(await failure(stream)).toMatchObject({ code: "ERR_SOCKS_GSSAPI_EXPIRED" });
});

test("a reader that stops stops the sender", async () => {
  const { stream, wire } = await layered();
  const other = new GssapiStream(wire, { context: new FakeContext(), info: INFO, protection: "integrity" });
  open.push(other);
  let written = 0;
  const piece = random(60_000);
  const write = (): void =>
    void other.write(piece, () => {
      written += piece.length;
      if (written < 50_000_000) write();
    });
  write();
  stream.pause();
  // The system's own buffers take some megabytes.
  let stoppedAt = -1;
  while (stoppedAt !== written) {
    stoppedAt = written;
    await delay(300);
  }
  expect(stoppedAt).toBeLessThan(30_000_000);
  stream.resume();
  while (written === stoppedAt) await delay(10);
});

test("a destroyed stream frees the context and the connection, also while a call runs", async () => {
  const { stream, context, wire } = await layered();
  let release = (): void => undefined;
  context.gate = new Promise((resolve) => {
    release = resolve;
  });
  stream.write(octets("61"));
  const closed = once(wire.resume(), "close");
  stream.destroy();
  wire.end();
  await closed;
  expect(context.disposed).toBe(1);
  release();
  await delay(5);
  expect(stream.errored).toBeNull();
});

test("a reset of the connection is an error of the stream", async () => {
  const { stream, wire, context } = await layered();
  const failed = failure(stream);
  wire.resetAndDestroy();
  expect(await failed).toMatchObject({ code: "ECONNRESET" });
  expect(context.disposed).toBe(1);
});

test.each([true, false])(
  "what is being protected at the other side's end arrives (allowHalfOpen %s)",
  async (isHalfOpen) => {
    const [socket, wire] = await socketPair(isHalfOpen);
    const context = new FakeContext();
    let release = (): void => undefined;
    context.gate = new Promise((resolve) => {
      release = resolve;
    });
    const stream = new GssapiStream(socket, { context, info: INFO, protection: "integrity" });
    const other = new GssapiStream(wire, { context: new FakeContext(), info: INFO, protection: "integrity" });
    open.push(stream, other);
    const answer = random(500_000);
    stream.write(answer);
    other.end();
    await once(socket, "end");
    release();
    if (isHalfOpen) stream.once("end", () => stream.end());
    stream.resume();
    expect(Buffer.compare(await readToEnd(other as never), answer)).toBe(0);
  },
);

test("a reset while an end is being sent closes the connection", async () => {
  const { stream, wire } = await layered();
  const closed = once(stream, "close");
  stream.end();
  stream.resetAndDestroy();
  await closed;
  await readToEnd(wire).catch(() => undefined);
  await expect.poll(() => stream.socket.closed).toBe(true);
});
