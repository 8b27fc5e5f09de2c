import { readFile } from "node:fs/promises";

import { CliError, reasonOf, usageError } from "../cli-error.ts";

/** Largest body that `-d` collects. */
const MAX_BODY_OCTETS = 64 * 1024 * 1024;

/**
 * The body that the values of `-d` make: text, `@file` or `@-`, joined by `&`. Line ends of files are dropped, as curl does.
 *
 * @throws CliError `ERR_SOCKS_FILE`, `ERR_SOCKS_USAGE`.
 */
export async function readBody(values: readonly string[]): Promise<Uint8Array | undefined> {
  if (values.length === 0) return undefined;
  const parts: Buffer[] = [];
  for (const value of values) {
    if (parts.length > 0) parts.push(Buffer.from("&"));
    parts.push(value.startsWith("@") ? withoutLineEnds(await readSource(value.slice(1))) : Buffer.from(value));
  }
  const body = Buffer.concat(parts);
  if (body.length <= MAX_BODY_OCTETS) return body;
  throw usageError(`the values of -d make ${body.length} octets, at most ${MAX_BODY_OCTETS} can be sent`);
}

async function readSource(file: string): Promise<Buffer> {
  try {
    return file === "-" ? await readStandardInput() : await readFile(file);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      "ERR_SOCKS_FILE",
      `cannot read ${file === "-" ? "standard input" : file}: ${reasonOf(error)}`,
      error,
    );
  }
}

async function readStandardInput(): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_OCTETS) throw usageError(`standard input is longer than ${MAX_BODY_OCTETS} octets`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function withoutLineEnds(octets: Buffer): Buffer {
  return octets.filter((octet) => octet !== 0x0a && octet !== 0x0d) as Buffer;
}
