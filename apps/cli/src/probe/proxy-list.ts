import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";

import { parseProxyUrl, type ProxyUrl, ProxyUrlError } from "@sockskit/url";

import { CliError, reasonOf } from "../cli-error.ts";

/** A file of proxies that is read: a hundred thousand long lines. */
const MAX_LIST_BYTES = 16_777_216;

/** What a list says. */
export interface ProxyList {
  /** The proxies, in their order. */
  readonly proxies: readonly ProxyUrl[];
  /** What could not be read, line by line; the rest goes on. */
  readonly mistakes: readonly CliError[];
}

/** One proxy as people write it: the scheme does not matter to a probe, so it may be left out. */
export function parseProxy(text: string): ProxyUrl {
  return parseProxyUrl(text.includes("://") ? text : `socks5h://${text}`);
}

/**
 * Reads a list: one proxy per line. Empty lines, and what follows a `#` at the beginning of a line or behind a blank, are
 * left out.
 *
 * @param name - What messages call it.
 */
export function parseProxyList(text: string, name: string): ProxyList {
  const proxies: ProxyUrl[] = [];
  const mistakes: CliError[] = [];
  // A byte order mark is what some editors begin a file with.
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const entry = line.replace(/(^|\s)#.*$/s, "").trim();
    if (entry === "") continue;
    try {
      proxies.push(parseProxy(entry));
    } catch (error) {
      if (!(error instanceof ProxyUrlError)) throw error;
      mistakes.push(new CliError("ERR_SOCKS_BAD_LIST", `${name}, line ${index + 1}: ${error.message}`, error));
    }
  }
  return { proxies, mistakes };
}

/**
 * Reads a list from a file, or with `-` from standard input.
 *
 * @throws CliError `ERR_SOCKS_FILE`.
 */
export async function readProxyList(file: string): Promise<ProxyList> {
  const isInput = file === "-";
  const name = isInput ? "standard input" : file;
  return parseProxyList(await readText(isInput ? process.stdin : createReadStream(file), name), name);
}

async function readText(source: Readable, name: string): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of source as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_LIST_BYTES) break;
      parts.push(part);
    }
  } catch (error) {
    throw new CliError("ERR_SOCKS_FILE", `cannot read ${name}: ${reasonOf(error)}`, error);
  }
  if (length > MAX_LIST_BYTES) {
    throw new CliError("ERR_SOCKS_FILE", `${name} has more than ${MAX_LIST_BYTES} bytes; split it into several lists`);
  }
  return Buffer.concat(parts).toString();
}
