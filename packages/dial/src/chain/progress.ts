import type { HandshakeCommand } from "@sockskit/handshake";
import type { Address, IpAddress, Network } from "@sockskit/wire";

import type { HopReference, SocksStage } from "../errors.ts";

/** What every {@link ProgressEvent} carries. */
export interface ProgressContext {
  /** Milliseconds since the call. */
  readonly elapsedMs: number;
  /** The proxy concerned; absent when the destination itself is resolved or dialled. */
  readonly hop?: HopReference | undefined;
}

/** A step of the way, for people who want to watch. Events are plain data without secrets. */
export type ProgressEvent = ProgressContext & ProgressStep;

/**
 * What happened.
 *
 * - `resolved`: a name was looked up on this side; of the proxy when `hop` is there and `target` is not.
 * - `direct`: the proxy is left out, its URL lists the destination as directly connected.
 * - `dialling`, `connected`, `attempt-failed`: one TCP connection; several addresses may be tried at the same time.
 * - `method-selected`, `authenticated`: SOCKS 5 only. `warning` says what the proxy did that is not by the book.
 * - `listening`: the proxy listens for the peer of a BIND; `established` follows when it came, with its address.
 * - `established`: the proxy granted the request; after the last hop the tunnel is open.
 */
export type ProgressStep =
  | { readonly step: "resolved"; readonly name: string; readonly addresses: readonly IpAddress[] }
  | { readonly step: "direct"; readonly address: IpAddress; readonly networks: readonly Network[] }
  | { readonly step: "dialling" | "connected"; readonly address: IpAddress }
  | { readonly step: "attempt-failed"; readonly address: IpAddress; readonly error: Error }
  | {
      readonly step: "method-selected" | "authenticated";
      readonly method: number;
      readonly methodName: string;
      readonly warning?: string | undefined;
    }
  | {
      readonly step: "listening" | "established";
      readonly command: HandshakeCommand;
      readonly destination: Address;
      readonly reply: number;
      readonly boundAddress: Address | undefined;
    };

/** Octets of a handshake as they were sent or received, secrets masked. */
export interface OctetsEvent {
  /** Milliseconds since the call. */
  readonly elapsedMs: number;
  /** The proxy they were sent to or came from. */
  readonly hop: HopReference;
  /** `sent` by this side or `received`. */
  readonly direction: "sent" | "received";
  /** What was going on. */
  readonly stage: SocksStage;
  /** The octets, a copy. Secret ones were replaced by eight octets 2a, whatever their number. */
  readonly octets: Uint8Array;
  /** Index of the first octet that stands for a secret; absent when all are genuine. */
  readonly maskedFrom?: number | undefined;
}
