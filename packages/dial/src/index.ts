/**
 * Outgoing connections: straight to an address by Happy Eyeballs (RFC 8305), or through a chain of SOCKS 4, 4A, 5 and HTTP
 * proxies. Also connections that come in at a proxy (BIND), datagrams through one (UDP ASSOCIATE), and look-ups by one
 * (Tor's RESOLVE and RESOLVE_PTR). With deadlines, cancellation, and errors that say at which stage and at which proxy it went wrong.
 *
 * The layer below `@sockskit/client` and `@sockskit/server`; programs that only want a connection use the former.
 *
 * @packageDocumentation
 */

export { dialAddress, type DialAddressOptions, type DialledAddress } from "./address/dial-address.ts";
export type { OutgoingOptions } from "./address/socket-options.ts";
export { type AskingProxy, AuthPlan } from "./auth/auth-plan.ts";
export type { ProxyAuthMethod, ProxyAuthOptions, ProxyQuestion, ProxySslOptions } from "./auth/proxy-auth.ts";
export type { DatagramProtection, ProxyGssapi, ProxyGssapiContext, ProxyGssapiOptions } from "./auth/proxy-gssapi.ts";
export type { LayeredConnection } from "./layer/layered-connection.ts";
export { openSslServer, type SslServerTls } from "./layer/ssl-layer.ts";
export { bindThrough, type BindThroughOptions, type DialledListener } from "./chain/bind-through.ts";
export { checkChain } from "./chain/check-chain.ts";
export { dialProxy, type DialProxyOptions } from "./chain/dial-proxy.ts";
export { dialThrough, type DialledTunnel, type DialThroughOptions } from "./chain/dial-through.ts";
export type { ProxyHop } from "./chain/hop.ts";
export type { ProxyProtocolOptions } from "./chain/proxy-header.ts";
export type { ChainHop, ProxyHopOptions, RouteOptions } from "./chain/route.ts";
export type { ProxyTlsOptions } from "./chain/tls-options.ts";
export {
  resolvePtrThrough,
  type ResolvePtrThroughOptions,
  resolveThrough,
  type LookUpThroughOptions,
  type ResolveThroughOptions,
} from "./chain/look-up-through.ts";
export type { ObserverOptions } from "./chain/observer.ts";
export type {
  AttemptFailedStep,
  DialStep,
  DirectStep,
  EstablishedStep,
  HttpAnswerStep,
  ProxyHeaderStep,
  SecuredStep,
  MethodStep,
  OctetsEvent,
  ProgressContext,
  ProgressEvent,
  ProgressStep,
  ResolvedStep,
  VersionFailedStep,
  VersionFoundStep,
} from "./chain/progress.ts";
export type { DiscoveryOptions, ProxyVersion } from "./discovery/discovery-options.ts";
export {
  createDiscoveryMemory,
  type DiscoveryMemory,
  type DiscoveryMemoryOptions,
} from "./discovery/discovery-memory.ts";
export {
  isSocksError,
  SocksError,
  type HopReference,
  type SocksErrorCode,
  type SocksErrorOptions,
  type SocksStage,
} from "./errors.ts";
export type { StageTimeouts } from "./internal/operation.ts";
export {
  createResolver,
  type AddressFamily,
  type ResolveOptions,
  type Resolver,
  type ResolverOptions,
  type ReverseOptions,
} from "./resolver/resolver.ts";
export type { LookupAddress, LookupFunction, LookupOptions } from "./resolver/system-lookup.ts";
export { associateThrough, type AssociateThroughOptions } from "./udp/associate-through.ts";
export type { DatagramOptions } from "./udp/datagram-options.ts";
export type { UdpAssociation } from "./udp/udp-association.ts";
