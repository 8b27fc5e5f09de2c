import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { badOption, type OptionPath, requireKeys } from "../errors.ts";
import type { ListenTlsOptions, TlsCertificate } from "../options.ts";

/** One certificate, ready for use. */
interface TlsChoice {
  readonly certificate: X509Certificate;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

/** TLS of a listener, checked and ready for use. */
export interface TlsPlan {
  /** The first one is for clients that name no host, or none that a certificate is for. */
  readonly choices: readonly [TlsChoice, ...TlsChoice[]];
  /** Whether clients must show a certificate. */
  readonly asksClients: boolean;
}

/** Lowest version of TLS; also where Node was told to take lower ones. */
const MIN_VERSION = "TLSv1.2";
const TLS_KEYS: readonly string[] = ["certificates", "clientCa"];
const CERTIFICATE_KEYS: readonly string[] = ["cert", "key"];

/**
 * Checks TLS options; `undefined` for a listener without TLS.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function tlsPlan(options: ListenTlsOptions | undefined, path: OptionPath): TlsPlan | undefined {
  if (options === undefined) return undefined;
  requireKeys(options, TLS_KEYS, path);
  const { certificates, clientCa } = options;
  if (!Array.isArray(certificates) || certificates.length === 0) {
    throw badOption([...path, "certificates"], "expected a list of one or more certificates with their keys");
  }
  const ca = clientCa === undefined ? undefined : clientCas(clientCa, [...path, "clientCa"]);
  const [first, ...others] = certificates.map((given: TlsCertificate, index) =>
    choiceOf(given, ca, [...path, "certificates", index]),
  );
  return { choices: [first as TlsChoice, ...others], asksClients: ca !== undefined };
}

/** The context for a client that names a host; `undefined` when no certificate is for it. */
export function contextFor({ choices }: TlsPlan, host: string): SecureContext | undefined {
  return choices.find(({ certificate }) => certificate.checkHost(host, { subject: "never" }) !== undefined)?.context;
}

/**
 * Checks a certificate with its key.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function choiceOf(given: TlsCertificate, ca: readonly string[] | undefined, path: OptionPath): TlsChoice {
  requireKeys(given, CERTIFICATE_KEYS, path);
  const cert = textOf(given.cert, [...path, "cert"]);
  const key = textOf(given.key, [...path, "key"]);
  const certificate = certificateOf(cert, [...path, "cert"]);
  const problem = timeProblem(certificate);
  if (problem !== undefined) throw badOption([...path, "cert"], problem);
  requireKeyOf(certificate, key, [...path, "key"]);
  // Without authorities of the client's own, those that the system trusts would do.
  const options = { cert, key, minVersion: MIN_VERSION, ...(ca === undefined ? {} : { ca: [...ca] }) } as const;
  try {
    return { certificate, options, context: createSecureContext(options) };
  } catch (error) {
    throw badOption([...path, "cert"], `the TLS library refuses this certificate: ${reasonOf(error)}`);
  }
}

/** Every certificate of a PEM text; `createSecureContext` would skip what it cannot read. */
function clientCas(given: string | Uint8Array, path: OptionPath): readonly string[] {
  const blocks = textOf(given, path).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? [];
  if (blocks.length === 0)
    throw badOption(path, "there is no PEM certificate in it; expected -----BEGIN CERTIFICATE-----");
  const certificates = blocks.map((block) => certificateOf(block, path));
  if (!certificates.every(({ ca }) => ca)) {
    throw badOption(path, "a certificate in it is not one of an authority; clients are checked against authorities");
  }
  // During a change of authorities the old one may have had its time.
  if (!certificates.some((certificate) => timeProblem(certificate) === undefined)) {
    throw badOption(path, timeProblem(certificates[0] as X509Certificate) as string);
  }
  return blocks;
}

function certificateOf(pem: string, path: OptionPath): X509Certificate {
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw badOption(path, "there is no PEM certificate in it; expected -----BEGIN CERTIFICATE-----");
  }
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw badOption(path, `the certificate in it cannot be read: ${reasonOf(error)}`);
  }
}

function timeProblem({ validFromDate, validToDate }: X509Certificate): string | undefined {
  const now = Date.now();
  if (validToDate.getTime() < now) return `the certificate expired on ${validToDate.toISOString()}; put in a new one`;
  if (validFromDate.getTime() <= now) return undefined;
  return `the certificate is valid from ${validFromDate.toISOString()} only; is the clock of this host right?`;
}

function requireKeyOf(certificate: X509Certificate, pem: string, path: OptionPath): void {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/mu.test(pem)) {
    throw badOption(
      path,
      "the private key is encrypted; expected one without a passphrase that only the server may read",
    );
  }
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/u.test(pem)) {
    throw badOption(path, "there is no PEM private key in it; expected -----BEGIN PRIVATE KEY-----");
  }
  let isPair: boolean;
  try {
    isPair = certificate.checkPrivateKey(createPrivateKey(pem));
  } catch {
    // The library's own message could say something about the key.
    throw badOption(path, "the private key in it cannot be read");
  }
  if (!isPair) throw badOption(path, "the private key does not belong to the certificate");
}

function textOf(given: unknown, path: OptionPath): string {
  if (typeof given === "string") return given;
  if (given instanceof Uint8Array) return Buffer.from(given.buffer, given.byteOffset, given.length).toString("latin1");
  throw badOption(path, "expected the content of a PEM file, as text or octets");
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
