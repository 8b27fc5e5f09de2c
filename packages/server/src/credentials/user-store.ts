import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { chapVerdict } from "@sockskit/auth";
import { ServerError } from "../errors.ts";
import { clientKey } from "../limits/client-key.ts";
import { md5 } from "./md5.ts";
import type { ChapAttempt, CredentialAttempt, CredentialStore, CredentialVerdict } from "./credential-store.ts";
import { canDerive } from "./derive.ts";
import { HashQueue } from "./hash-queue.ts";
import { DEFAULT_SCRYPT, DIGEST_LENGTH, parsePasswordHash, SALT_LENGTH, type PasswordHash } from "./password-hash.ts";
import { checkUserName, MAX_CREDENTIAL_LENGTH, type UserConfig } from "./user.ts";
import { VerifiedCache } from "./verified-cache.ts";

/** Options of {@link createCredentialStore}. */
export interface CredentialStoreOptions {
  /** Threads that compute hashes. Default: one less than the machine has cores, 1 to 4. */
  readonly threads?: number;
  /** Passwords that may wait for a thread; more are refused at once. Default 128. */
  readonly queueLimit?: number;
  /** How long a password that was right is not hashed again, in milliseconds; 0 hashes each time. Default 60,000. */
  readonly cacheTtlMs?: number;
  /** How many of them are remembered. Default 10,000. */
  readonly cacheLimit?: number;
  /**
   * Whether the method `"chap"` is served: passwords are kept in memory as they are, and every user must have one in
   * clear. Default false: of a password in clear only a keyed digest is kept.
   */
  readonly chap?: boolean;
  /** Clock in milliseconds, for tests. Default `performance.now`. */
  readonly nowMs?: () => number;
}

/** Figures of a {@link UserStore}. */
export interface UserStoreStats {
  /** Users in the store. */
  readonly users: number;
  /** Passwords that wait for a hashing thread now. */
  readonly waiting: number;
  /** Hashes computed so far, by hashing threads or as keyed digests. */
  readonly hashes: number;
  /** Passwords refused so far because too many were waiting. */
  readonly refused: number;
}

/** How one user's password is checked. */
type Secret = { readonly hash: PasswordHash } | { readonly digest: Buffer };

interface PendingCheck {
  readonly answer: Promise<CredentialVerdict>;
  /** For each who waits for the answer: whether it has left. */
  readonly waiters: (() => boolean)[];
}

interface User {
  readonly identity: string;
  readonly groups: readonly string[];
  readonly secret: Secret;
  /** The password itself, where CHAP is served. */
  readonly password: Uint8Array | undefined;
}

const HASH_THREAD_IDLE_MS = 30_000;

/**
 * The built-in {@link CredentialStore}: a list of users with hashed passwords.
 *
 * Names and passwords are compared as octets and whole. An unknown user costs the same computation as a known
 * one with the wrong password.
 */
export class UserStore implements CredentialStore {
  readonly #users = new Map<string, User>();
  /** One for each user, with the same cost and nothing that could match; an unknown name picks one of them. */
  readonly #decoys: Secret[] = [];
  readonly #key = randomBytes(32);
  readonly #queue: HashQueue;
  readonly #cache: VerifiedCache<CredentialVerdict>;
  readonly #servesChap: boolean;
  /** Checks under way, by client and digest: the same question is computed once, for whoever still waits. */
  readonly #pending = new Map<string, PendingCheck>();
  /** @internal How long a password that was right is known. */
  readonly cacheTtlMs: number;
  #digests = 0;

