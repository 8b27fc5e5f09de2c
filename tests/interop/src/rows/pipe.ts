import type { Command, RunningProcess } from "../harness/process.ts";
import {
  expectSame,
  RowError,
  startInRow,
  TUNNEL_CHECKS,
  type Row,
  type RowContext,
  type TunnelCheck,
} from "../harness/row.ts";
import { TextReader } from "../harness/text-reader.ts";
import { bodyOf, bodyStream, formatReceived, LARGE, Sum } from "../target/body.ts";
import { GREETING } from "../target/target.ts";

/** A program that joins its standard input and output to a tunnel. */
export interface Pipe extends Omit<Row, "check" | "run"> {
  /** Program and arguments for one tunnel. */
  readonly open: (context: RowContext, port: number) => Promise<Command>;
  /** Which checks make sense for it; default: all of {@link TUNNEL_CHECKS}. */
  readonly checks?: readonly TunnelCheck[];
}

/** One row per check. */
export function pipeRows({ open, checks = TUNNEL_CHECKS, ...rest }: Pipe): readonly Row[] {
  return checks.map((check) => ({
    ...rest,
    check,
    async run(context: RowContext) {
      const port = check === "server first" ? context.targets.greeter : context.targets.lines;
      const start = async (): Promise<RunningProcess> => startInRow(context, await open(context, port));
      await CHECKS[check](start);
    },
  }));
}

type Start = () => Promise<RunningProcess>;

const CHECKS: Readonly<Record<TunnelCheck, (start: Start) => Promise<void>>> = {
  async "0 B"(start) {
    await download(await start(), 0);
    await upload(await start(), 0);
  },
  async "1 B"(start) {
    await download(await start(), 1);
    await upload(await start(), 1);
  },
  "256 MiB down": async (start) => download(await start(), LARGE),
  "256 MiB up": async (start) => upload(await start(), LARGE),
  async "server first"(start) {
    const pipe = await start();
    const reader = new TextReader(pipe.stdout);
    expectSame("greeting", await readText(pipe, reader, GREETING.length), GREETING);
    pipe.stdin.write("hello");
    expectSame("echo", await readText(pipe, reader, 5), "hello");
    pipe.stdin.end();
  },
  // The target answers only after the end of what is sent: the tunnel must stay open in the other direction.
  async "half-close"(start) {
    const pipe = await start();
    pipe.stdin.write("digest\n");
    bodyStream(1000).pipe(pipe.stdin);
    expectSame(
      "answer after the end of the request",
      await new TextReader(pipe.stdout).all(),
      formatReceived(bodyOf(1000)),
    );
  },
};

async function download(pipe: RunningProcess, byteLength: number): Promise<void> {
  pipe.stdin.write(`source ${byteLength}\n`);
  const sum = new Sum();
  if (byteLength === 0) pipe.stdin.end(); // some programs end only with their input
  for await (const chunk of pipe.stdout) {
    sum.add(chunk as Buffer);
    if (sum.byteLength >= byteLength) pipe.stdin.end();
  }
  expectSame(
    `${pipe.command}: received${said(pipe)}`,
    formatReceived(sum.result()),
    formatReceived(bodyOf(byteLength)),
  );
}

async function upload(pipe: RunningProcess, byteLength: number): Promise<void> {
  pipe.stdin.write(`digest ${byteLength}\n`);
  bodyStream(byteLength).pipe(pipe.stdin, { end: false });
  const expected = formatReceived(bodyOf(byteLength));
  expectSame(
    `${pipe.command}: what the target received${said(pipe)}`,
    await readText(pipe, new TextReader(pipe.stdout), expected.length),
    expected,
  );
  pipe.stdin.end();
}

async function readText(pipe: RunningProcess, reader: TextReader, length: number): Promise<string> {
  try {
    return await reader.text(length);
  } catch (error) {
    throw new RowError(`${pipe.command}: ${String(error)}${said(pipe)}`);
  }
}

function said(pipe: RunningProcess): string {
  return pipe.log === "" ? "" : ` (it said: ${pipe.log.trim()})`;
}
