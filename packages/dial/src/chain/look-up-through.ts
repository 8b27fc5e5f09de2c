import { type Address, formatHost, type IpAddress, withPort } from "@sockskit/wire";

import { AuthPlan } from "../auth/auth-plan.ts";
import { outgoingSettings } from "../address/socket-options.ts";
import { openWay } from "../discovery/discovery.ts";
import { SocksError } from "../errors.ts";
import { Operation } from "../internal/operation.ts";
import { badOption } from "../internal/require.ts";
import type { DialThroughOptions } from "./dial-through.ts";
import type { Hop } from "./hop.ts";
import { createObserver } from "./observer.ts";
import { type ChainHop, routeOf } from "./route.ts";
import type { TunnelTask } from "./tunnel.ts";

/** Through which proxies {@link resolveThrough} and {@link resolvePtrThrough} ask, and how. */
export interface LookUpThroughOptions extends Omit<DialThroughOptions, "destination" | "allowHalfOpen" | "earlyData"> {
  /** The proxies, nearest first: 1 to 16. The last one looks up; networks that its URL lists as direct do not count. */
  readonly chain: readonly ChainHop[];
}

/** What {@link resolveThrough} looks up. */
export interface ResolveThroughOptions extends LookUpThroughOptions {
  /** The name; its port means nothing. It is sent as it is, whatever the scheme of the last proxy says of names. */
  readonly name: Address;
}

/** What {@link resolvePtrThrough} looks up. */
export interface ResolvePtrThroughOptions extends LookUpThroughOptions {
  /** The address; its port means nothing. */
  readonly address: IpAddress;
}

/**
 * Has a proxy look up the address of a name (RESOLVE, F0: an extension of Tor). SOCKS 5, 4A and 4.
 *
 * @returns One address, with port 0.
 * @throws SocksError as `dialThrough`; and `ERR_SOCKS_BAD_ADDRESS` when the proxy answers with something else.
 */
export async function resolveThrough({ name, ...options }: ResolveThroughOptions): Promise<IpAddress> {
  const { answer, hop } = await lookUp("resolve", name, options);
  if (answer !== undefined && answer.type !== "domain") return withPort(answer, 0);
  throw noAnswer(hop, answer, `the address of ${formatHost(name)}`);
}

/**
 * Has a proxy look up the name of an address (RESOLVE_PTR, F1: an extension of Tor). SOCKS 5 only.
 *
 * @throws SocksError as `dialThrough`; and `ERR_SOCKS_BAD_ADDRESS` when the proxy answers with something else,
 *   `ERR_SOCKS_NOT_REPRESENTABLE` with SOCKS 4.
 */
export async function resolvePtrThrough({ address, ...options }: ResolvePtrThroughOptions): Promise<string> {
  const { answer, hop } = await lookUp("resolve-ptr", address, options);
  if (answer?.type === "domain") return answer.host;
  throw noAnswer(hop, answer, `the name of ${formatHost(address)}`);
}

interface LookedUp {
  readonly answer: Address | undefined;
  readonly hop: Hop;
}

function lookUp(
  command: "resolve" | "resolve-ptr",
  subject: Address,
  options: LookUpThroughOptions,
): Promise<LookedUp> {
  return new Promise((resolve, reject) => {
    const { timeoutMs = 30_000, stageTimeoutsMs, signal, strict = false } = options;
    const settings = outgoingSettings(options);
    const { chain, hopSettings } = routeOf(options);
    const operation = new Operation<LookedUp>({ timeoutMs, stageTimeoutsMs, signal }, resolve, reject);
    const task: TunnelTask = {
      command,
      destination: withPort(subject, 0),
      strict,
      hopSettings,
      auth: new AuthPlan(options.proxyAuth),
      onOpen: ({ socket, boundAddress }, hop) => {
        // The connection carries nothing after the answer.
        socket.destroy();
        if (hop === undefined) throw badOption("a look-up needs a proxy");
        operation.succeed({ answer: boundAddress, hop });
      },
    };
    operation.run(() =>
      openWay(operation, chain, task, settings, createObserver(options, operation), options.discovery),
    );
  });
}

function noAnswer(hop: Hop, answer: Address | undefined, wanted: string): SocksError {
  const given = answer === undefined ? "something that is neither an address nor a name" : formatHost(answer);
  const message = `${hop.title()} answered with ${given}, where ${wanted} was asked for`;
  return new SocksError("ERR_SOCKS_BAD_ADDRESS", message, { side: "remote", stage: "request", hop: hop.reference() });
}
