import dns from "node:dns";

import { type IpAddress, parseIpAddress } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import type { AddressFamily } from "./resolver.ts";

/** One address as `node:dns` gives it. */
export interface LookupAddress {
  /** The address as text. */
  readonly address: string;
  /** `4` or `6`. */
  readonly family: number;
}

/** What a {@link LookupFunction} is asked for. */
export interface LookupOptions {
  /** Always `true`: every address is wanted. */
  readonly all: true;
  /** `4`, `6`, or `0` for both. */
  readonly family: 0 | 4 | 6;
  /** The order in which addresses are wanted. */
  readonly order: "verbatim" | "ipv4first" | "ipv6first";
}

/** The part of the signature of `lookup` of `node:dns` that the resolver uses. */
export type LookupFunction = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** No name needs more; a list made to keep us dialling for hours is cut. */
const MAX_ADDRESS_COUNT = 64;

/** Asks the operating system, through `lookup`. */
export function lookupAddresses(
  name: string,
  family: AddressFamily,
  order: LookupOptions["order"],
  lookup: LookupFunction = dns.lookup,
): Promise<readonly IpAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, family: family === "auto" ? 0 : family, order }, (error, found) => {
      if (error !== null) return reject(resolveFailed(name, lookUpProblem(error.code, "address"), error));
      const addresses: IpAddress[] = [];
      for (const { address } of found.slice(0, MAX_ADDRESS_COUNT)) {
        const parsed = parseIpAddress(address);
        if (parsed !== undefined) addresses.push(parsed);
      }
      if (addresses.length === 0) return reject(resolveFailed(name, "it has no usable address"));
      resolve(addresses);
    });
  });
}

/** The failure of one look-up. */
export function resolveFailed(name: string, problem: string, cause?: unknown): SocksError {
  const message = `cannot resolve ${JSON.stringify(name)}: ${problem}`;
  return new SocksError("ERR_SOCKS_RESOLVE_FAILED", message, { side: "remote", stage: "resolve", cause });
}

/** What a code of `node:dns` means to who looked for an address or a name. */
export function lookUpProblem(code: string | undefined, wanted: "address" | "name"): string {
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
      return `no ${wanted} is known for it (${code})`;
    case "EAI_AGAIN":
    case "ETIMEOUT":
    case "ECONNREFUSED":
      return `the name servers did not answer; check the network and the resolver settings (${code})`;
    default:
      return `the look-up failed (${code ?? "no code"})`;
  }
}
