import { randomInt } from "node:crypto";
import { badOption, type OptionPath, ServerError } from "../errors.ts";

/** Ports from one to another, both included. */
export interface PortRange {
  /** The first port, 1 to 65535. */
  readonly from: number;
  /** The last port, `from` to 65535. */
  readonly to: number;
}

/**
 * Reads a range that is written as `"40000-40999"`, `"40000"` or a {@link PortRange}.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function portRange(ports: string | PortRange | undefined, path: OptionPath): PortRange | undefined {
  if (ports === undefined) return undefined;
  const range = typeof ports === "string" ? fromText(ports) : ports;
  if (range !== undefined && isPort(range?.from) && isPort(range.to) && range.from <= range.to) {
    return { from: range.from, to: range.to };
  }
  throw badOption(path, 'expected ports from 1 to 65535, such as "40000-40999"');
}

function fromText(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/u.exec(text);
  if (match === null) return undefined;
  return { from: Number(match[1]), to: Number(match[2] ?? match[1]) };
}

function isPort(port: unknown): boolean {
  return Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 0xffff;
}

/**
 * Opens something on a port of the range that is free, beginning anywhere in it: whoever wants to be there first cannot
 * know where that is. Without a range the system chooses.
 *
 * @throws ServerError `ERR_SOCKS_LISTEN_FAILED` when none is free; what `open` throws, when it is about something else.
 */
export async function openOnFreePort<T>(range: PortRange | undefined, open: (port: number) => Promise<T>): Promise<T> {
  if (range === undefined) return open(0);
  const { from, to } = range;
  const size = to - from + 1;
  const offset = randomInt(size);
  let taken: unknown;
  for (let index = 0; index < size; index++) {
    try {
      // eslint-disable-next-line no-await-in-loop -- the next port is tried when this one is taken
      return await open(from + ((offset + index) % size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      taken = error;
    }
  }
  throw new ServerError("ERR_SOCKS_LISTEN_FAILED", `every port from ${from} to ${to} is in use`, { cause: taken });
}
