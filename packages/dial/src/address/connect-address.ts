import type { Socket } from "node:net";

import { type Address, type IpAddress, withPort } from "@sockskit/wire";

import type { Operation } from "../internal/operation.ts";
import { openSocket } from "./open-socket.ts";
import type { AttemptObserver, Peer } from "./peer.ts";
import { raceAddresses } from "./race-addresses.ts";
import { resolveHost } from "./resolve-host.ts";
import { refusalOf, type OutgoingSettings } from "./socket-options.ts";
import { unreachable } from "./unreachable.ts";

/**
 * Connects to `destination`: looks its name up if it is one, and dials its addresses. Whatever goes wrong ends the
 * operation; the socket is held by it from the start.
 */
export function connectAddress<T>(
  operation: Operation<T>,
  destination: Address,
  settings: OutgoingSettings,
  peer: Peer,
  onAttempt: AttemptObserver | undefined,
  onConnected: (socket: Socket, address: IpAddress) => void,
): void {
  if (destination.type !== "domain") {
    connectOne(operation, destination, settings, peer, onAttempt, onConnected);
    return;
  }
  resolveHost(operation, destination.host, settings.family, settings.resolver, peer, (found) => {
    const addresses = found.map((address) => withPort(address, destination.port));
    const [only] = addresses;
    if (only !== undefined && addresses.length === 1) {
      connectOne(operation, only, settings, peer, onAttempt, onConnected);
    } else {
      raceAddresses(operation, addresses, settings, peer, onAttempt, onConnected);
    }
  });
}

/** The fast path: one address, one socket, no timer of its own. */
function connectOne<T>(
  operation: Operation<T>,
  address: IpAddress,
  settings: OutgoingSettings,
  peer: Peer,
  onAttempt: AttemptObserver | undefined,
  onConnected: (socket: Socket, address: IpAddress) => void,
): void {
  operation.enter(peer.dialStage, peer);
  const refusal = refusalOf(address, settings);
  if (refusal !== undefined) return operation.fail(unreachable(peer, [refusal]));
  onAttempt?.(address, "dialling");
  if (operation.over) return;
  const cancel = openSocket(
    address,
    settings,
    (socket) => {
      onAttempt?.(address, "connected");
      if (!operation.over) onConnected(socket, address);
    },
    (error) => {
      onAttempt?.(address, error);
      operation.fail(unreachable(peer, [{ address, error, denied: false }]));
    },
  );
  operation.hold(cancel);
}
