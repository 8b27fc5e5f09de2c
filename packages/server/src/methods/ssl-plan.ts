import type { SslServerTls } from "@sockskit/dial";
import { badOption, requireKeys } from "../errors.ts";
import type { AuthMethodName, ServerOptions, SslOptions } from "../options.ts";
import { choiceOf } from "../transport/tls-plan.ts";

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
  const path = ["ssl"];
  if (options === undefined)
    throw badOption(path, '"ssl" is TLS, and needs a certificate and its key; give them as "ssl"');
  requireKeys(options, SSL_KEYS, path);
  const { cert, key } = options;
  choiceOf({ cert, key }, undefined, path);
  return { cert, key };
}
