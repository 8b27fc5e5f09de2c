/**
 * Connect through SOCKS 4, 4A and 5 proxies, and find out what a proxy speaks.
 *
 * @packageDocumentation
 */
export { probeProxy, type ProbeOptions } from "./probe/probe-proxy.ts";
export type { ProbeAnswer, ProbeMethod, ProbeProtocol, ProbeReport } from "./probe/report.ts";
