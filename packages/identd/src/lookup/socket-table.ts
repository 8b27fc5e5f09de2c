import { closeSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { IpAddress } from "@sockskit/wire";
import type { IdentConnection } from "./lookup.ts";

/** States in which a connection has an owner: ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT. */
const OWNED_STATES: readonly string[] = ["01", "04", "05", "08"];
const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const CHUNK_LENGTH = 0x10000;
/** How long it is read without a pause. */
const SLICE_MS = 5;

interface Waiting {
  readonly connection: IdentConnection;
  readonly resolve: (uid: number | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The kernel's table of TCP connections, `/proc/net/tcp` and `tcp6`.
 *
 * Reading it costs time in the kernel, so there is one reader at a time: whoever asks meanwhile shares the next run.
 */
export class SocketTable {
  readonly #folder: string;
  #waiting: Waiting[] = [];
  #isReading = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Number of the user that owns the local end of a connection; rejects with the system's error. */
  uidOf(connection: IdentConnection): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ connection, resolve, reject });
      if (!this.#isReading) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      // eslint-disable-next-line no-await-in-loop -- one reader at a time is the point
      await this.#answer(batch);
    }
    this.#isReading = false;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const found = new Map<string, number>();
      const ipv4 = batch.filter(({ connection }) => isIpv4(connection));
      if (ipv4.length > 0)
        await this.#search(
          "tcp",
          ipv4.map(({ connection }) => keyOf(connection, false)),
          found,
        );
      const left = batch.filter(({ connection }) => !found.has(keyOf(connection, false)));
      if (left.length > 0)
        await this.#search(
          "tcp6",
          left.map(({ connection }) => keyOf(connection, true)),
          found,
        );
      for (const { connection, resolve } of batch) {
        resolve(found.get(keyOf(connection, false)) ?? found.get(keyOf(connection, true)));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Adds the owners of those connections that the file has. */
  async #search(file: string, keys: readonly string[], found: Map<string, number>): Promise<void> {
    const wanted = new Set(keys);
    let rest = "";
    try {
      for await (const chunk of piecesOf(join(this.#folder, file))) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) takeLine(line, wanted, found);
        if (wanted.size === 0) return;
      }
    } catch (error) {
      // A kernel without IPv6 has no tcp6.
      if (file === "tcp6" && (error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
  }
}

/**
 * The text of a file of the kernel, which gives out a page at a time and never waits for a device. So it is read in
 * this thread, which costs a tenth of asking another one for each page, and others get their turn in between.
 */
async function* piecesOf(path: string): AsyncGenerator<string> {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_LENGTH);
    let startedAtMs = performance.now();
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      yield buffer.toString("latin1", 0, length);
      if (performance.now() - startedAtMs < SLICE_MS) continue;
      // eslint-disable-next-line no-await-in-loop -- one piece after the other
      await setImmediate();
      startedAtMs = performance.now();
    }
  } finally {
    closeSync(file);
  }
}

/** `sl: local remote st queues timer retransmits uid timeout inode ...` */
function takeLine(line: string, wanted: Set<string>, found: Map<string, number>): void {
  const start = line.indexOf(": ") + 2;
  // All keys of a file are equally long. Of thousands of lines only those that fit are taken apart.
  const length = wanted.values().next().value?.length ?? 0;
  const key = line.slice(start, start + length);
  if (!wanted.has(key)) return;
  const [state = "", , , , uid = "", , inode = ""] = line
    .slice(start + key.length)
    .trim()
    .split(/\s+/, 7);
  if (!OWNED_STATES.includes(state)) return;
  // What no program holds any more, or not yet, is listed as if it belonged to uid 0.
  if (inode === "0" || !/^\d{1,10}$/.test(uid)) return;
  found.set(key, Number(uid));
  wanted.delete(key);
}

function isIpv4({ local, remote }: IdentConnection): boolean {
  return local.type === "ipv4" && remote.type === "ipv4";
}

/** A connection as the table writes it. */
function keyOf({ local, remote }: IdentConnection, asIpv6: boolean): string {
  return `${endKey(local, asIpv6)} ${endKey(remote, asIpv6)}`;
}

/** 32-bit words in the byte order of the machine, then the port. */
function endKey(address: IpAddress, asIpv6: boolean): string {
  const octets = asIpv6 && address.type === "ipv4" ? [...MAPPED_PREFIX, ...address.octets] : [...address.octets];
  let key = "";
  for (let at = 0; at < octets.length; at += 4) {
    const word = octets.slice(at, at + 4);
    if (endianness() === "LE") word.reverse();
    for (const octet of word) key += octet.toString(16).padStart(2, "0");
  }
  return `${key}:${address.port.toString(16).padStart(4, "0")}`.toUpperCase();
}
