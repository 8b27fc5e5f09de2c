import net from "node:net";
import { networkInterfaces } from "node:os";

import { DEFAULT_ATTEMPT_DELAY_MS, MAX_ATTEMPT_DELAY_MS, MIN_ATTEMPT_DELAY_MS } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";

import { badOption, requireInteger } from "../internal/require.ts";
import { type AddressFamily, createResolver, type Resolver } from "../resolver/resolver.ts";
import type { AttemptFailure } from "./unreachable.ts";

/** How outgoing connections are made; common to everything that dials. */
export interface OutgoingOptions {
  /** Looks host names up. Default: one resolver for the whole program, made with the defaults of `createResolver`. */
  readonly resolver?: Resolver | undefined;
  /**
   * The IP version to use for names that are looked up on this side. Default `"auto"`: both. `dialAddress` refuses a
   * literal of the other version too; `dialThrough` takes proxies and destinations that are literals as they are.
   */
  readonly family?: AddressFamily | undefined;
  /** The address of this host to connect from, as an IP literal. It decides `family` too. Default: the system chooses. */
  readonly localAddress?: string | undefined;
  /**
   * Called with each address right before it is dialled; an error refuses it. Only addresses that passed are dialled,
   * never a name, so that a second look-up cannot give another answer than the one that was checked.
   */
  readonly check?: ((address: IpAddress) => Error | undefined) | undefined;
  /** Pause before the next address is tried beside one that has not answered, in milliseconds, 10 to 2000. Default 250 (RFC 8305 section 8). */
  readonly attemptDelayMs?: number | undefined;
  /** `true` keeps the writing side open when the other end stops sending, see `node:net`. Default `true`. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Sends small writes at once (TCP_NODELAY). Default `true`. */
  readonly noDelay?: boolean | undefined;
  /** Notices a peer that has vanished, by probes after a minute of silence. Default `false`, as in `node:net`. */
  readonly keepAlive?: boolean | undefined;
}

/** {@link OutgoingOptions} checked and filled in. */
export interface OutgoingSettings {
  readonly resolver: Resolver;
  readonly family: AddressFamily;
  readonly check: ((address: IpAddress) => Error | undefined) | undefined;
  readonly attemptDelayMs: number;
  /** For the constructor of a socket. */
  readonly socket: net.SocketConstructorOpts;
  /** For its `connect`. */
  readonly bind: { readonly localAddress?: string } | undefined;
}

/** Silence after which the first keep-alive probe goes out, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

let sharedResolver: Resolver | undefined;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function outgoingSettings(options: OutgoingOptions): OutgoingSettings {
  const { localAddress, allowHalfOpen = true, noDelay = true, keepAlive = false } = options;
  return {
    resolver: options.resolver ?? (sharedResolver ??= createResolver()),
    family: chooseFamily(options.family ?? "auto", localAddress),
    check: options.check,
    attemptDelayMs: requireInteger(
      "attemptDelayMs",
      options.attemptDelayMs ?? DEFAULT_ATTEMPT_DELAY_MS,
      MIN_ATTEMPT_DELAY_MS,
      MAX_ATTEMPT_DELAY_MS,
    ),
    socket: keepAlive
      ? { allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS }
      : { allowHalfOpen, noDelay },
    bind: localAddress === undefined ? undefined : { localAddress },
  };
}

function chooseFamily(family: AddressFamily, localAddress: string | undefined): AddressFamily {
  if (family !== "auto" && family !== 4 && family !== 6) {
    throw badOption(`family is ${JSON.stringify(family)}; expected "auto", 4 or 6`);
  }
  if (localAddress === undefined) return family;
  const version = net.isIP(localAddress);
  if (version !== 4 && version !== 6) {
    throw badOption(`localAddress is ${JSON.stringify(localAddress)}; expected an IP address of this host`);
  }
  if (family !== "auto" && family !== version) {
    throw badOption(`localAddress is an IPv${version} address, but family is ${family}`);
  }
  return version;
}

/**
 * Why this side does not dial an address, if it does not. What `check` throws counts as its denial: no address is dialled
 * by accident.
 */
export function refusalOf(address: IpAddress, { family, check }: OutgoingSettings): AttemptFailure | undefined {
  if (family !== "auto" && address.type !== (family === 4 ? "ipv4" : "ipv6")) {
    return {
      address,
      denied: false,
      error: new UnusableAddress("EAFNOSUPPORT", `only IPv${family} is allowed (family)`),
    };
  }
  if (address.type === "ipv6" && address.zone !== undefined && !hasInterface(address.zone)) {
    // The system would take any interface it likes instead.
    return {
      address,
      denied: false,
      error: new UnusableAddress("ENODEV", `this host has no interface ${address.zone}`),
    };
  }
  const error = denialOf(address, check);
  return error === undefined ? undefined : { address, denied: true, error };
}

function denialOf(address: IpAddress, check: OutgoingSettings["check"]): Error | undefined {
  try {
    return check?.(address);
  } catch (error) {
    return error instanceof Error ? error : badOption(`check threw ${String(error)}`);
  }
}

function hasInterface(zone: string): boolean {
  return Object.entries(networkInterfaces()).some(
    ([name, addresses = []]) => name === zone || addresses.some(({ scopeid }) => scopeid === Number(zone)),
  );
}

/** Says why this side does not dial an address, with the code that the system has for it. */
class UnusableAddress extends Error {
  override readonly name = "UnusableAddress";
  readonly code: "EAFNOSUPPORT" | "ENODEV";

  constructor(code: "EAFNOSUPPORT" | "ENODEV", message: string) {
    super(message);
    this.code = code;
  }
}
