import type { SocksStage } from "../errors.ts";
import type { Operation } from "../internal/operation.ts";
import type { Hop } from "./hop.ts";
import { maskSecrets } from "./mask-secrets.ts";
import type { OctetsEvent, ProgressEvent, ProgressStep } from "./progress.ts";

/** Who watches a connection being made. */
export interface ObserverOptions {
  /**
   * Called at each step of the way. An exception in it ends the call, and the promise rejects with it.
   */
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Called with the octets of every handshake, secrets masked. An exception in it ends the call likewise. */
  readonly onOctets?: ((event: OctetsEvent) => void) | undefined;
}

/** Whether octets hold a secret: all of them, or what an authentication has in them. */
type Secrecy = boolean | "whole";

/** Builds the events; each function is absent when nobody watches, and then costs nothing. */
export interface Observer {
  readonly progress: ((hop: Hop | undefined, step: ProgressStep) => void) | undefined;
  readonly octets:
    | ((hop: Hop, direction: "sent" | "received", stage: SocksStage, octets: Uint8Array, secret: Secrecy) => void)
    | undefined;
}

const NOBODY: Observer = { progress: undefined, octets: undefined };

export function createObserver(
  { onProgress, onOctets }: ObserverOptions,
  operation: Pick<Operation<unknown>, "elapsedMs" | "fail">,
): Observer {
  if (onProgress === undefined && onOctets === undefined) return NOBODY;
  // Called from deep inside socket events, where an exception would end the process and leak the socket.
  const call = <T>(observe: (event: T) => void, event: T): void => {
    try {
      observe(event);
    } catch (error) {
      operation.fail(error);
    }
  };
  return {
    progress:
      onProgress &&
      ((hop, step) => call(onProgress, { ...step, elapsedMs: operation.elapsedMs, hop: hop?.reference() })),
    octets:
      onOctets &&
      ((hop, direction, stage, octets, secret) => {
        const shown = secret
          ? maskSecrets(octets, secret === "whole" ? 0 : undefined)
          : { octets: new Uint8Array(octets) };
        call(onOctets, { elapsedMs: operation.elapsedMs, hop: hop.reference(), direction, stage, ...shown });
      }),
  };
}
