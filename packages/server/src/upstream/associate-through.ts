import { associateThrough, type DatagramOptions, type UdpAssociation } from "@sockskit/dial";
import type { SessionVia } from "../events.ts";
import type { Settings } from "../session/settings.ts";
import { upstreamNamed, viaOf } from "./connect-through.ts";
import { throughUpstream, type UpstreamUse } from "./through-upstream.ts";
import type { Alternative } from "./upstream-plan.ts";

/** An association at an upstream. */
export interface AssociatedThrough {
  readonly association: UdpAssociation;
  readonly via: SessionVia;
}

/**
 * Has an upstream relay datagrams, at an alternative that is a single SOCKS 5 proxy: others would have to carry them to it.
 *
 * @throws What {@link throughUpstream} throws.
 */
export async function associateVia(
  name: string,
  use: UpstreamUse & { readonly settings: Pick<Settings, "upstreams"> },
  datagrams: DatagramOptions,
): Promise<AssociatedThrough> {
  const upstream = upstreamNamed(name, use.settings.upstreams);
  const { value: association, alternative } = await throughUpstream(upstream, use, {
    suits: carriesDatagrams,
    lacking: "carries datagrams, which takes a chain of one SOCKS 5 proxy without TLS",
    open: (options) => associateThrough({ ...options, ...datagrams }),
  });
  return { association, via: viaOf(upstream, alternative) };
}

function carriesDatagrams({ chain }: Alternative): boolean {
  const [only, more] = chain;
  // Beside a control connection in TLS they would travel in clear text.
  return more === undefined && only?.version === 5 && !only.tls;
}
