import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { arbitraryOctets, concat, hex } from "@sockskit/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SslFrames } from "../../src/layer/ssl-frames.ts";

/** A connection that is told what to receive, and keeps what it is given to send. */
class FakeSocket extends EventEmitter {
  readonly sent: Uint8Array[] = [];
  readableEnded = false;
  destroyed = false;

  write(chunk: Uint8Array, done?: () => void): boolean {
    this.sent.push(chunk);
    done?.();
    return true;
  }

  end(done?: () => void): void {
    done?.();
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

function frames(): { socket: FakeSocket; stream: SslFrames } {
  const socket = new FakeSocket();
  const stream = new SslFrames(socket as unknown as Socket);
  stream.on("error", () => undefined);
  return { socket, stream };
}

/** What is read of octets that come in these pieces, and whether the connection lives. */
function receive(pieces: readonly Uint8Array[]): { data: string; alive: boolean } {
  const { socket, stream } = frames();
  const data: Uint8Array[] = [];
  for (const piece of pieces) {
    socket.emit("data", Buffer.from(piece));
    for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) {
      data.push(chunk);
    }
  }
  return { data: hex(concat(...data)), alive: !stream.destroyed };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const frame = fc
  .record({ state: fc.integer({ min: 1, max: 4 }), data: fc.uint8Array({ maxLength: 40 }) })
  .map(({ state, data }) => concat(Uint8Array.of(0x01, state, 0x00, data.length), data));
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });

describe("what is received", () => {
  test("is the same however it is cut up, for frames and for anything", () => {
    const octets = fc.oneof(
      fc.array(frame, { maxLength: 6 }).map((list) => concat(...list)),
      arbitraryOctets(),
    );
    fc.assert(
      fc.property(octets, sizes, (bytes, pieces) => {
        const whole = receive([bytes]);
        const parts = receive(cut(bytes, pieces));
        expect(parts.alive).toBe(whole.alive);
        // What came before the first mistake may be read, or be gone with the connection.
        if (whole.alive) expect(parts.data).toBe(whole.data);
      }),
    );
  });

  test.each([
    ["a state that goes back", "01 03 00 01 61 01 02 00 01 62"],
    ["a state that there is not", "01 05"],
    ["another version", "05"],
  ])("%s ends it", (_what, octets) => {
    expect(receive([Buffer.from(octets.replaceAll(" ", ""), "hex")]).alive).toBe(false);
  });

  test("an end inside a frame is no end", () => {
    const { socket, stream } = frames();
    stream.enter(0x03);
    socket.emit("data", Buffer.from("0103000461", "hex"));
    socket.emit("end");
    expect(stream.destroyed).toBe(true);
    expect(socket.destroyed).toBe(true);
  });
});

test("what is sent is cut into frames of at most 65535 octets, each with what it is for", () => {
  const { socket, stream } = frames();
  stream.write(Buffer.alloc(2, "a"));
  stream.enter(0x03);
  stream.enter(0x02);
  stream.write(Buffer.alloc(0x1_0001, "b"));
  expect(socket.sent.map((sent) => [hex(sent.subarray(0, 4)), sent.length])).toEqual([
    ["01 01 00 02", 6],
    ["01 03 ff ff", 0xffff + 4],
    ["01 03 00 02", 6],
  ]);
});
