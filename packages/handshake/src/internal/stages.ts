import type { ClientState } from "../client-transitions.ts";
import type { HandshakeStage } from "../errors.ts";
import type { ServerState } from "../server-transitions.ts";

/** Part of the handshake that each state of a server machine belongs to. */
export const SERVER_STAGES: Readonly<Record<ServerState, HandshakeStage>> = {
  start: "negotiate",
  greeting: "negotiate",
  authenticating: "authenticate",
  verifying: "authenticate",
  securing: "authenticate",
  requesting: "request",
  requesting4: "request",
  deciding: "request",
  binding: "request",
  established: "request",
  failed: "request",
};

/** Part of the handshake that each state of a client machine belongs to. */
export const CLIENT_STAGES: Readonly<Record<ClientState, HandshakeStage>> = {
  start: "negotiate",
  negotiating: "negotiate",
  authenticating: "authenticate",
  asking: "authenticate",
  securing: "authenticate",
  requesting: "request",
  binding: "request",
  established: "request",
  failed: "request",
};
