/**
 * Checks that the test suites of several packages share. It imports none of them: decoders and
 * other things under test come in as arguments.
 *
 * @packageDocumentation
 */

export { checkAuthMethod } from "./auth-method-compliance.ts";
export type {
  AuthMethodPair,
  Exchange,
  ExchangeMethod,
  ExchangeStep,
  ExchangeVerdict,
} from "./auth-method-compliance.ts";
export { authorityCertificate, certificatePair, certificatePath } from "./certificates.ts";
export type { CertificateName, CertificatePair } from "./certificates.ts";
export { arbitraryChunks, arbitraryOctets, everySplit, singleOctets } from "./chunks.ts";
export { checkAccepted, checkRejected, checkThrows } from "./decoder-check.ts";
export type { Decoder, Rejection } from "./decoder-check.ts";
export { openDescriptors } from "./descriptors.ts";
export { concat, hex, octets } from "./hex.ts";
export { realmProblem, startRealm, useRealm } from "./kerberos-realm.ts";
export type { KerberosRealm } from "./kerberos-realm.ts";
export { questionMethod } from "./question-method.ts";
export type { QuestionEvidence, QuestionMethod } from "./question-method.ts";
export { checkNoSecrets } from "./secrets.ts";
export { listenEcho, listenScript, listenTcp, readOctets, readToEnd } from "./tcp.ts";
export type { LoopbackServer, ScriptStep } from "./tcp.ts";
export { listenUdpRelay } from "./udp-relay.ts";
export type { UdpRelay, UdpRelayOptions } from "./udp-relay.ts";
