import { openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";

import { CliError } from "./cli-error.ts";

const ENTER = new Set(["\r", "\n", "\u0004"]);
const BACKSPACE = new Set(["\b", "\u007F"]);
const INTERRUPT = "\u0003";
const ERASE_LINE = "\u0015";

/**
 * Asks the person at the terminal, which shows nothing of what is typed: it may be a password. Standard input and output
 * carry data, and are left alone.
 *
 * @param question - What to show, fit to be shown.
 * @param signal - Gives up.
 * @throws CliError `ERR_SOCKS_NO_TERMINAL`.
 */
export function askTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { input, output } = openTerminal();
  return new Promise((resolve) => {
    let typed: string[] = [];
    const finish = (): void => {
      signal.removeEventListener("abort", finish);
      input.setRawMode(false);
      input.destroy();
      output.end("\r\n");
      resolve(typed.join(""));
    };
    signal.addEventListener("abort", finish);
    input.setEncoding("utf8");
    input.setRawMode(true);
    output.write(question);
    input.on("data", (data: string) => {
      for (const character of data) {
        if (character === INTERRUPT) {
          // The terminal does not do that by itself meanwhile.
          finish();
          process.kill(process.pid, "SIGINT");
          return;
        }
        if (ENTER.has(character)) return finish();
        if (BACKSPACE.has(character)) typed.pop();
        else if (character === ERASE_LINE) typed = [];
        else typed.push(character);
      }
    });
  });
}

function openTerminal(): { readonly input: ReadStream; readonly output: WriteStream } {
  const [from, to] = process.platform === "win32" ? ["\\\\.\\CONIN$", "\\\\.\\CONOUT$"] : ["/dev/tty", "/dev/tty"];
  try {
    return { input: new ReadStream(openSync(from, "r")), output: new WriteStream(openSync(to, "w")) };
  } catch (cause) {
    const message = "the proxy asks something (cram), and there is no terminal to ask a person at; run it in one";
    throw new CliError("ERR_SOCKS_NO_TERMINAL", message, cause);
  }
}
