import type { Socket } from "node:net";

import { AddressRace, type AddressRaceEvent } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";

import type { Operation } from "../internal/operation.ts";
import type { DialledAddress, Peer } from "./connect-address.ts";
import { openSocket } from "./open-socket.ts";
import { denialOf, type OutgoingSettings } from "./socket-options.ts";

/** One address that did not work. */
export interface AttemptFailure {
  readonly address: IpAddress;
  readonly error: Error;
  /** Whether it was refused before it was dialled. */
  readonly denied: boolean;
}

/** Dials several addresses by RFC 8305: staggered, the first connection wins, the others are dropped. */
export function raceAddresses(
  operation: Operation,
  addresses: readonly IpAddress[],
  settings: OutgoingSettings,
  peer: Peer,
  exhausted: (failures: readonly AttemptFailure[]) => Error,
): Promise<DialledAddress> {
  return operation.step((resolve, reject) => {
    const race = new AddressRace({ addresses, attemptDelayMs: settings.attemptDelayMs });
    const attempts = new Map<number, () => void>();
    const failures: AttemptFailure[] = [];
    let winner: Socket | undefined;
    let timer: NodeJS.Timeout | undefined;

    const fail = (id: number, address: IpAddress, error: Error, denied: boolean): void => {
      attempts.delete(id);
      failures.push({ address, error, denied });
      perform(race.failed(id, performance.now(), error));
    };
    const attempt = (id: number, address: IpAddress): void => {
      const denial = denialOf(address, settings);
      if (denial !== undefined) return fail(id, address, denial, true);
      peer.onAttempt?.(address, "dialling");
      const cancel = openSocket(
        address,
        settings,
        (socket) => {
          attempts.delete(id);
          winner = socket;
          perform(race.succeeded(id));
        },
        (error) => {
          peer.onAttempt?.(address, error);
          fail(id, address, error, false);
        },
      );
      attempts.set(id, cancel);
    };
    const perform = (events: readonly AddressRaceEvent[]): void => {
      for (const event of events) {
        if (event.type === "attempt") attempt(event.id, event.address);
        else if (event.type === "cancel") attempts.get(event.id)?.();
        else if (event.type === "exhausted") reject(exhausted(failures));
        else if (winner !== undefined) resolve({ socket: winner, address: event.address });
      }
      clearTimeout(timer);
      const pauseMs = race.nextTimeoutMs(performance.now());
      if (pauseMs !== undefined) timer = setTimeout(() => perform(race.tick(performance.now())), pauseMs);
    };
    perform(race.start(performance.now()));
    return () => {
      clearTimeout(timer);
      for (const cancel of attempts.values()) cancel();
    };
  });
}
