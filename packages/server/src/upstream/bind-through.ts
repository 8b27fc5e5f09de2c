import type { Socket } from "node:net";
import { bindThrough, type DialledListener, SocksError } from "@sockskit/dial";
import { type Address, type IpAddress, isUnspecified, unmapAddress } from "@sockskit/wire";
import type { SessionVia } from "../events.ts";
import type { Settings } from "../session/settings.ts";
import { upstreamNamed, viaOf } from "./connect-through.ts";
import { throughUpstream, type UpstreamUse } from "./through-upstream.ts";
import type { Alternative } from "./upstream-plan.ts";

/** An upstream that listens for the peer of a client. */
export class UpstreamListener {
  /** Where the peer can connect. */
  readonly address: IpAddress;
  readonly via: SessionVia;
  readonly #listener: DialledListener;

  private constructor(listener: DialledListener, address: IpAddress, via: SessionVia) {
    this.#listener = listener;
    this.address = address;
    this.via = via;
  }

  /**
   * Has an upstream listen, at an alternative that is a single SOCKS proxy: what lies behind others cannot call back.
   *
   * @param acceptTimeoutMs How long the peer may take.
   * @throws What {@link throughUpstream} throws; SocksError `ERR_SOCKS_BAD_ADDRESS` when it listens at a name.
   */
  static async open(
    name: string,
    peer: Address,
    acceptTimeoutMs: number,
    use: UpstreamUse & { readonly settings: Pick<Settings, "upstreams"> },
  ): Promise<UpstreamListener> {
    const upstream = upstreamNamed(name, use.settings.upstreams);
    const { value: listener, alternative } = await throughUpstream(upstream, use, {
      suits: servesBind,
      lacking: "serves BIND, which takes a chain of one SOCKS proxy",
      open: (options) => bindThrough({ ...options, peer, acceptTimeoutMs }),
    });
    const { address } = listener;
    if (address.type !== "domain") {
      return new UpstreamListener(listener, unmapAddress(address), viaOf(upstream, alternative));
    }
    listener.close();
    const message = `the upstream ${name} listens at a name, which is no answer to a client`;
    throw new SocksError("ERR_SOCKS_BAD_ADDRESS", message, { side: "remote", stage: "request" });
  }

  /** Takes the connection of the peer, with its address when the upstream tells it. */
  accept(onPeer: (socket: Socket, peer: IpAddress | undefined) => void, onError: (error: Error) => void): void {
    this.#listener.connection.then(({ socket, boundAddress }) => onPeer(socket, peerOf(boundAddress)), onError);
  }

  /** Listens no longer. */
  close(): void {
    this.#listener.close();
  }
}

function servesBind({ chain }: Alternative): boolean {
  return chain.length === 1 && chain[0]?.protocol === "socks";
}

function peerOf(told: Address | undefined): IpAddress | undefined {
  return told === undefined || told.type === "domain" || isUnspecified(told) ? undefined : unmapAddress(told);
}
