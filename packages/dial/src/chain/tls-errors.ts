import type { PeerCertificate } from "node:tls";

import { SocksError, type SocksErrorCode } from "../errors.ts";
import type { Hop } from "./hop.ts";

/** Longest text of a peer that is shown, in characters. */
const MAX_SHOWN_LENGTH = 200;

/** Dates of a certificate that are not now. */
const OUT_OF_DATE: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);
const WRONG_NAME: ReadonlySet<string> = new Set(["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"]);
/** What OpenSSL makes of octets that are no TLS. */
const NO_TLS: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_INVALID_RECORD_TYPE",
  "ERR_SSL_UNEXPECTED_RECORD",
]);
/** Alerts of a proxy that looked for a certificate of this side; what stands before it varies with OpenSSL. */
const CLIENT_CERTIFICATE =
  /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;
/** Stands for no common cipher, and for a missing certificate before TLS 1.3. */
const HANDSHAKE_FAILURE = /_ALERT_HANDSHAKE_FAILURE$/;

/** Whether an error of a connection comes from TLS, and not from below it. */
export function isTlsError(error: Error | undefined): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === "string" && code.startsWith("ERR_SSL_");
}

/**
 * No TLS with a proxy, in words that tell its reasons apart.
 *
 * @param certificate - Of the proxy, when it has shown one.
 */
export function tlsError(hop: Hop, error: NodeJS.ErrnoException, certificate: PeerCertificate | undefined): SocksError {
  const [code, problem] = explain(hop, error, certificate);
  const options = { side: "remote", stage: "tls", hop: hop.reference(), cause: error } as const;
  return new SocksError(code, `no TLS with ${hop.title()}: ${problem}`, options);
}

function explain(
  hop: Hop,
  error: NodeJS.ErrnoException,
  certificate: PeerCertificate | undefined,
): readonly [code: SocksErrorCode, problem: string] {
  const { code = "" } = error;
  const name = hop.serverName;
  if (OUT_OF_DATE.has(code)) {
    const dates = `it is valid from ${shown(certificate?.valid_from)} to ${shown(certificate?.valid_to)}`;
    const what = code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet";
    return ["ERR_SOCKS_TLS_EXPIRED", `its certificate, or one above it, ${what}: ${dates}; check the clock too`];
  }
  if (WRONG_NAME.has(code)) {
    const others = certificate?.subjectaltname ?? `CN=${String(certificate?.subject.CN)}`;
    const advice = "use a name that it has in the URL, or tls.servername";
    return ["ERR_SOCKS_TLS_WRONG_NAME", `its certificate is not for ${name} but for ${shown(others)}; ${advice}`];
  }
  if (NO_TLS.has(code)) {
    const { protocol } = hop.proxy;
    const advice = protocol === "http" ? "http:// is without it" : "a scheme without +tls is without it";
    return ["ERR_SOCKS_NOT_TLS", `what answers there does not speak TLS (${code}); ${advice}`];
  }
  if (CLIENT_CERTIFICATE.test(code) || (HANDSHAKE_FAILURE.test(code) && !hop.hasCertificate)) {
    const what = hop.hasCertificate
      ? "it does not accept the certificate of this side"
      : "it wants a certificate of this side; give tls.cert and tls.key (--proxy-cert, --proxy-key)";
    return ["ERR_SOCKS_TLS_FAILED", `${what} (${code})`];
  }
  // What else Node finds out about a certificate has the names of OpenSSL: UNABLE_TO_..., SELF_SIGNED_... and so on.
  if (certificate === undefined || code === "" || code.startsWith("ERR_")) {
    return ["ERR_SOCKS_TLS_FAILED", `the handshake failed (${code === "" ? shown(error.message) : code})`];
  }
  const advice = "if it is the right one, trust its issuer by tls.ca (--proxy-cacert)";
  return [
    "ERR_SOCKS_TLS_UNTRUSTED",
    `its certificate is not trusted: ${shown(error.message)} (${shown(code)}); ${advice}`,
  ];
}

/** The connection below ended before TLS was there. */
export function endedInTls(hop: Hop, error: NodeJS.ErrnoException): SocksError {
  const how = `ended the connection during the TLS handshake (${error.code ?? shown(error.message)})`;
  const message = `${hop.title()} ${how}; it may not speak TLS, or not want this client`;
  const options = { side: "remote", stage: "tls", hop: hop.reference(), cause: error } as const;
  return new SocksError("ERR_SOCKS_PROXY_CLOSED", message, options);
}

/** A text that the peer chose, fit for a message. */
export function shown(text: string | undefined): string {
  const printable = (text ?? "").replaceAll(/[^\x20-\x7e]/g, "?");
  return printable.length > MAX_SHOWN_LENGTH ? `${printable.slice(0, MAX_SHOWN_LENGTH)}...` : printable;
}
