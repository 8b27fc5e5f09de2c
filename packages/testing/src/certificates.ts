import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Certificates of `certificates/`, by the names of their files. */
export type CertificateName =
  | "alice"
  | "late-alice"
  | "late-server"
  | "nameless"
  | "other-server"
  | "server"
  | "strange-alice"
  | "two-names";

/** A certificate and its key in PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Path of a certificate, of its key, or of an authority's certificate. */
export function certificatePath(name: CertificateName | `${CertificateName}.key` | "authority" | "stranger"): string {
  return fileURLToPath(new URL(`../certificates/${name}.pem`, import.meta.url));
}

/** A certificate for tests, signed by the authority of {@link authorityCertificate}; only `strange-alice` by another one. */
export function certificatePair(name: CertificateName): CertificatePair {
  return {
    cert: readFileSync(certificatePath(name), "utf8"),
    key: readFileSync(certificatePath(`${name}.key`), "utf8"),
  };
}

/** The authority that signed the certificates for tests. */
export function authorityCertificate(): string {
  return readFileSync(certificatePath("authority"), "utf8");
}
