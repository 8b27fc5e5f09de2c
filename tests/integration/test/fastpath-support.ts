import type net from "node:net";
import { pause } from "./server-support.ts";

const isLinux = process.platform === "linux";

/** Whether the fast path can run here. */
export const canRun: boolean = isLinux;

/** For the names of tests: why they are not run. */
export const why: string = isLinux ? "" : " (not run: the fast path is for Linux)";

/** Numbers from 0 to 1 that look random and come again with the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Not a power of two, so that what is off by a page or a buffer is no match. */
const PATTERN_LENGTH = 65_521;
const PATTERN: Buffer = Buffer.alloc(2 * PATTERN_LENGTH);
const random = seededRandom(0x50c5);
for (let i = 0; i < PATTERN_LENGTH; i++) PATTERN[i] = PATTERN[i + PATTERN_LENGTH] = random() * 256;

/** Octets of an endless stream that is known at each position; `key` makes streams differ. At most 65,521 at once. */
export function octetsAt(position: number, length: number, key: number): Buffer {
  const start = (position + key * 257) % PATTERN_LENGTH;
  return PATTERN.subarray(start, start + Math.min(length, PATTERN_LENGTH));
}

/** How fast one side of a stream is. */
export interface Pace {
  /** Octets at most of one write. */
  readonly chunk: number;
  /** Called before each write and after each read: how long to wait, in milliseconds; 0 is not at all. */
  readonly stallMs: () => number;
}

/** Sends so many octets of a known stream, then ends the side. */
export async function sendStream(socket: net.Socket, length: number, key: number, pace: Pace): Promise<void> {
  for (let position = 0; position < length && !socket.destroyed;) {
    const stallMs = pace.stallMs();
    if (stallMs > 0) await pause(stallMs);
    const octets = octetsAt(position, Math.min(pace.chunk, length - position), key);
    position += octets.length;
    if (!socket.write(octets)) await drained(socket);
  }
  socket.end();
}

/** Reads a known stream to its end and compares every octet; resolves to its length. */
export function checkStream(socket: net.Socket, key: number, pace: Pace): Promise<number> {
  let position = 0;
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      for (let at = 0; at < chunk.length;) {
        const expected = octetsAt(position + at, chunk.length - at, key);
        if (expected.compare(chunk, at, at + expected.length) !== 0) {
          socket.destroy();
          return reject(new TypeError(`stream ${key} has other octets at or behind ${position + at}`));
        }
        at += expected.length;
      }
      position += chunk.length;
      const stallMs = pace.stallMs();
      if (stallMs <= 0) return;
      socket.pause();
      setTimeout(() => socket.resume(), stallMs);
    });
    socket.on("end", () => resolve(position));
    socket.on("close", () => reject(new TypeError(`stream ${key} broke off at ${position}`)));
  });
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** The value that so many of a hundred are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
