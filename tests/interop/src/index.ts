/**
 * Real SOCKS programs, started on loopback: the part of the interop suite that other suites share.
 *
 * @packageDocumentation
 */
export { Scope } from "./harness/scope.ts";
export { describeTool, missing, type Tool } from "./harness/tools.ts";
export { startDanted } from "./peers/danted.ts";
export { startHev } from "./peers/hev.ts";
export { startMicrosocks } from "./peers/microsocks.ts";
export { startNpmServer } from "./peers/npm-server.ts";
export type { ServerPeer } from "./peers/server-peer.ts";
export { startSockskitd } from "./peers/sockskit.ts";
export { startThreeProxy } from "./peers/three-proxy.ts";
