import { badOption, requireInteger } from "../internal/require.ts";
import { type DiscoveryMemory, sharedDiscoveryMemory } from "./discovery-memory.ts";

/** A version of SOCKS as `auto` tells them apart. `"4a"` is SOCKS 4 that takes names. */
export type ProxyVersion = "5" | "4a" | "4";

/** How the version of proxies whose scheme is `auto` is found out. */
export interface DiscoveryOptions {
  /**
   * The versions that may be used, whatever their order: 5 is tried first, then 4A, then 4.
   *
   * Default: 5 alone for a proxy with a password, and when the methods of `proxyAuth` leave `"none"` out: the others cannot
   * authenticate; otherwise 5 and 4A. To name `"4a"` or `"4"` lets a password and those methods be left out. To name `"4"` lets a name be looked up on this side when the proxy refuses it.
   */
  readonly versions?: readonly ProxyVersion[] | undefined;
  /**
   * How long a proxy may be silent before the next version is tried, in milliseconds; never more than a third of the time
   * that is left. Default 5000.
   */
  readonly answerTimeoutMs?: number | undefined;
  /** Where what was found is remembered. Default: one memory for the whole process. */
  readonly memory?: DiscoveryMemory | undefined;
}

/** {@link DiscoveryOptions}, checked. */
export interface DiscoverySettings {
  /** What may be tried, in the order of trying. */
  readonly versionsFor: (isAuthenticated: boolean) => readonly ProxyVersion[];
  readonly answerTimeoutMs: number;
  readonly memory: DiscoveryMemory;
}

const ORDER: readonly ProxyVersion[] = ["5", "4a", "4"];
const WITH_AUTHENTICATION: readonly ProxyVersion[] = ["5"];
const WITHOUT: readonly ProxyVersion[] = ["5", "4a"];

/** @throws SocksError `ERR_SOCKS_BAD_OPTION`. */
export function discoverySettings({ versions, answerTimeoutMs = 5000, memory }: DiscoveryOptions): DiscoverySettings {
  const chosen = versions === undefined ? undefined : requireVersions(versions);
  return {
    versionsFor: (isAuthenticated) => chosen ?? (isAuthenticated ? WITH_AUTHENTICATION : WITHOUT),
    answerTimeoutMs: requireInteger("discovery.answerTimeoutMs", answerTimeoutMs, 1, 0x7fffffff),
    memory: memory ?? sharedDiscoveryMemory,
  };
}

function requireVersions(versions: readonly unknown[]): readonly ProxyVersion[] {
  const known = Array.isArray(versions) && versions.every((version) => ORDER.some((one) => one === version));
  if (!known || versions.length === 0) {
    throw badOption('discovery.versions has something else than what it takes; expected some of "5", "4a" and "4"');
  }
  return ORDER.filter((version) => versions.includes(version));
}
