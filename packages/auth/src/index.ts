/**
 * Authentication methods of SOCKS 5 as exchanges without I/O: octets in, octets and steps out.
 *
 * @packageDocumentation
 */
export { AuthError, type AuthErrorCode, type AuthErrorOptions } from "./errors.ts";
export type {
  AuthAccepted,
  AuthChallenge,
  AuthContextToken,
  AuthEvidence,
  AuthRejected,
  AuthVerdict,
  ChapEvidence,
  CramEvidence,
  GssapiEvidence,
  UserPassEvidence,
} from "./evidence.ts";
export type { GssapiLayer, SecureLayer, SslLayer } from "./layer.ts";
export type {
  AuthAsk,
  AuthContinue,
  AuthDone,
  AuthFailed,
  AuthIncomplete,
  AuthMethod,
  AuthSecure,
  AuthSend,
  AuthStep,
  AuthVerify,
  ClientAuthExchange,
  ClientAuthMethod,
  ClientAuthStep,
  ServerAuthExchange,
  ServerAuthMethod,
  ServerAuthStep,
} from "./method.ts";
export type {
  AuthAnswer,
  AuthQuestion,
  CramAnswer,
  CramQuestion,
  GssapiAgreement,
  GssapiAnswer,
  GssapiQuestion,
  GssapiRefusal,
  GssapiToken,
} from "./question.ts";
export type { ChapAlgorithm } from "./internal/chap-algorithms.ts";
export type { Md5 } from "./internal/hmac-md5.ts";
export { chapClient, type ChapClientOptions } from "./chap-client.ts";
export { chapResponse, type ChapResponseOptions, chapVerdict, type ChapVerdictOptions } from "./chap-response.ts";
export { chapServer, type ChapServerOptions } from "./chap-server.ts";
export { MAX_CRAM_ROUNDS } from "./internal/cram-rounds.ts";
export { cramClient, type CramClientOptions } from "./cram-client.ts";
export { cramServer } from "./cram-server.ts";
export { gssapiClient, type GssapiClientOptions } from "./gssapi-client.ts";
export {
  grantProtection,
  type GrantProtectionOptions,
  type GssapiAbilities,
  type GssapiProtection,
  levelOf,
  protectionOf,
  requestProtection,
  type RequestProtectionOptions,
} from "./gssapi-protection.ts";
export type {
  GssapiAcceptOptions,
  GssapiAcceptorCredentials,
  GssapiContext,
  GssapiContextInfo,
  GssapiCredentials,
  GssapiInitiateOptions,
  GssapiMechanism,
  GssapiMessage,
  GssapiStep,
  GssapiUnwrapped,
} from "./gssapi-mechanism.ts";
export { gssapiServer, type GssapiServerOptions } from "./gssapi-server.ts";
export { mafClient, type MafClientMethod, type MafClientOptions } from "./maf-client.ts";
export { mafServer, type MafServerExchange, type MafServerMethod, type MafServerOptions } from "./maf-server.ts";
export { noneClient, noneServer } from "./none.ts";
export { sslClient, type SslClientOptions } from "./ssl-client.ts";
export { sslServer, type SslServerOptions } from "./ssl-server.ts";
export { userPassClient, type UserPassClientOptions } from "./user-pass-client.ts";
export { userPassServer } from "./user-pass-server.ts";
