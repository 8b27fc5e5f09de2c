import { closeSync, openSync, readSync } from "node:fs";
import { ConfigError } from "./problem.ts";

const CHUNK = 65_536;

/**
 * Reads a text file whole, but never more of it than `maxBytes`, whatever it turns out to be.
 *
 * @throws ConfigError when it cannot be read, is too long or is not UTF-8.
 */
export function readTextFile(path: string, maxBytes: number): string {
  const bytes = readBounded(path, maxBytes);
  if (bytes.length > maxBytes) {
    throw problem(path, `the file is longer than ${maxBytes} bytes; expected less, is it the right file?`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError([{ place: placeOfBadOctet(path, bytes), path: "", message: encodingMessage(bytes) }]);
  }
}

function readBounded(path: string, maxBytes: number): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const chunks: Buffer[] = [];
    for (let length = 0; length <= maxBytes;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, maxBytes + 1 - length));
      const count = readSync(file, chunk);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      length += count;
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw problem(path, reasonOf(error));
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  switch (code) {
    case "ENOENT":
      return "there is no such file; check the path";
    case "EACCES":
    case "EPERM":
      return "the file may not be read; give the user that runs sockskitd the right to";
    case "EISDIR":
      return "this is a folder; expected a file";
    default:
      return `the file cannot be read (${code === "" ? String(error) : code})`;
  }
}

function encodingMessage(bytes: Buffer): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isUtf16 ? "the file is UTF-16; expected UTF-8, save it again as that" : "here is something that is not UTF-8";
}

/** The octets differ from what was decoded and encoded again where the first bad one is. */
function placeOfBadOctet(path: string, bytes: Buffer): string {
  const again = Buffer.from(bytes.toString("utf8"));
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  const lines = bytes.toString("utf8", 0, at).split("\n");
  return `${path}:${lines.length}:${(lines.at(-1) ?? "").length + 1}`;
}

function problem(path: string, message: string): ConfigError {
  return new ConfigError([{ place: path, path: "", message }]);
}
