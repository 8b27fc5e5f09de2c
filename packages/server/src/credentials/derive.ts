// A default import: `argon2` does not exist before Node 24.7, and a named import of it would not load.
import crypto from "node:crypto";
import type { HashParameters, ScryptParameters } from "./password-hash.ts";

/** Whether this Node has what the algorithm needs. */
export function canDerive(algorithm: HashParameters["algorithm"]): boolean {
  return algorithm === "scrypt" || typeof crypto.argon2Sync === "function";
}

/**
 * Whether scrypt takes a password for another one. It begins with an HMAC keyed with the password (RFC 7914
 * section 6), and HMAC fills keys up with octets 00: `x` and `x` followed by 00 have the same hashes.
 */
export function isAmbiguous(algorithm: HashParameters["algorithm"], password: Uint8Array): boolean {
  return algorithm === "scrypt" && password.at(-1) === 0x00;
}

/** Computes a digest on the calling thread, which blocks. */
export function deriveSync(parameters: HashParameters, salt: Uint8Array, length: number, password: Uint8Array): Buffer {
  return parameters.algorithm === "scrypt"
    ? crypto.scryptSync(password, salt, length, scryptOptions(parameters))
    : crypto.argon2Sync("argon2id", argon2Options(parameters, salt, length, password));
}

/** Computes a digest in libuv's pool: for single hashes, away from a serving process. */
export function derive(
  parameters: HashParameters,
  salt: Uint8Array,
  length: number,
  password: Uint8Array,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, digest: Buffer): void => (error === null ? resolve(digest) : reject(error));
    if (parameters.algorithm === "scrypt") {
      crypto.scrypt(password, salt, length, scryptOptions(parameters), done);
    } else {
      crypto.argon2("argon2id", argon2Options(parameters, salt, length, password), done);
    }
  });
}

function scryptOptions(parameters: ScryptParameters): crypto.ScryptOptions {
  const { costLog2, blockSize: r, parallelism: p } = parameters;
  const N = 2 ** costLog2;
  // OpenSSL counts all of its blocks; its own default of 32 MiB is too little for ln=15.
  return { N, r, p, maxmem: 128 * r * (N + p + 2) + 1024 };
}

function argon2Options(
  parameters: Exclude<HashParameters, ScryptParameters>,
  nonce: Uint8Array,
  tagLength: number,
  message: Uint8Array,
): crypto.Argon2Parameters {
  const { memoryKib: memory, passes, parallelism } = parameters;
  return { message, nonce, parallelism, tagLength, memory, passes };
}
