import { ServerError } from "../errors.ts";

/** Cost of scrypt, RFC 7914 section 2. */
export interface ScryptParameters {
  readonly algorithm: "scrypt";
  /** Binary logarithm of the cost N. */
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallelism: number;
}

/** Cost of Argon2id, RFC 9106 section 3.1. */
export interface Argon2idParameters {
  readonly algorithm: "argon2id";
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

export type HashParameters = ScryptParameters | Argon2idParameters;

/** A stored password hash, taken apart. Plain data: it travels to the hashing threads. */
export interface PasswordHash {
  readonly parameters: HashParameters;
  readonly salt: Uint8Array;
  readonly digest: Uint8Array;
}

/** What new hashes are made with: 32 MiB and about 70 ms on a core of 2024. */
export const DEFAULT_SCRYPT: ScryptParameters = {
  algorithm: "scrypt",
  costLog2: 15,
  blockSize: 8,
  parallelism: 1,
};

/** What new Argon2id hashes are made with: the second recommendation of RFC 9106 section 4. */
export const DEFAULT_ARGON2ID: Argon2idParameters = {
  algorithm: "argon2id",
  memoryKib: 65_536,
  passes: 3,
  parallelism: 4,
};

/** Octets of salt in new hashes. */
export const SALT_LENGTH = 16;
/** Octets of digest in new hashes. */
export const DIGEST_LENGTH = 32;

// One hash at a time per thread, so this bounds what a thread can take from the machine.
const MAX_MEMORY_OCTETS: number = 256 * 1024 * 1024;
const MAX_PARALLELISM = 16;
const MAX_PASSES = 32;
const MIN_SALT_LENGTH = 8;
const MIN_DIGEST_LENGTH = 16;
const MAX_FIELD_LENGTH = 64;

const SHAPES = {
  scrypt: /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/,
  argon2id: /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/,
};

/**
 * Reads a hash in PHC string format, such as `$scrypt$ln=15,r=8,p=1$salt$hash`.
 *
 * @throws ServerError `ERR_SOCKS_BAD_PASSWORD_HASH`. The message never repeats the text, which
 * may be a password that somebody put in the wrong place.
 */
export function parsePasswordHash(text: string): PasswordHash {
  const scrypt = SHAPES.scrypt.exec(text);
  if (scrypt !== null) return parsed(scryptParameters(scrypt), scrypt);
  const argon2id = SHAPES.argon2id.exec(text);
  if (argon2id !== null) return parsed(argon2idParameters(argon2id), argon2id);
  throw bad(
    "is not a password hash; expected $scrypt$ln=15,r=8,p=1$SALT$HASH or " +
      "$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH, with salt and hash in base64 without padding",
  );
}

/** Writes a hash in PHC string format. */
export function formatPasswordHash(hash: PasswordHash): string {
  const p = hash.parameters;
  const cost =
    p.algorithm === "scrypt"
      ? `ln=${p.costLog2},r=${p.blockSize},p=${p.parallelism}`
      : `v=19$m=${p.memoryKib},t=${p.passes},p=${p.parallelism}`;
  return `$${p.algorithm}$${cost}$${base64(hash.salt)}$${base64(hash.digest)}`;
}

function scryptParameters(match: RegExpExecArray): ScryptParameters {
  const [costLog2, blockSize, parallelism] = [match[1], match[2], match[3]].map(Number) as [number, number, number];
  // RFC 7914 section 6: N is a power of two larger than 1, r and p are positive.
  within("ln", costLog2, 1, 24);
  within("r", blockSize, 1, 255);
  within("p", parallelism, 1, MAX_PARALLELISM);
  const octets = 128 * blockSize * 2 ** costLog2;
  if (octets > MAX_MEMORY_OCTETS)
    throw bad(`asks for ${octets} octets of memory; at most ${MAX_MEMORY_OCTETS} are allowed`);
  return { algorithm: "scrypt", costLog2, blockSize, parallelism };
}

function argon2idParameters(match: RegExpExecArray): Argon2idParameters {
  const [memoryKib, passes, parallelism] = [match[1], match[2], match[3]].map(Number) as [number, number, number];
  within("t", passes, 1, MAX_PASSES);
  within("p", parallelism, 1, MAX_PARALLELISM);
  // RFC 9106 section 3.1: at least 8 KiB per lane.
  within("m", memoryKib, 8 * parallelism, MAX_MEMORY_OCTETS / 1024);
  return { algorithm: "argon2id", memoryKib, passes, parallelism };
}

function parsed(parameters: HashParameters, match: RegExpExecArray): PasswordHash {
  return {
    parameters,
    salt: octets("salt", match[4] ?? "", MIN_SALT_LENGTH),
    digest: octets("hash", match[5] ?? "", MIN_DIGEST_LENGTH),
  };
}

function octets(what: string, text: string, min: number): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  // Node skips what it does not understand and ignores spare bits: only the canonical text is a value.
  if (base64(bytes) !== text) throw bad(`has a ${what} that is not base64 without padding`);
  within(`length of its ${what}`, bytes.length, min, MAX_FIELD_LENGTH);
  return bytes;
}

function within(what: string, value: number, min: number, max: number): void {
  if (value < min || value > max) throw bad(`has ${what} ${value}; expected ${min} to ${max}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64").replace(/=+$/, "");
}

function bad(problem: string): ServerError {
  return new ServerError("ERR_SOCKS_BAD_PASSWORD_HASH", `the password hash ${problem}`);
}
