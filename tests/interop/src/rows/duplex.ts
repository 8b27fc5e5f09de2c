import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expectSame, RowError, TUNNEL_CHECKS, type Row, type RowContext, type TunnelCheck } from "../harness/row.ts";
import { TextReader } from "../harness/text-reader.ts";
import { bodyOf, bodyStream, formatReceived, LARGE, Sum } from "../target/body.ts";
import { GREETING } from "../target/target.ts";

/** A library that gives a connection through a proxy. */
export interface Library extends Omit<Row, "check" | "run"> {
  /** Connects to a port of the targets. */
  readonly connect: (context: RowContext, port: number) => Promise<Duplex>;
  /** Which checks; default: all of {@link TUNNEL_CHECKS}. */
  readonly checks?: readonly TunnelCheck[];
  /**
   * What can be said of half-close where it does not work: `none`, the peer ends both directions together;
   * `answer`, an answer after the client's end arrives, but nothing can be sent after the target's end.
   */
  readonly halfClose?: { readonly works: "none" | "answer"; readonly remark: string };
}

/** One row per check. */
export function duplexRows({ connect, checks = TUNNEL_CHECKS, halfClose, ...rest }: Library): readonly Row[] {
  return checks.map((check) => ({
    ...rest,
    check,
    async run(context: RowContext) {
      const open = async (port: number): Promise<Duplex> => {
        const socket = await connect(context, port);
        socket.on("error", () => {}); // who reads or writes hears of it as well
        context.scope.defer(() => socket.destroy());
        return socket;
      };
      if (check === "half-close" && halfClose !== undefined) return partialHalfClose(context, open, halfClose);
      return CHECKS[check](context, open);
    },
  }));
}

type Open = (port: number) => Promise<Duplex>;
type CheckRun = (context: RowContext, open: Open) => Promise<void>;

const CHECKS: Readonly<Record<TunnelCheck, CheckRun>> = {
  async "0 B"({ targets }, open) {
    await download(await open(targets.lines), 0);
    await upload(await open(targets.lines), 0);
  },
  async "1 B"({ targets }, open) {
    await download(await open(targets.lines), 1);
    await upload(await open(targets.lines), 1);
  },
  "256 MiB down": async ({ targets }, open) => download(await open(targets.lines), LARGE),
  "256 MiB up": async ({ targets }, open) => upload(await open(targets.lines), LARGE),
  async "server first"({ targets }, open) {
    const socket = await open(targets.greeter);
    const reader = new TextReader(socket);
    expectSame("greeting", await reader.text(GREETING.length), GREETING);
    socket.write("hello");
    expectSame("echo", await reader.text(5), "hello");
  },
  async "half-close"(context, open) {
    expectSame(
      "answer after the end of the request",
      await answerAfterEnd(await open(context.targets.lines)),
      formatReceived(bodyOf(1000)),
    );
    await sendAfterEnd(context, await open(context.targets.lines));
  },
};

/** The client ends first: what the target says afterwards must still arrive. */
async function answerAfterEnd(socket: Duplex): Promise<string> {
  socket.write("digest\n");
  bodyStream(1000).pipe(socket);
  return new TextReader(socket).all();
}

/** The target ends first: what the client says afterwards must still arrive. */
async function sendAfterEnd({ targets, signal }: RowContext, socket: Duplex): Promise<void> {
  const key = randomUUID();
  socket.write(`late ${key}\n`);
  expectSame("last words of the target", await new TextReader(socket).all(), "bye\n");
  bodyStream(1_000_000).pipe(socket);
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${targets.http}/received/${key}`, { signal });
    const text = await response.text();
    if (response.ok)
      return expectSame("what the target received after its own end", text, formatReceived(bodyOf(1_000_000)));
    await delay(20);
  }
}

async function partialHalfClose(
  { targets }: RowContext,
  open: Open,
  { works, remark }: NonNullable<Library["halfClose"]>,
): Promise<string> {
  const answer = await answerAfterEnd(await open(targets.lines)).catch((error: unknown) => String(error));
  const arrived = answer === formatReceived(bodyOf(1000));
  if (arrived === (works === "answer")) return remark;
  throw new RowError(
    `half-close: got ${JSON.stringify(answer)} after the client's end, but the peer is listed as one where ${remark}`,
  );
}

async function download(socket: Duplex, byteLength: number): Promise<void> {
  const sum = new Sum();
  socket.write(`source ${byteLength}\n`);
  for await (const chunk of socket) sum.add(chunk as Buffer);
  expectSame("received", formatReceived(sum.result()), formatReceived(bodyOf(byteLength)));
}

async function upload(socket: Duplex, byteLength: number): Promise<void> {
  const reader = new TextReader(socket);
  socket.write(`digest ${byteLength}\n`);
  bodyStream(byteLength).pipe(socket, { end: false });
  const expected = formatReceived(bodyOf(byteLength));
  expectSame("what the target received", await reader.text(expected.length), expected);
}
