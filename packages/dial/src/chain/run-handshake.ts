import type { Socket } from "node:net";

import type { ClientEstablishedEvent, ClientEvent, ClientHandshake } from "@sockskit/handshake";
import type { Address } from "@sockskit/wire";

import type { Activity, Operation } from "../internal/operation.ts";
import { closedError, handshakeError } from "./hop-errors.ts";
import type { Hop } from "./hop.ts";
import type { Observer } from "./observer.ts";

/** The end of a handshake. */
export interface HandshakeResult {
  readonly established: ClientEstablishedEvent;
  /** What came behind the last reply. */
  readonly trailing: Uint8Array | undefined;
}

/**
 * Runs one handshake on a connected socket, as one step.
 *
 * It listens to `readable`, not `data`: when the listener is gone the socket is neither flowing nor paused, just like
 * one that was never read from, and the caller's own `data` listener starts it as usual.
 *
 * @param earlier - What came behind the previous hop's last reply.
 */
export function runHandshake(
  operation: Operation,
  socket: Socket,
  hop: Hop,
  machine: ClientHandshake,
  destination: Address,
  observer: Observer,
  earlier: Uint8Array | undefined,
): Promise<HandshakeResult> {
  return operation.step((resolve, reject) => {
    let activity = hopActivity(hop, destination, hop.proxy.version === 4 ? "request" : "negotiate");

    const leave = (): void => {
      socket.removeListener("readable", onReadable);
      socket.removeListener("end", onEnd);
      socket.removeListener("error", onError);
    };
    const fail = (error: unknown): void => {
      leave();
      reject(error);
    };
    const enter = (stage: Activity["stage"]): void => {
      activity = hopActivity(hop, destination, stage);
      operation.enter(activity);
    };
    const perform = (events: readonly ClientEvent[]): void => {
      for (const event of events) {
        switch (event.type) {
          case "send":
            observer.octets?.(hop, "sent", activity.stage, event.data, event.secret);
            socket.write(event.data);
            break;
          case "progress":
            enter(event.step === "authenticated" ? "request" : "authenticate");
            observer.progress?.(hop, event);
            break;
          case "established":
            leave();
            observer.progress?.(hop, { ...event, step: "established", destination });
            return resolve({ established: event, trailing: machine.takeTrailingData() });
          case "failed":
            return fail(handshakeError(hop, destination, event.error));
          default:
            break;
        }
      }
    };
    const receive = (octets: Uint8Array): void => {
      observer.octets?.(hop, "received", activity.stage, octets, false);
      perform(machine.receive(octets));
    };
    const onReadable = (): void => {
      const octets: Uint8Array | null = socket.read();
      if (octets !== null) receive(octets);
    };
    const onEnd = (): void => fail(closedError(hop, destination, activity.stage, undefined));
    const onError = (error: Error): void => fail(closedError(hop, destination, activity.stage, error));

    operation.enter(activity);
    socket.on("readable", onReadable);
    socket.on("end", onEnd);
    socket.on("error", onError);
    perform(machine.start());
    if (earlier !== undefined) receive(earlier);
    return leave;
  });
}

function hopActivity(hop: Hop, destination: Address, stage: Activity["stage"]): Activity {
  return { stage, hop: hop.reference, awaited: () => hop.awaited(stage, destination) };
}
