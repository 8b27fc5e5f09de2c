import { randomBytes, timingSafeEqual } from "node:crypto";
import { ServerError } from "../errors.ts";
import { canDerive, derive, isAmbiguous } from "./derive.ts";
import {
  DEFAULT_ARGON2ID,
  DEFAULT_SCRYPT,
  DIGEST_LENGTH,
  formatPasswordHash,
  parsePasswordHash,
  SALT_LENGTH,
} from "./password-hash.ts";

/** Options of {@link hashPassword}. */
export interface HashPasswordOptions {
  /** `"scrypt"` (RFC 7914) works everywhere; `"argon2id"` (RFC 9106) needs Node 24.7 or newer. Default `"scrypt"`. */
  readonly algorithm?: "scrypt" | "argon2id";
}

/**
 * Hashes a password with a random salt, for a user's entry.
 *
 * @param password Text, taken as UTF-8, or octets.
 * @returns A PHC string such as `$scrypt$ln=15,r=8,p=1$...$...`.
 * @throws ServerError `ERR_SOCKS_HASH_NOT_SUPPORTED` when this Node has no Argon2; `ERR_SOCKS_BAD_OPTION` for a password
 * that ends with the octet 00, with scrypt.
 */
export async function hashPassword(password: string | Uint8Array, options: HashPasswordOptions = {}): Promise<string> {
  const parameters = options.algorithm === "argon2id" ? DEFAULT_ARGON2ID : DEFAULT_SCRYPT;
  requireAlgorithm(parameters.algorithm);
  const octets = octetsOf(password);
  if (isAmbiguous(parameters.algorithm, octets)) {
    const message =
      "a password that ends with the octet 00 cannot be hashed with scrypt, which does not see that octet";
    throw new ServerError("ERR_SOCKS_BAD_OPTION", message);
  }
  const salt = randomBytes(SALT_LENGTH);
  return formatPasswordHash({
    parameters,
    salt,
    digest: await derive(parameters, salt, DIGEST_LENGTH, octets),
  });
}

/**
 * Whether a password has this hash. The comparison takes the same time whatever differs.
 *
 * @throws ServerError `ERR_SOCKS_BAD_PASSWORD_HASH`, `ERR_SOCKS_HASH_NOT_SUPPORTED`.
 */
export async function verifyPassword(password: string | Uint8Array, hash: string): Promise<boolean> {
  const { parameters, salt, digest } = parsePasswordHash(hash);
  requireAlgorithm(parameters.algorithm);
  const octets = octetsOf(password);
  const derived = await derive(parameters, salt, digest.length, octets);
  return timingSafeEqual(derived, digest) && !isAmbiguous(parameters.algorithm, octets);
}

function requireAlgorithm(algorithm: "scrypt" | "argon2id"): void {
  if (canDerive(algorithm)) return;
  throw new ServerError(
    "ERR_SOCKS_HASH_NOT_SUPPORTED",
    `Argon2id needs Node 24.7 or newer; this is Node ${process.versions.node}. Update Node, or use scrypt`,
  );
}

function octetsOf(password: string | Uint8Array): Uint8Array {
  return typeof password === "string" ? Buffer.from(password) : password;
}