  /** @internal Use {@link createCredentialStore}. */
  constructor(users: readonly UserConfig[], options: CredentialStoreOptions) {
    this.#queue = new HashQueue({
      threads: options.threads ?? Math.min(4, Math.max(1, availableParallelism() - 1)),
      limit: options.queueLimit ?? 128,
      threadIdleMs: HASH_THREAD_IDLE_MS,
    });
    this.cacheTtlMs = options.cacheTtlMs ?? 60_000;
    this.#cache = new VerifiedCache({
      ttlMs: this.cacheTtlMs,
      limit: options.cacheLimit ?? 10_000,
      nowMs: options.nowMs ?? (() => performance.now()),
    });
    this.#servesChap = options.chap === true;
    for (const [index, user] of users.entries()) this.#add(user, index);
    if (users.length === 0) this.#decoys.push(decoyOf({ hash: hashOf(DEFAULT_SCRYPT) }));
  }

  /** Figures of this moment. */
  get stats(): UserStoreStats {
    const { length, refused, computed } = this.#queue;
    return { users: this.#users.size, waiting: length, hashes: computed + this.#digests, refused };
  }

  /** Whether it keeps the passwords, as CHAP needs them. */
  get servesChap(): boolean {
    return this.#servesChap;
  }

  /** Checks one attempt; answers at once when no hash has to be computed on a thread. */
  verify(attempt: CredentialAttempt): CredentialVerdict | Promise<CredentialVerdict> {
    const user = this.#users.get(octetString(attempt.username));
    const decoy = this.#decoyFor(attempt.username);
    const secret = user?.secret ?? decoy;
    if ("digest" in secret) {
      return verdictOf(timingSafeEqual(this.#digest(attempt.password), secret.digest) ? user : undefined);
    }

    const digest = this.#cache.digest(attempt.username, attempt.password);
    const known = this.#cache.get(digest);
    if (known !== undefined) return known;
    const question = `${clientKey(attempt.client)} ${digest}`;
    const pending = this.#pending.get(question);
    if (pending !== undefined) {
      pending.waiters.push(attempt.cancelled);
      return pending.answer;
    }
    const waiters = [attempt.cancelled];
    const cancelled = (): boolean => waiters.every((hasLeft) => hasLeft());
    const answer = this.#compute({ ...attempt, cancelled }, user, secret.hash, digest).finally(() => {
      this.#pending.delete(question);
    });
    this.#pending.set(question, { answer, waiters });
    return answer;
  }

  /**
   * Checks one attempt with CHAP, at once. Without the option `chap` nobody is let in.
   */
  verifyChap({ evidence }: ChapAttempt): CredentialVerdict {
    const user = this.#users.get(octetString(evidence.username));
    const verdict = chapVerdict({ evidence, password: user?.password, md5 });
    if (user === undefined || !verdict.accepted) return verdictOf(undefined);
    const { response } = verdict;
    return { ...verdictOf(user), ...(response === undefined ? {} : { response }) };
  }

  /** Forgets verified credentials, answers what it was asked, then ends the threads. What it is asked later is refused. */
  async close(): Promise<void> {
    this.#cache.clear();
    await this.#queue.close();
  }

  async #compute(
    attempt: CredentialAttempt,
    user: User | undefined,
    hash: PasswordHash,
    digest: string,
  ): Promise<CredentialVerdict> {
    const { client, password, cancelled } = attempt;
    const outcome = await this.#queue.check({ client: clientKey(client), hash, password, cancelled });
    if (outcome === "busy" || outcome === "cancelled") return { accepted: false, reason: outcome };
    const verdict = verdictOf(outcome === "match" ? user : undefined);
    if (verdict.accepted) this.#cache.set(digest, verdict);
    return verdict;
  }

  #add(user: UserConfig, index: number): void {
    checkUserName(user.name, ["credentials", index, "name"]);
    const key = octetString(Buffer.from(user.name));
    if (this.#users.has(key)) {
      throw new ServerError("ERR_SOCKS_BAD_OPTION", `there are two users with the name "${user.name}"`, {
        path: ["credentials", index, "name"],
      });
    }
    const secret = this.#secretOf(user, index);
    const password = this.#servesChap ? passwordForChap(user, index) : undefined;
    this.#users.set(key, { identity: user.name, groups: [...(user.groups ?? [])], secret, password });
    this.#decoys.push(decoyOf(secret));
  }

  #secretOf(user: UserConfig, index: number): Secret {
    const path = ["credentials", index, "password"];
    if (typeof user.password !== "string") {
      const plain = Buffer.from(user.password.plain);
      if (plain.length > MAX_CREDENTIAL_LENGTH) {
        throw new ServerError(
          "ERR_SOCKS_BAD_OPTION",
          `the password of "${user.name}" is longer than ${MAX_CREDENTIAL_LENGTH} octets of UTF-8`,
          { path },
        );
      }
      return { digest: this.#digest(plain) };
    }
    return { hash: usableHash(user.password, user.name, path) };
  }

  /** A keyed digest of a password: as good as a slow hash while the key is not known, and it dies with the process. */
  #digest(password: Uint8Array): Buffer {
    this.#digests += 1;
    return createHmac("sha256", this.#key).update("password").update(password).digest();
  }

  /** Always the same one for a name, so that a name cannot be told from its spread of costs. */
  #decoyFor(username: Uint8Array): Secret {
    const pick = createHmac("sha256", this.#key).update("decoy").update(username).digest().readUInt32BE(0);
    return this.#decoys[pick % this.#decoys.length] as Secret;
  }
}

