import type { AuthEvidence } from "@sockskit/auth";
import {
  type HandshakeRequest,
  type ServerEvent,
  ServerHandshake,
  type ServerHandshakeOptions,
} from "@sockskit/handshake";
import type { SessionUser } from "./session-record.ts";

/** A handshake that has come to its request elsewhere. */
export interface Replayed {
  /** Waits for the reply. What came behind the request is in it. */
  readonly handshake: ServerHandshake;
  readonly request: HandshakeRequest;
  readonly user: SessionUser | undefined;
  /** What the user showed. */
  readonly evidence: AuthEvidence | undefined;
}

/**
 * Reads again what a client has sent to another thread, which has answered it up to the request. `undefined` when it is no
 * request any more, because a reload has come in between.
 */
export function replay(
  options: ServerHandshakeOptions,
  received: Uint8Array,
  user: SessionUser | undefined,
): Replayed | undefined {
  const handshake = new ServerHandshake(options);
  let evidence: AuthEvidence | undefined;
  const events: ServerEvent[] = [...handshake.receive(received)];
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    if (event.type === "request") return { handshake, request: event.request, user, evidence };
    if (event.type !== "authenticate") continue;
    ({ evidence } = event);
    const verdict =
      user === undefined ? { accepted: false as const } : { accepted: true as const, identity: user.name };
    events.push(...handshake.authenticated(verdict));
  }
  return undefined;
}
