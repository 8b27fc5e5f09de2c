import { type ClientAuthMethod, noneClient, userPassClient } from "@sockskit/auth";
import { ClientHandshake } from "@sockskit/handshake";
import { credentialsOf, formatProxyUrl, type ProxyUrl } from "@sockskit/url";
import { type Address, formatAddress } from "@sockskit/wire";

import { type HopReference, SocksError, type SocksStage } from "../errors.ts";
import { localError } from "./hop-errors.ts";

/** One proxy of a chain: what a proxy URL says. */
export type ProxyHop = ProxyUrl;

/** One proxy on the way, and what it will be asked for. */
export class Hop {
  readonly proxy: ProxyHop;
  readonly index: number;
  readonly #count: number;

  constructor(proxy: ProxyHop, index: number, count: number) {
    this.proxy = proxy;
    this.index = index;
    this.#count = count;
  }

  /** How errors and events name it. Made when it is needed: formatting a URL costs more than a handshake's octets. */
  readonly reference = (): HopReference => ({ index: this.index, proxy: formatProxyUrl(this.proxy) });

  /** How messages name it. */
  readonly title = (): string => {
    const url = formatProxyUrl(this.proxy);
    return this.#count === 1 ? `proxy ${url}` : `proxy ${this.index + 1} of ${this.#count} (${url})`;
  };

  /** What is waited for in a stage of its handshake, as it follows "waiting for". */
  awaited(stage: SocksStage, destination: Address): string {
    switch (stage) {
      case "negotiate":
        return `${this.title()} to choose an authentication method`;
      case "authenticate":
        return `${this.title()} to check the credentials`;
      default:
        return `${this.title()} to answer the request for ${formatAddress(destination)}`;
    }
  }

  /** Refuses what cannot be spoken yet. */
  requireSupported(): void {
    if (!this.proxy.tls) return;
    const message = `${this.title()}: TLS to a proxy is not supported yet; use a scheme without it, over a path you trust`;
    throw new SocksError("ERR_SOCKS_TLS_NOT_SUPPORTED", message, { side: "local", hop: this.reference() });
  }

  /**
   * The handshake that asks for `destination`. Whatever cannot be said in this version is refused here, before anything
   * is dialled.
   */
  handshake(destination: Address, strict: boolean): ClientHandshake {
    const { version, username } = this.proxy;
    try {
      return version === 4
        ? new ClientHandshake({ version, destination, userId: username, strict })
        : new ClientHandshake({ version, destination, authMethods: authMethods(this.proxy), strict });
    } catch (cause) {
      throw localError(this, cause);
    }
  }
}

const NONE: readonly ClientAuthMethod[] = [noneClient()];

function authMethods(proxy: ProxyHop): readonly ClientAuthMethod[] {
  const credentials = credentialsOf(proxy);
  return credentials === undefined ? NONE : [...NONE, userPassClient(credentials)];
}
