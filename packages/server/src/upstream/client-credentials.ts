import type { AuthEvidence } from "@sockskit/auth";
import { type ProxyHop, SocksError } from "@sockskit/dial";
import { formatProxyUrl, parseProxyUrl } from "@sockskit/url";
import { forwardsCredentials, type Upstreams } from "./upstream-plan.ts";

/** What a client logged in with, when that was a password and somebody is to be shown it. */
export function forwardable(evidence: AuthEvidence, upstreams: Upstreams): ClientCredentials | undefined {
  if (evidence.type !== "userpass" || !forwardsCredentials(upstreams)) return undefined;
  return new ClientCredentials(evidence.username, evidence.password);
}

/** What a client logged in with. Printing it shows nothing. */
export class ClientCredentials {
  readonly #username: Uint8Array;
  readonly #password: Uint8Array;

  constructor(username: Uint8Array, password: Uint8Array) {
    this.#username = username;
    this.#password = password;
  }

  /**
   * The same proxy, but with these credentials in place of its own.
   *
   * @throws SocksError `ERR_SOCKS_AUTH_CREDENTIALS` when they are no UTF-8, and so no part of a URL.
   */
  asLoginAt(proxy: ProxyHop): ProxyHop {
    const username = encoded(this.#username);
    const password = encoded(this.#password);
    if (username === undefined || password === undefined || username === "") {
      const message = "the client's user name or password is no UTF-8, and cannot be forwarded";
      throw new SocksError("ERR_SOCKS_AUTH_CREDENTIALS", message, { side: "local" });
    }
    const [scheme = "", rest = ""] = formatProxyUrl(proxy).split("://");
    return parseProxyUrl(`${scheme}://${username}:${password}@${rest.slice(rest.indexOf("@") + 1)}`);
  }
}

function encoded(octets: Uint8Array): string | undefined {
  try {
    return encodeURIComponent(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets));
  } catch {
    return undefined;
  }
}
