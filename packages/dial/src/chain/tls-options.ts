import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";

import { badOption } from "../internal/require.ts";

/**
 * TLS with a proxy. Its certificate is checked: its dates, who issued it, and the name of the proxy in it. Certificates
 * and keys are PEM, as text or octets. An object is read once: what changes in it later does not count.
 */
export interface ProxyTlsOptions {
  /** Whom to trust instead of the authorities that Node trusts: certificates of issuers, or of the proxy itself. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** The certificate of this side, with those between it and its authority, for proxies that want one; with `key`. */
  readonly cert?: string | Uint8Array | undefined;
  /** The private key of `cert`. */
  readonly key?: string | Uint8Array | undefined;
  /** What `key` is encrypted with. Default: it is not encrypted. */
  readonly passphrase?: string | undefined;
  /**
   * The name that is asked for (SNI, unless it is an IP address) and that the certificate must have. Default: the host of
   * the proxy's URL.
   */
  readonly servername?: string | undefined;
  /**
   * `false` takes any certificate. Whoever sits on the way can then read and change everything, passwords included.
   * Default `true`, whatever `NODE_TLS_REJECT_UNAUTHORIZED` says.
   */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** {@link ProxyTlsOptions}, checked. Key and passphrase are inside the context, which shows neither. */
export interface TlsSettings {
  readonly context: SecureContext;
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
  readonly hasCertificate: boolean;
}

/** Older ones are broken, with the SSL 3.0 of draft-ietf-aft-socks-ssl-00. */
export const MIN_TLS_VERSION = "TLSv1.2";

/** By the caller's object: reading certificates costs more than a handshake. */
const known = new WeakMap<ProxyTlsOptions, TlsSettings>();

const NO_OPTIONS: ProxyTlsOptions = {};

/**
 * @param name - What the caller calls that option.
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function tlsSettings(options: ProxyTlsOptions = NO_OPTIONS, name = "tls"): TlsSettings {
  if (typeof options !== "object" || options === null) throw badOption(`${name} is no object`);
  let settings = known.get(options);
  if (settings === undefined) {
    settings = read(options, name);
    known.set(options, settings);
  }
  return settings;
}

/** The name that the certificate of a host must have. */
export function nameToCheck(settings: TlsSettings | undefined, host: string): string {
  return settings?.servername ?? host.replace(/\.$/, "");
}

/** What Node needs to make TLS with who must have that name. */
export function connectionOptions(settings: TlsSettings, name: string): ConnectionOptions {
  return {
    secureContext: settings.context,
    // It decides which name the certificate must have; a literal is none that could be asked for.
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: settings.rejectUnauthorized,
  };
}

function read(options: ProxyTlsOptions, name: string): TlsSettings {
  const { ca, cert, key, passphrase, servername, rejectUnauthorized = true } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw badOption(`${name} has ${cert === undefined ? "a key without its cert" : "a cert without its key"}`);
  }
  if (servername === "") throw badOption(`${name}.servername is empty; expected a host name or an IP address`);
  if (typeof rejectUnauthorized !== "boolean") throw badOption(`${name}.rejectUnauthorized is not a boolean`);
  const context = createContext(name, {
    minVersion: MIN_TLS_VERSION,
    ...(ca !== undefined && { ca: certificates(ca, name) }),
    ...(cert !== undefined && { cert: pem(cert) }),
    ...(key !== undefined && { key: pem(key) }),
    ...(passphrase !== undefined && { passphrase }),
  });
  return { context, servername, rejectUnauthorized, hasCertificate: cert !== undefined };
}

function createContext(name: string, options: Parameters<typeof createSecureContext>[0]): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    // Not kept as the cause: who knows what other versions of OpenSSL quote.
    const { code = "no code" } = error as NodeJS.ErrnoException;
    const message = `${name} cannot be used (${code}): expected PEM in ca, cert and key, key belonging to cert, and its passphrase if it has one`;
    throw badOption(message);
  }
}

/** OpenSSL takes anything here, and then trusts nobody. */
function certificates(ca: NonNullable<ProxyTlsOptions["ca"]>, name: string): (string | Buffer)[] {
  const texts = (Array.isArray(ca) ? ca : [ca as string | Uint8Array]).map(pem);
  if (texts.every((text) => text.includes("-----BEGIN "))) return texts;
  throw badOption(`${name}.ca is no certificate; expected its text in PEM, and not the name of its file`);
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}