/**
 * Makes the built-in store from a list of users.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION` (a name is unusable or twice there), `ERR_SOCKS_BAD_PASSWORD_HASH`,
 * `ERR_SOCKS_HASH_NOT_SUPPORTED`.
 */
export function createCredentialStore(users: readonly UserConfig[], options: CredentialStoreOptions = {}): UserStore {
  return new UserStore(users, options);
}

/** The octets of a password that CHAP can be answered with. */
function passwordForChap({ name, password }: UserConfig, index: number): Uint8Array {
  if (typeof password !== "string" && password.plain !== "") return Buffer.from(password.plain);
  const problem =
    typeof password === "string"
      ? "has only a hash of the password; CHAP needs the password itself"
      : "has an empty password; CHAP needs one";
  throw new ServerError("ERR_SOCKS_BAD_OPTION", `user "${name}" ${problem}: give { plain }, or leave "chap" out`, {
    path: ["credentials", index, "password"],
  });
}

function usableHash(text: string, name: string, path: readonly (string | number)[]): PasswordHash {
  let hash: PasswordHash;
  try {
    hash = parsePasswordHash(text);
  } catch (error) {
    const problem = error instanceof ServerError ? error.message : String(error);
    throw new ServerError("ERR_SOCKS_BAD_PASSWORD_HASH", `user "${name}": ${problem}`, { path });
  }
  if (canDerive(hash.parameters.algorithm)) return hash;
  throw new ServerError(
    "ERR_SOCKS_HASH_NOT_SUPPORTED",
    `user "${name}" has an Argon2id hash, which needs Node 24.7 or newer; this is Node ${process.versions.node}. ` +
      "Update Node, or hash the password again with scrypt",
    { path },
  );
}

function verdictOf(user: User | undefined): CredentialVerdict {
  if (user === undefined) return { accepted: false, reason: "rejected" };
  return { accepted: true, identity: user.identity, groups: user.groups };
}

function decoyOf(secret: Secret): Secret {
  return "hash" in secret
    ? { hash: hashOf(secret.hash.parameters, secret.hash) }
    : { digest: randomBytes(DIGEST_LENGTH) };
}

function hashOf(parameters: PasswordHash["parameters"], like?: PasswordHash): PasswordHash {
  return {
    parameters,
    salt: randomBytes(like?.salt.length ?? SALT_LENGTH),
    digest: randomBytes(like?.digest.length ?? DIGEST_LENGTH),
  };
}

/** Octets as a key of a map: every octet is one character, so nothing is cut and nothing is equal by accident. */
function octetString(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}
