/**
 * TCP connections through SOCKS 4, 4A and 5 proxies and chains of them, and a way to find out what a proxy speaks.
 *
 * {@link connect} gives a `net.Socket`; every failure is a {@link SocksError} that says at which stage and at which proxy
 * it happened.
 *
 * @packageDocumentation
 */
export { connect, type ConnectOptions } from "./connect.ts";
export { connectionInfo, type ConnectionInfo } from "./connection-info.ts";
export type { HostPort, ProxyChoice, Target } from "./read-options.ts";
export { probeProxy, type ProbeOptions } from "./probe/probe-proxy.ts";
export type { ProbeAnswer, ProbeMethod, ProbeProtocol, ProbeReport } from "./probe/report.ts";
export {
  createResolver,
  isSocksError,
  SocksError,
  type HopReference,
  type OctetsEvent,
  type ProgressEvent,
  type Resolver,
  type ResolverOptions,
  type SocksErrorCode,
  type SocksStage,
  type StageTimeouts,
} from "@sockskit/dial";
