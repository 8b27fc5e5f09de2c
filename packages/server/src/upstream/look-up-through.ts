import { resolvePtrThrough, resolveThrough } from "@sockskit/dial";
import type { DomainAddress, IpAddress } from "@sockskit/wire";
import type { Settings } from "../session/settings.ts";
import { upstreamNamed } from "./connect-through.ts";
import { throughUpstream, type UpstreamUse } from "./through-upstream.ts";

type LookUpUse = UpstreamUse & { readonly settings: Pick<Settings, "upstreams"> };

/**
 * Has an upstream find the address of a name, by Tor's RESOLVE.
 *
 * @throws What {@link throughUpstream} throws.
 */
export async function addressThrough(upstream: string, name: DomainAddress, use: LookUpUse): Promise<IpAddress> {
  const { value } = await throughUpstream(upstreamNamed(upstream, use.settings.upstreams), use, {
    open: (options) => resolveThrough({ ...options, name }),
  });
  return value;
}

/**
 * Has an upstream find the name of an address, by Tor's RESOLVE_PTR.
 *
 * @throws What {@link throughUpstream} throws.
 */
export async function nameThrough(upstream: string, address: IpAddress, use: LookUpUse): Promise<string> {
  const { value } = await throughUpstream(upstreamNamed(upstream, use.settings.upstreams), use, {
    open: (options) => resolvePtrThrough({ ...options, address }),
  });
  return value;
}
