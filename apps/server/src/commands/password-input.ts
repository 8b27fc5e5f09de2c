import { UsageError } from "../errors.ts";

/** One line of standard input without its end, at most `maxBytes` of it. */
export async function readStandardInput(maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    const end = chunk.indexOf(0x0a);
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    length += chunk.length;
    if (end >= 0 || length > maxBytes) break;
  }
  const line = Buffer.concat(chunks);
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}

const ENTER = new Set(["\r", "\n", "\u0004"]);
const BACKSPACE = new Set(["\b", "\u007F"]);

/**
 * Asks for lines on the terminal, which shows none of them: it stays in raw mode from before the first question
 * to after the last answer.
 */
export async function readHidden(questions: readonly string[]): Promise<readonly Buffer[]> {
  const { stdin } = process;
  stdin.setEncoding("utf8");
  stdin.setRawMode(true);
  try {
    const answers: Buffer[] = [];
    for (const question of questions) answers.push(await readLine(question));
    return answers;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

function readLine(question: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const finish = (settle: () => void): void => {
      stdin.off("data", onData);
      stderr.write("\r\n");
      settle();
    };
    const onData = (data: string): void => {
      for (const character of data) {
        if (character === "\u0003") {
          finish(() => reject(new UsageError("interrupted; nothing was hashed")));
          return;
        }
        if (ENTER.has(character)) {
          finish(() => resolve(Buffer.from(typed.join(""))));
          return;
        }
        if (BACKSPACE.has(character)) typed.pop();
        else if (character === "\u0015") typed = [];
        else typed.push(character);
      }
    };
    stdin.on("data", onData);
    stderr.write(question);
  });
}
