import type { Command, RunningProcess } from "../harness/process.ts";
import { expectSame, startInRow, type Row, type RowContext } from "../harness/row.ts";
import { bodyOf, bodyStream, formatReceived, LARGE, Sum } from "../target/body.ts";

type BodyCheck = "0 B" | "1 B" | "256 MiB down" | "256 MiB up";

/** A program that fetches URLs through a proxy. */
export interface HttpProgram extends Omit<Row, "check" | "run"> {
  /** Host name in the URLs. */
  readonly host: string;
  /** Program and arguments that write what is at `url` to standard output. */
  readonly get: (context: RowContext, url: string) => Promise<Command>;
  /** The same, but sends standard input to `url`; `undefined` when the program cannot. */
  readonly put?: (context: RowContext, url: string) => Promise<Command>;
  /** Which checks; default: both small bodies and the large one in the directions it can. */
  readonly checks?: readonly BodyCheck[];
}

/** One row per check. */
export function httpRows({ host, get, put, checks, ...rest }: HttpProgram): readonly Row[] {
  const list: readonly BodyCheck[] = checks ?? [
    "0 B",
    "1 B",
    "256 MiB down",
    ...(put === undefined ? [] : ["256 MiB up" as const]),
  ];
  return list.map((check) => ({
    ...rest,
    check,
    async run(context: RowContext) {
      const base = `http://${host}:${context.targets.http}`;
      const length = check.startsWith("256 MiB") ? LARGE : Number.parseInt(check, 10);
      if (check !== "256 MiB up") await download(context, await get(context, `${base}/bytes/${length}`), length);
      if (check !== "256 MiB down" && put !== undefined)
        await upload(context, await put(context, `${base}/digest`), length);
    },
  }));
}

async function download(context: RowContext, command: Command, length: number): Promise<void> {
  const sum = new Sum();
  const program = startInRow(context, command);
  program.stdin.end();
  for await (const chunk of program.stdout) sum.add(chunk as Buffer);
  await finish(program);
  expectSame(`${program.command}: received`, formatReceived(sum.result()), formatReceived(bodyOf(length)));
}

async function upload(context: RowContext, command: Command, length: number): Promise<void> {
  const program = startInRow(context, command);
  bodyStream(length).pipe(program.stdin);
  let answer = "";
  for await (const chunk of program.stdout) answer += String(chunk);
  await finish(program);
  expectSame(`${program.command}: what the target received`, answer, formatReceived(bodyOf(length)));
}

async function finish(program: RunningProcess): Promise<void> {
  const { status, signal } = await program.ended;
  expectSame(
    `${program.command}: exit status${program.log === "" ? "" : ` (${program.log.trim()})`}`,
    String(status ?? signal),
    "0",
  );
}
