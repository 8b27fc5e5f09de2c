/**
 * A SOCKS 4, 4A and 5 server to embed: listeners, user/password log-in, access rules, limits, and a relay that
 * passes half-closes and resets on.
 *
 * {@link createServer} makes one. Without options it listens on 127.0.0.1:1080 and serves programs on this host.
 *
 * @packageDocumentation
 */
export { createServer, SocksServer } from "./server.ts";
export { chooseEngine } from "./fastpath/choose-engine.ts";
export type { EngineChoice } from "./fastpath/choose-engine.ts";
export type { CloseOptions } from "./server.ts";
export type { ListeningAddress } from "./listener/listener-set.ts";
export type {
  AuthMethodName,
  BindOptions,
  IdentOptions,
  LimitOptions,
  ListenOptions,
  ListenTlsOptions,
  OutboundOptions,
  ProxyProtocolOptions,
  ServerOptions,
  SslOptions,
  TimeoutOptions,
  TlsCertificate,
  UdpOptions,
  UnixSocketOptions,
  UpstreamChain,
  UpstreamHop,
  UpstreamOptions,
} from "./options.ts";
export type { GssapiOptions } from "./gssapi/gssapi-options.ts";
export { checkGssapiKeys } from "./gssapi/gssapi-keys.ts";
export { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "./options.ts";
export type { SessionIdent } from "./ident/verdict.ts";
export type { PortRange } from "./ports/port-range.ts";
export type { DatagramCounts, DropReason } from "./associate/datagram-counts.ts";
export { upstreamNameHandling } from "./upstream/upstream-plan.ts";
export { openProxyProblem } from "./listener/open-proxy.ts";
export type {
  CloseReason,
  ServerEvents,
  SessionAuthenticated,
  SessionAnswered,
  SessionBound,
  SessionClosed,
  SessionConnected,
  SessionDenied,
  SessionOpened,
  SessionVia,
  UpstreamChanged,
} from "./events.ts";
export type { SessionInfo, SessionPhase } from "./session/session-info.ts";
export type { ServerStats } from "./session/tally.ts";
export { createCredentialStore, UserStore } from "./credentials/user-store.ts";
export type { CredentialStoreOptions, UserStoreStats } from "./credentials/user-store.ts";
export type { ChallengeAttempt, ChallengeCallback, ChallengeVerdict } from "./credentials/challenge.ts";
export type {
  ChapAttempt,
  CredentialAttempt,
  CredentialStore,
  CredentialVerdict,
} from "./credentials/credential-store.ts";
export type { PlainPassword, UserConfig } from "./credentials/user.ts";
export { parseUsersFile } from "./credentials/users-file.ts";
export { hashPassword, verifyPassword } from "./credentials/passwords.ts";
export type { HashPasswordOptions } from "./credentials/passwords.ts";
export { ServerError } from "./errors.ts";
export type { ServerErrorCode, ServerErrorOptions, UsersFileProblem } from "./errors.ts";
