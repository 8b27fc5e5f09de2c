import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { type IpAddress, parseIpAddress } from "@sockskit/wire";

/** How long the file is believed to be unchanged, in milliseconds. */
const FRESH_MS = 5000;

/** The system's hosts file, read again when it is needed and may have changed. */
export class HostsFile {
  readonly #path: string;
  #readAt = Number.NEGATIVE_INFINITY;
  #names: Promise<ReadonlyMap<string, IpAddress[]>> | undefined;

  constructor(path: string = defaultPath()) {
    this.#path = path;
  }

  /** The addresses that the file has for `name`, which is lower case; `undefined` when it does not mention it. */
  async find(name: string): Promise<readonly IpAddress[] | undefined> {
    const now = performance.now();
    if (this.#names === undefined || now - this.#readAt > FRESH_MS) {
      this.#readAt = now;
      this.#names = readFile(this.#path, "utf8").then(parseHosts, () => new Map());
    }
    return (await this.#names).get(name);
  }
}

function parseHosts(text: string): Map<string, IpAddress[]> {
  const names = new Map<string, IpAddress[]>();
  for (const line of text.split("\n")) {
    const [first, ...rest] = line.replace(/#.*/u, "").trim().split(/\s+/u);
    const address = parseIpAddress(first ?? "");
    if (address === undefined) continue;
    for (const name of rest) {
      const key = name.toLowerCase();
      const known = names.get(key);
      if (known === undefined) names.set(key, [address]);
      else known.push(address);
    }
  }
  return names;
}

function defaultPath(): string {
  if (process.platform !== "win32") return "/etc/hosts";
  return join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", "drivers", "etc", "hosts");
}
