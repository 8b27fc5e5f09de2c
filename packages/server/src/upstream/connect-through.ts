import type { Socket } from "node:net";
import { dialThrough, SocksError } from "@sockskit/dial";
import type { Address, IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import type { SessionVia } from "../events.ts";
import type { Settings } from "../session/settings.ts";
import { remoteAddressOf } from "../socket-address.ts";
import { throughUpstream, type UpstreamUse } from "./through-upstream.ts";
import type { Alternative, Upstream, Upstreams } from "./upstream-plan.ts";

/** A connection through an upstream. */
export interface ConnectedThrough {
  readonly target: Socket;
  /** The address of the first proxy. */
  readonly address: IpAddress;
  /** The end of the last proxy's own connection, when it tells one. */
  readonly boundAddress: IpAddress | undefined;
  readonly via: SessionVia;
}

/**
 * Connects to a destination through an upstream.
 *
 * @throws What {@link throughUpstream} throws.
 */
export async function connectThrough(
  name: string,
  destination: Address,
  use: UpstreamUse & { readonly settings: Pick<Settings, "upstreams"> },
): Promise<ConnectedThrough> {
  const upstream = upstreamNamed(name, use.settings.upstreams);
  const { value, alternative } = await throughUpstream(upstream, use, {
    open: (options) => dialThrough({ ...options, destination }),
  });
  const { socket: target, boundAddress } = value;
  const address = remoteAddressOf(target);
  if (address === undefined) {
    target.destroy();
    const message = `the upstream ${name} broke the connection as soon as it was open`;
    throw new SocksError("ERR_SOCKS_PROXY_CLOSED", message, { side: "remote", stage: "relay" });
  }
  return { target, address, boundAddress: ipOf(boundAddress), via: viaOf(upstream, alternative) };
}

/** The upstream that a rule names; rules and upstreams are checked together, and change together. */
export function upstreamNamed(name: string, upstreams: Upstreams): Upstream {
  const upstream = upstreams.get(name);
  if (upstream === undefined) throw new ServerError("ERR_SOCKS_SESSION_FAILED", `there is no upstream ${name}`);
  return upstream;
}

/** What events say of it. */
export function viaOf({ name }: Upstream, { index, proxies }: Alternative): SessionVia {
  return { upstream: name, alternative: index, proxies };
}

function ipOf(address: Address | undefined): IpAddress | undefined {
  return address?.type === "domain" ? undefined : address;
}
