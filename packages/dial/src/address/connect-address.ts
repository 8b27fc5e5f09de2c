import type { Socket } from "node:net";

import { type Address, formatAddress, type IpAddress, withPort } from "@sockskit/wire";

import { isSocksError, SocksError } from "../errors.ts";
import type { Activity, Operation } from "../internal/operation.ts";
import type { AddressFamily, Resolver } from "../resolver/resolver.ts";
import { resolveFailed } from "../resolver/system-lookup.ts";
import { openSocket } from "./open-socket.ts";
import { type AttemptFailure, raceAddresses } from "./race-addresses.ts";
import { denialOf, type OutgoingSettings } from "./socket-options.ts";

/** A connected socket and the address at its other end. */
export interface DialledAddress {
  /** Connected, not read from yet, without listeners of ours. */
  readonly socket: Socket;
  /** The address that answered. */
  readonly address: IpAddress;
}

/** Who is being dialled, for errors and progress. */
export interface Peer extends Activity {
  /** Code of the error when no address could be reached. */
  readonly unreachable: "ERR_SOCKS_PROXY_UNREACHABLE" | "ERR_SOCKS_TARGET_UNREACHABLE";
  /** `proxy socks5://...` or `example.com:80`. */
  readonly title: () => string;
  /** Told of each address before it is dialled, and of its outcome. */
  readonly onAttempt?: ((address: IpAddress, outcome: "dialling" | "connected" | Error) => void) | undefined;
}

/** Connects to `destination`: looks its name up if it is one, and dials its addresses. */
export async function connectAddress(
  operation: Operation,
  destination: Address,
  settings: OutgoingSettings,
  peer: Peer,
): Promise<DialledAddress> {
  const addresses =
    destination.type === "domain"
      ? (await resolveHost(operation, destination.host, settings.family, settings.resolver, peer)).map(
          (address) => withPort(address, destination.port),
        )
      : [requireFamily(destination, settings.family, peer)];
  operation.enter(peer);
  const [only] = addresses;
  const dialled =
    only !== undefined && addresses.length === 1
      ? await connectOne(operation, only, settings, peer)
      : await raceAddresses(operation, addresses, settings, peer, (failures) => unreachable(peer, failures));
  peer.onAttempt?.(dialled.address, "connected");
  return dialled;
}

/**
 * Looks a name up as a step of `operation`.
 *
 * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED` and the other codes of {@link Resolver.resolve}.
 */
export async function resolveHost(
  operation: Operation,
  name: string,
  family: AddressFamily,
  resolver: Resolver,
  peer: Pick<Peer, "hop" | "title">,
): Promise<readonly IpAddress[]> {
  operation.enter({ stage: "resolve", hop: peer.hop, awaited: () => `the address of ${peer.title()}` });
  const controller = new AbortController();
  try {
    const addresses = await operation.step<readonly IpAddress[]>((resolve, reject) => {
      resolver.resolve(name, { family, signal: controller.signal }).then(resolve, reject);
      return () => controller.abort();
    });
    if (addresses.length === 0) throw resolveFailed(name, "the resolver gave no address");
    return addresses;
  } catch (cause) {
    operation.throwIfInterrupted();
    const { code, message, side } = isSocksError(cause) ? cause : resolveFailed(name, "the resolver failed", cause);
    const options = { side, stage: "resolve", hop: peer.hop?.(), cause } as const;
    throw new SocksError(code, `${peer.title()} cannot be found: ${message}`, options);
  }
}

function connectOne(
  operation: Operation,
  address: IpAddress,
  settings: OutgoingSettings,
  peer: Peer,
): Promise<DialledAddress> {
  const denial = denialOf(address, settings);
  if (denial !== undefined) throw unreachable(peer, [{ address, error: denial, denied: true }]);
  peer.onAttempt?.(address, "dialling");
  return operation.step((resolve, reject) =>
    openSocket(
      address,
      settings,
      (socket) => resolve({ socket, address }),
      (error) => {
        peer.onAttempt?.(address, error);
        reject(unreachable(peer, [{ address, error, denied: false }]));
      },
    ),
  );
}

function requireFamily(address: IpAddress, family: AddressFamily, peer: Peer): IpAddress {
  if (family === "auto" || address.type === (family === 4 ? "ipv4" : "ipv6")) return address;
  const error = Object.assign(new Error(`only IPv${family} is allowed (family)`), { code: "EAFNOSUPPORT" });
  throw unreachable(peer, [{ address, error, denied: false }]);
}

/** The error for a peer none of whose addresses could be reached. */
function unreachable(peer: Peer, failures: readonly AttemptFailure[]): SocksError {
  const stage = { stage: peer.stage, hop: peer.hop?.() };
  const dialled = failures.filter((failure) => !failure.denied);
  const reasons = failures.map(({ address, error }) => `${formatAddress(address)}: ${reasonOf(error)}`).join("; ");
  if (dialled.length === 0) {
    const message = `${peer.title()} is not dialled, every address of it is denied: ${reasons}`;
    return new SocksError("ERR_SOCKS_ADDRESS_DENIED", message, { ...stage, side: "local", cause: failures[0]?.error });
  }
  const errors = dialled.map(({ error }) => error);
  const cause = errors.length === 1 ? errors[0] : aggregate(errors);
  return new SocksError(peer.unreachable, `cannot reach ${peer.title()}: ${reasons}`, { ...stage, side: "remote", cause });
}

/** Several failures as one, with the `code` of the first, as Node does it. */
function aggregate(errors: readonly Error[]): Error {
  const code = (errors[0] as NodeJS.ErrnoException | undefined)?.code;
  return Object.assign(new AggregateError(errors, "every address failed"), { code });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused, nothing listens there",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ECONNRESET: "connection reset",
  EADDRNOTAVAIL: "the local address or port is not available",
  EMFILE: "this process has too many open files",
  ENFILE: "this system has too many open files",
  EACCES: "not permitted by this system",
  EPERM: "not permitted by this system",
};

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : REASONS[code];
  return reason === undefined ? error.message : `${reason} (${code})`;
}
