/**
 * Authentication methods of SOCKS 5 as exchanges without I/O: octets in, octets and steps out.
 *
 * @packageDocumentation
 */
export { AuthError, type AuthErrorCode, type AuthErrorOptions } from "./errors.ts";
export type {
  AuthAccepted,
  AuthDone,
  AuthEvidence,
  AuthFailed,
  AuthIncomplete,
  AuthMethod,
  AuthRejected,
  AuthSend,
  AuthStep,
  AuthVerdict,
  AuthVerify,
  ClientAuthExchange,
  ClientAuthMethod,
  ServerAuthExchange,
  ServerAuthMethod,
  ServerAuthStep,
  UserPassEvidence,
} from "./method.ts";
export { noneClient, noneServer } from "./none.ts";
export { userPassClient, type UserPassClientOptions } from "./user-pass-client.ts";
export { userPassServer } from "./user-pass-server.ts";
