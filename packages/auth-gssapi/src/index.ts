/**
 * GSS-API for SOCKS 5 (RFC 1961): the Kerberos library of the system as a mechanism, and both roles of the method on it.
 *
 * @packageDocumentation
 */

export { sharedMechanism, systemMechanism } from "./system-mechanism.ts";
export type { SystemMechanismOptions } from "./system-mechanism.ts";

export { createAcceptor } from "./roles/acceptor.ts";
export type { AcceptorOptions, GssapiAcceptance, GssapiAcceptor, GssapiJudgement } from "./roles/acceptor.ts";
export { GssapiInitiator } from "./roles/initiator.ts";
export type { GssapiInitiation, InitiationOptions, InitiatorOptions } from "./roles/initiator.ts";
export { userOf } from "./roles/user.ts";
export type { GssapiDatagrams } from "./stream/gssapi-datagrams.ts";
export type { GssapiStream } from "./stream/gssapi-stream.ts";
