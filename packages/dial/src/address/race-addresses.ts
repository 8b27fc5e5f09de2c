import type { Socket } from "node:net";

import { AddressRace, type AddressRaceEvent } from "@sockskit/handshake";
import type { IpAddress } from "@sockskit/wire";

import type { Operation } from "../internal/operation.ts";
import { openSocket } from "./open-socket.ts";
import type { AttemptObserver, Peer } from "./peer.ts";
import { refusalOf, type OutgoingSettings } from "./socket-options.ts";
import { type AttemptFailure, unreachable } from "./unreachable.ts";

/** Dials several addresses by RFC 8305: staggered, the first connection wins, the others are dropped. */
export function raceAddresses<T>(
  operation: Operation<T>,
  addresses: readonly IpAddress[],
  settings: OutgoingSettings,
  peer: Peer,
  onAttempt: AttemptObserver | undefined,
  onConnected: (socket: Socket, address: IpAddress) => void,
): void {
  const race = new AddressRace({ addresses, attemptDelayMs: settings.attemptDelayMs });
  const attempts = new Map<number, () => void>();
  const failures: AttemptFailure[] = [];
  let winner: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;

  const fail = (id: number, failure: AttemptFailure): void => {
    attempts.delete(id);
    failures.push(failure);
    perform(race.failed(id, performance.now(), failure.error));
  };
  const attempt = (id: number, address: IpAddress): void => {
    const refusal = refusalOf(address, settings);
    if (refusal !== undefined) return fail(id, refusal);
    onAttempt?.(address, "dialling");
    if (operation.over) return;
    const cancel = openSocket(
      address,
      settings,
      (socket) => {
        attempts.delete(id);
        winner = socket;
        onAttempt?.(address, "connected");
        perform(race.succeeded(id));
      },
      (error) => {
        onAttempt?.(address, error);
        fail(id, { address, error, denied: false });
      },
    );
    attempts.set(id, cancel);
  };
  const perform = (events: readonly AddressRaceEvent[]): void => {
    for (const event of events) {
      if (event.type === "attempt") attempt(event.id, event.address);
      else if (event.type === "cancel") attempts.get(event.id)?.();
      else if (event.type === "exhausted") operation.fail(unreachable(peer, failures));
    }
    clearTimeout(timer);
    const pauseMs = operation.over ? undefined : race.nextTimeoutMs(performance.now());
    if (pauseMs !== undefined) timer = setTimeout(() => perform(race.tick(performance.now())), pauseMs);
    const [first] = events;
    if (first?.type === "won" && winner !== undefined && !operation.over) onConnected(winner, first.address);
  };
  operation.enter(peer.dialStage, peer);
  operation.hold(() => {
    clearTimeout(timer);
    for (const cancel of attempts.values()) cancel();
    winner?.destroy();
  });
  perform(race.start(performance.now()));
}
