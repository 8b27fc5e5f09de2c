import type { Readable } from "node:stream";

import { CliError, reasonOf, usageError } from "../cli-error.ts";

/** Most bytes of a line: the largest datagram in hexadecimal, each octet with a space. */
const MAX_LINE_LENGTH: number = 3 * 65_507;
const LINE_FEED = 0x0a;

/**
 * The datagrams of standard input: the octets of each line without its line feed, or what a line has in hexadecimal.
 *
 * @throws CliError `ERR_SOCKS_USAGE` for a line that is too long or no hexadecimal, `ERR_SOCKS_FILE`.
 */
export async function* readDatagrams(input: Readable, hex: boolean): AsyncGenerator<Buffer> {
  let number = 0;
  for await (const line of lines(input)) {
    number += 1;
    yield hex ? fromHex(line.toString("latin1"), number) : line;
  }
}

async function* lines(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let count = 0;
  for await (const part of chunks(input)) {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      count += 1;
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_LINE_LENGTH) {
      throw usageError(`line ${count + 1} has more than ${MAX_LINE_LENGTH} bytes; a datagram has at most 65507`);
    }
  }
  if (rest.length > 0) yield rest;
}

async function* chunks(input: Readable): AsyncGenerator<Buffer> {
  try {
    yield* input as AsyncIterable<Buffer>;
  } catch (error) {
    throw new CliError("ERR_SOCKS_FILE", `cannot read standard input: ${reasonOf(error)}`, error);
  }
}

function fromHex(text: string, line: number): Buffer {
  const digits = text.replaceAll(/\s/g, "");
  if (/^(?:[0-9a-f]{2})*$/i.test(digits)) return Buffer.from(digits, "hex");
  throw usageError(`line ${line} is no datagram in hexadecimal; expected pairs of digits, such as "68 65 6c 6c 6f"`);
}
