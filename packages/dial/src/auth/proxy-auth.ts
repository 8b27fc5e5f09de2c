import type { CramAnswer, CramQuestion, MafClientOptions } from "@sockskit/auth";

import type { HopReference } from "../errors.ts";
import type { ProxyTlsOptions } from "../chain/tls-options.ts";
import type { ProxyGssapi } from "./proxy-gssapi.ts";

/**
 * A method of SOCKS 5 to offer to proxies, by name: nobody is asked (00), GSS-API (01), user name and password in clear (02), CHAP
 * (03), CRAM (05), TLS inside SOCKS (06), MAF (08).
 */
export type ProxyAuthMethod = "none" | "gssapi" | "userpass" | "chap" | "cram" | "ssl" | "maf";

/** A question of a proxy to a person. */
export interface ProxyQuestion extends Omit<CramQuestion, "type"> {
  /** The proxy that asks. */
  readonly hop: HopReference;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** TLS inside SOCKS, method 06. */
export interface ProxySslOptions extends ProxyTlsOptions {
  /**
   * Methods to offer inside TLS, most preferred first: `"none"`, `"userpass"`, `"chap"`, `"cram"` or `"maf"`. Default:
   * `["none", "userpass"]` when the proxy's URL has credentials, else `["none"]`.
   */
  readonly methods?: readonly Exclude<ProxyAuthMethod, "ssl" | "gssapi">[] | undefined;
  /** Whether UDP ASSOCIATE may be asked for although its datagrams travel unprotected. Default false. */
  readonly udpNaked?: boolean | undefined;
  /** Number to offer: 0x06, or 0x86, which the draft prints. Default 0x06. */
  readonly method?: number | undefined;
}

/** How this side shows SOCKS 5 proxies who it is. User names and passwords come from the URLs of the proxies. */
export interface ProxyAuthOptions {
  /**
   * Exactly these methods are offered, to every SOCKS 5 proxy on the way. `"userpass"`, `"chap"` and `"cram"` are left
   * out where the proxy's URL has no user name. Default: `["none", "userpass"]`.
   *
   * The proxy chooses among them, and a false one chooses `"userpass"`: to keep a password off the wire, offer `"chap"`
   * without it.
   */
  readonly methods?: readonly ProxyAuthMethod[] | undefined;
  /**
   * Answers the questions of `"cram"`: up to 10, one after the other. `undefined` answers nothing and fails with
   * `ERR_SOCKS_AUTH_CREDENTIALS`. Needed for `"cram"`.
   */
  readonly onQuestion?:
    | ((question: ProxyQuestion) => CramAnswer["response"] | Promise<CramAnswer["response"]>)
    | undefined;
  /** How long an answer may take, in milliseconds; no other deadline counts meanwhile. Default 60000. */
  readonly answerTimeoutMs?: number | undefined;
  /** CHAP, which `methods` must name: whether the proxy must prove that it knows the password, too. Most cannot. Default false. */
  readonly requireMutual?: boolean | undefined;
  /** What `"gssapi"` needs. Needed for it. */
  readonly gssapi?: ProxyGssapi | undefined;
  /**
   * Logs in to the proxies whose URL has options of GSS-API: they are offered `"gssapi"` alone, unless `methods` names it,
   * perhaps with others. Needed for them. Default: `gssapi`.
   */
  readonly gssapiForUrls?: ProxyGssapi | undefined;
  /** TLS of `"ssl"`, which `methods` must name. */
  readonly ssl?: ProxySslOptions | undefined;
  /** The methods that `"maf"` can run. Needed for it. */
  readonly maf?: MafClientOptions | undefined;
}
