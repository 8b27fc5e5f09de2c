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

/** A line typed on the terminal, which does not show it. */
export function readHidden(prompt: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const finish = (settle: () => void): void => {
      stdin.setRawMode(false);
      stdin.off("data", onData);
      stdin.pause();
      stderr.write("\n");
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
    stderr.write(prompt);
    stdin.setEncoding("utf8");
    stdin.setRawMode(true);
    stdin.on("data", onData);
    stdin.resume();
  });
}
