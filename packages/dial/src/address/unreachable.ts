import { formatAddress, type IpAddress } from "@sockskit/wire";

import { SocksError } from "../errors.ts";
import type { Peer } from "./peer.ts";

/** One address that did not work. */
export interface AttemptFailure {
  readonly address: IpAddress;
  readonly error: Error;
  /** Whether the caller's `check` refused it. */
  readonly denied: boolean;
}

/** The error for a peer none of whose addresses could be reached. */
export function unreachable(peer: Peer, failures: readonly AttemptFailure[]): SocksError {
  const where = { stage: peer.dialStage, hop: peer.reference() };
  const usable = failures.filter((failure) => !failure.denied);
  const reasons = failures.map(({ address, error }) => `${formatAddress(address)}: ${reasonOf(error)}`).join("; ");
  if (usable.length === 0) {
    const message = `${peer.title()} is not dialled, every address of it is denied: ${reasons}`;
    return new SocksError("ERR_SOCKS_ADDRESS_DENIED", message, { ...where, side: "local", cause: failures[0]?.error });
  }
  const errors = usable.map(({ error }) => error);
  const cause = errors.length === 1 ? errors[0] : aggregate(errors);
  return new SocksError(peer.unreachable, `cannot reach ${peer.title()}: ${reasons}`, {
    ...where,
    side: "remote",
    cause,
  });
}

/** Several failures as one, with the `code` of the first, as Node does it. */
function aggregate(errors: readonly Error[]): Error {
  const code = errors.map((error: NodeJS.ErrnoException) => error.code)[0];
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
