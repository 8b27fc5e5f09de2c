import { createPrivateKey, X509Certificate } from "node:crypto";
import type { SslServerTls } from "@sockskit/dial";
import { badOption } from "../errors.ts";
import type { AuthMethodName, ServerOptions, SslOptions } from "../options.ts";

const SSL_KEYS: readonly string[] = ["cert", "key", "authMethods", "udpNaked", "draftNumber"];

/** The methods inside TLS. */
export function innerMethodNames({ ssl, credentials }: ServerOptions): readonly AuthMethodName[] {
  return ssl?.authMethods ?? (credentials === undefined ? ["none"] : ["userpass"]);
}

/**
 * Checks the certificate of method 06 and its key.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function sslTls(options: SslOptions | undefined): SslServerTls {
  if (options === undefined)
    throw badOption(["ssl"], '"ssl" is TLS, and needs a certificate and its key; give them as "ssl"');
  const stranger = Object.keys(options).find((key) => !SSL_KEYS.includes(key));
  if (stranger !== undefined) {
    throw badOption(["ssl", stranger], `there is no such option; expected one of ${SSL_KEYS.join(", ")}`);
  }
  const { cert, key } = options;
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(pemOf(key)));
  } catch {
    // The library's own message could say something about the key.
    throw badOption(
      ["ssl"],
      "cert or key cannot be read; expected a certificate and a private key without passphrase, in PEM",
    );
  }
  if (!isPair) throw badOption(["ssl", "key"], "the private key does not belong to the certificate");
  return { cert, key };
}

function pemOf(key: string | Uint8Array): string {
  return typeof key === "string" ? key : Buffer.from(key).toString("latin1");
}
