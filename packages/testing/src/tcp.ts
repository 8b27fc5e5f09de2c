import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { concat } from "./hex.ts";

/** A TCP server on the loopback interface, for one test. */
export interface LoopbackServer {
  /** Address it listens on. */
  readonly host: string;
  /** Port it listens on, chosen by the system. */
  readonly port: number;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<net.Socket>;
  /** Stops listening and destroys every connection. */
  readonly close: () => Promise<void>;
}

/**
 * Starts a TCP server on a free loopback port. Sockets are half-open and an error on one is no
 * error of the test: peers reset connections on purpose.
 */
export async function listenTcp(
  onConnection: (socket: net.Socket) => void,
  options: { readonly host?: string; readonly pauseOnConnect?: boolean } = {},
): Promise<LoopbackServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(
    { allowHalfOpen: true, pauseOnConnect: options.pauseOnConnect ?? false },
    (socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      onConnection(socket);
    },
  );
  server.listen(0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    sockets,
    close: async () => {
      if (!server.listening) return;
      server.close();
      const closed = Array.from(sockets, (socket) => once(socket.destroy(), "close"));
      await Promise.all([once(server, "close"), ...closed]);
    },
  };
}

/** Starts a server that sends back what it receives, and ends when its client does. */
export function listenEcho(options?: { readonly host?: string }): Promise<LoopbackServer> {
  return listenTcp((socket) => socket.pipe(socket), options);
}

/**
 * Starts a proxy or target that plays a fixed part: for each step it waits until it has received as
 * many octets as expected, compares them, then sends its own. After the last step it does what
 * `end` says. Everything it received is in `received` of the returned server.
 */
export async function listenScript(
  steps: readonly ScriptStep[],
  end: "keep" | "end" | "reset" = "end",
): Promise<LoopbackServer & { readonly received: readonly Uint8Array[]; readonly problems: readonly unknown[] }> {
  const received: Uint8Array[] = [];
  const problems: unknown[] = [];
  const server = await listenTcp((socket) => void play(socket).catch((problem: unknown) => problems.push(problem)));

  async function play(socket: net.Socket): Promise<void> {
    for (const step of steps) {
      if (step.receive !== undefined) {
        const bytes = await readOctets(socket, step.receive.length);
        received.push(bytes);
        assert.deepEqual(bytes, step.receive, "the peer sent other octets than the script expects");
      }
      if (step.send !== undefined) socket.write(step.send);
    }
    if (end === "end") socket.end();
    if (end === "reset") socket.resetAndDestroy();
    if (end !== "reset") socket.resume();
  }

  return Object.assign(server, { received, problems });
}

/** One turn of {@link listenScript}. */
export interface ScriptStep {
  /** Octets that must come first. */
  readonly receive?: Uint8Array;
  /** Octets to send then. */
  readonly send?: Uint8Array;
}

/** Reads exactly `length` octets and leaves the rest in the stream; rejects when it ends or time is up before that. */
export async function readOctets(stream: Readable, length: number, timeoutMs = 5_000): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let missing = length;
  const signal = AbortSignal.timeout(timeoutMs);
  while (missing > 0) {
    const available = Math.min(missing, stream.readableLength);
    const part = available > 0 ? (stream.read(available) as Buffer | null) : null;
    if (part !== null) {
      parts.push(part);
      missing -= part.length;
      continue;
    }
    assert.ok(!stream.readableEnded && !stream.destroyed, `stream ended ${missing} octets early`);
    stream.read(0);
    await nextEvent(stream, signal, `${missing} of ${length} octets did not arrive within ${timeoutMs} ms`);
  }
  return concat(...parts);
}

/** Reads until the stream ends; rejects on an error, also one before the call, or when time is up before that. */
export async function readToEnd(stream: Readable, timeoutMs = 5_000): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const signal = AbortSignal.timeout(timeoutMs);
  while (!stream.readableEnded) {
    const part = stream.read() as Buffer | null;
    if (part !== null) parts.push(part);
    else if (stream.closed)
      throw stream.errored ?? new assert.AssertionError({ message: "stream closed without an end" });
    else if (!stream.readableEnded) await nextEvent(stream, signal, `stream did not end within ${timeoutMs} ms`);
  }
  return concat(...parts);
}

/** Resolves when the stream has something new to say; rejects on an error or when time is up. */
function nextEvent(stream: Readable, signal: AbortSignal, late: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error): void => {
      for (const event of ["readable", "end", "close"]) stream.off(event, onEvent);
      stream.off("error", finish);
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onEvent = (): void => finish();
    const onAbort = (): void => finish(new assert.AssertionError({ message: late }));
    for (const event of ["readable", "end", "close"]) stream.on(event, onEvent);
    stream.on("error", finish);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}
