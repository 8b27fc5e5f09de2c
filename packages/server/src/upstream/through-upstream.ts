import { type ChainHop, type OutgoingOptions, SocksError, type StageTimeouts } from "@sockskit/dial";
import { isOwnListener } from "@sockskit/policy";
import { formatAddress, type IpAddress } from "@sockskit/wire";
import { badOption, ServerError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { SessionHost } from "../session/host.ts";
import type { Settings } from "../session/settings.ts";
import type { ClientCredentials } from "./client-credentials.ts";
import { faultOf } from "./fault.ts";
import { chainHop } from "./hop-plan.ts";
import type { PutAside, Recovery } from "./health.ts";
import type { Alternative, Upstream } from "./upstream-plan.ts";

/** For whom, and for how long, an upstream is used. */
export interface UpstreamUse {
  readonly host: Pick<SessionHost, "announcer" | "policyFor" | "upstreamHealth">;
  readonly settings: Pick<Settings, "outbound">;
  /** Who is named to a proxy that wants a PROXY header. */
  readonly client: IpAddress;
  /** When it must be open, by `performance.now()`. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** What the client logged in with; shown only to an upstream that is meant to get it. */
  readonly credentials: ClientCredentials | undefined;
}

/** What {@link throughUpstream} does with each alternative. */
export interface UpstreamWay<T> {
  /** Whether an alternative can do it. Default: each can. */
  readonly suits?: (alternative: Alternative) => boolean;
  /** What an alternative needs for it, as it follows "no alternative of the upstream office ...". */
  readonly lacking?: string;
  /** Does it. */
  readonly open: (options: UpstreamDial) => Promise<T>;
}

/** How to go through one alternative: options of `dialThrough` and its like. */
export interface UpstreamDial extends OutgoingOptions {
  readonly chain: readonly ChainHop[];
  readonly timeoutMs: number;
  readonly stageTimeoutsMs: StageTimeouts | undefined;
  readonly signal: AbortSignal;
}

/** What was opened, and by which alternative. */
export interface ThroughUpstream<T> {
  readonly value: T;
  readonly alternative: Alternative;
}

/**
 * Does something through the first alternative of an upstream that works: in the order of preference, those that failed
 * lately last.
 *
 * @throws ServerError `ERR_SOCKS_UPSTREAM_FAILED` when none works; SocksError when a working one refused, when none can
 * do it (`ERR_SOCKS_COMMAND_NOT_SUPPORTED`), and when the time was over before (`ERR_SOCKS_TIMEOUT`).
 */
export async function throughUpstream<T>(
  upstream: Upstream,
  use: UpstreamUse,
  way: UpstreamWay<T>,
): Promise<ThroughUpstream<T>> {
  const { host, signal, deadlineMs } = use;
  const suited = way.suits === undefined ? upstream.alternatives : upstream.alternatives.filter(way.suits);
  if (suited.length === 0) throw unsuited(upstream, way);
  const order = host.upstreamHealth.order(suited, performance.now());
  let unsure: Error | undefined;
  let last: Error | undefined;
  for (const [position, alternative] of order.entries()) {
    const beganMs = performance.now();
    const leftMs = Math.floor(deadlineMs - beganMs);
    if (leftMs < 1) break;
    const attempt = host.upstreamHealth.begin(alternative, beganMs);
    const others = order.length - position - 1;
    try {
      // eslint-disable-next-line no-await-in-loop -- one after the other: they are alternatives
      const value = await way.open(dialOptions(upstream, alternative, use, leftMs, others));
      announceBack(use, upstream, alternative, attempt.succeeded());
      return { value, alternative };
    } catch (error) {
      const isForwarding = upstream.forwardsCredentials && use.credentials !== undefined;
      const isCutShort = others > 0 && isSilentUntilAnswer(alternative);
      const fault = signal.aborted ? undefined : faultOf(error, { alternative, isForwarding, isCutShort });
      if (fault === "target") announceBack(use, upstream, alternative, attempt.succeeded());
      else if (fault === "upstream")
        announceAside(use, upstream, alternative, attempt.failed(performance.now()), error);
      else attempt.abandoned();
      if (fault === undefined || fault === "target") throw error;
      last = error instanceof Error ? error : new ServerError("ERR_SOCKS_SESSION_FAILED", String(error));
      if (fault === "unsure") unsure = last;
    }
  }
  throw unsure ?? (last === undefined ? outOfTime(upstream) : failed(upstream, last));
}

/**
 * What fails in front of the last proxy's answer may take only its share of the time while others can still be tried.
 * Where nothing tells the way from the answer, the answer has to come in that time, too.
 */
function dialOptions(
  upstream: Upstream,
  alternative: Alternative,
  { host, settings, signal, client, credentials }: UpstreamUse,
  leftMs: number,
  others: number,
): UpstreamDial {
  const { resolver, family, localAddress } = settings.outbound;
  const shareMs = Math.max(1, Math.floor(leftMs / (others + 1)));
  const stages = { resolve: shareMs, "dial-proxy": shareMs, tls: shareMs, negotiate: shareMs, authenticate: shareMs };
  const stageTimeoutsMs = isSilentUntilAnswer(alternative) ? { ...stages, request: shareMs } : stages;
  return {
    chain: chainFor(upstream, alternative, client, credentials),
    timeoutMs: leftMs,
    stageTimeoutsMs: others === 0 ? undefined : stageTimeoutsMs,
    signal,
    resolver,
    family,
    ...(localAddress === undefined ? {} : { localAddress }),
    keepAlive: true,
    check: (address) => loopProblem(host, address),
  };
}

/**
 * Whether a proxy that has died cannot be told from a destination that is slow: SOCKS 4 and HTTP say nothing before their
 * answer, and in a chain the answer of each proxy but the last is part of the way.
 */
function isSilentUntilAnswer({ chain }: Alternative): boolean {
  return chain.length > 1 || chain[0]?.version !== 5;
}

function chainFor(
  { forwardsCredentials }: Upstream,
  { hops }: Alternative,
  client: IpAddress,
  credentials: ClientCredentials | undefined,
): readonly ChainHop[] {
  return hops.map((hop, index) => {
    const isShown = forwardsCredentials && credentials !== undefined && index === hops.length - 1;
    return chainHop(hop, isShown ? credentials.asLoginAt(hop.proxy) : hop.proxy, client);
  });
}

/** A server that is its own upstream would call itself until nothing is left. */
function loopProblem(host: UpstreamUse["host"], address: IpAddress): Error | undefined {
  if (!isOwnListener(host.policyFor(address.port), address)) return undefined;
  return badOption(
    ["upstreams"],
    `${formatAddress(address)} is a listener of this server; its sessions would never end`,
  );
}

function announceAside(
  { host: { announcer } }: UpstreamUse,
  { name: upstream }: Upstream,
  { index: alternative, proxies }: Alternative,
  change: PutAside | undefined,
  error: unknown,
): void {
  if (change === undefined || !announcer.isHeard("upstream")) return;
  const { code, message } = error as SocksError;
  const reason = printable(Buffer.from(message));
  announcer.announce("upstream", { upstream, alternative, proxies, state: "aside", ...change, code, reason });
}

function announceBack(
  { host: { announcer } }: UpstreamUse,
  { name: upstream }: Upstream,
  { index: alternative, proxies }: Alternative,
  change: Recovery | undefined,
): void {
  if (change === undefined || !announcer.isHeard("upstream")) return;
  announcer.announce("upstream", { upstream, alternative, proxies, state: "back", ...change });
}

function unsuited({ name }: Upstream, { lacking = "" }: Pick<UpstreamWay<unknown>, "lacking">): SocksError {
  const message = `no alternative of the upstream ${name} ${lacking}`;
  return new SocksError("ERR_SOCKS_COMMAND_NOT_SUPPORTED", message, { side: "local", stage: "request" });
}

function outOfTime({ name }: Upstream): SocksError {
  const message = `no time was left to go through the upstream ${name}`;
  return new SocksError("ERR_SOCKS_TIMEOUT", message, { side: "remote", stage: "request" });
}

/** Without a `cause`: whose code would read as if the destination had failed. */
function failed({ name }: Upstream, { message }: Error): ServerError {
  return new ServerError("ERR_SOCKS_UPSTREAM_FAILED", `no alternative of the upstream ${name} works: ${message}`);
}
