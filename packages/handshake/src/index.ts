/**
 * SOCKS negotiation of all versions as state machines without I/O, for clients and servers, HTTP CONNECT for clients,
 * the race of a client's connection attempts (RFC 8305), the fragments of UDP datagrams, and the PROXY header before all of it.
 *
 * @packageDocumentation
 */
export {
  AddressRace,
  DEFAULT_ATTEMPT_DELAY_MS,
  MAX_ATTEMPT_DELAY_MS,
  MAX_RACE_ADDRESSES,
  MIN_ATTEMPT_DELAY_MS,
  sortAddresses,
  type AddressRaceEvent,
  type AddressRaceOptions,
  type RaceAttemptEvent,
  type RaceCancelEvent,
  type RaceExhaustedEvent,
  type RaceWonEvent,
} from "./address-race.ts";
export type {
  ClientEstablishedEvent,
  ClientEvent,
  ClientFailedEvent,
  ClientListeningEvent,
  ClientProgressEvent,
  ClientQuestionEvent,
  ClientSecureEvent,
  ClientSendEvent,
} from "./client-events.ts";
export { ClientHandshake } from "./client-handshake.ts";
export type { ClientHandshakeOptions } from "./client-options.ts";
export { CLIENT_TRANSITIONS, type ClientState, type ClientTransition } from "./client-transitions.ts";
export {
  ConnectionPreface,
  type ConnectionPrefaceEvent,
  type ConnectionPrefaceOptions,
  type PrefaceDoneEvent,
  type PrefaceFailedEvent,
  type PrefaceHeaderEvent,
} from "./connection-preface.ts";
export { HandshakeError, type HandshakeErrorCode, type HandshakeErrorOptions, type HandshakeStage } from "./errors.ts";
export {
  HttpConnectHandshake,
  type BasicCredentials,
  type HttpAnswerEvent,
  type HttpConnectEvent,
  type HttpConnectHandshakeOptions,
} from "./http-connect-handshake.ts";
export { MAX_BUFFERED_LENGTH, MAX_EARLY_DATA_LENGTH, MAX_HTTP_INTERIM_COUNT } from "./limits.ts";
export type {
  HandshakeCommand,
  HandshakeRequest,
  ServerAuthenticatedEvent,
  ServerAuthenticateEvent,
  ServerEvent,
  ServerFailedEvent,
  ServerReply,
  ServerRequestEvent,
  ServerSecureEvent,
  ServerSendEvent,
} from "./server-events.ts";
export { ServerHandshake } from "./server-handshake.ts";
export type { ServerHandshakeOptions } from "./server-options.ts";
export { SERVER_TRANSITIONS, type ServerState, type ServerTransition } from "./server-transitions.ts";
export {
  FragmentReassembly,
  MAX_REASSEMBLED_LENGTH,
  MAX_REASSEMBLY_TIMEOUT_MS,
  MIN_REASSEMBLY_TIMEOUT_MS,
  type FragmentReassemblyOptions,
} from "./udp/fragment-reassembly.ts";
export { MAX_FRAGMENT_COUNT, splitDatagram } from "./udp/split-datagram.ts";
