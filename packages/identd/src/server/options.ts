import { isIP } from "node:net";
import { type IpAddress, type Network, parseNetwork } from "@sockskit/wire";
import { IDENT_PORT } from "../client/ask-ident.ts";
import { IdentError } from "../errors.ts";
import type { IdentReply } from "../codec/reply.ts";
import { createLinuxLookup } from "../lookup/linux-lookup.ts";
import type { IdentLookup } from "../lookup/lookup.ts";

/**
 * What an {@link IdentServer} tells of the owner of a connection:
 *
 * - `"name"`: the name of the user, or the number of one who has no name.
 * - `"uid"`: the number of the user.
 * - `"hash"`: a keyed digest of the name. It is the same for the same user and key, and only who has the key can tell
 *   who it is. It is sent with the operating system `OTHER`, as RFC 1413 wants for opaque tokens.
 * - `"hidden"`: nothing, `HIDDEN-USER`.
 * - `{ fixed }`: this name, whoever it is.
 */
export type IdentDisclosure = "name" | "uid" | "hash" | "hidden" | FixedName;

/** A name that is told of everybody. */
export interface FixedName {
  /** The name, 1 to 512 octets without controls. */
  readonly fixed: string;
}

/** A query that was answered. */
export interface IdentAnswered {
  /** Address and port that the query came from. */
  readonly asker: IpAddress;
  /** The answer; it has the ports of the query. */
  readonly reply: IdentReply;
}

/** Options of {@link createIdentServer}. */
export interface IdentServerOptions {
  /** IP address of this host to listen on. Default `"127.0.0.1"`. */
  readonly host?: string;
  /** Port, 0 to 65535; 0 takes a free one. Default 113, which most systems keep for privileged users. */
  readonly port?: number;
  /** Finds owners. Default: {@link createLinuxLookup}. */
  readonly lookup?: IdentLookup;
  /** What is told of them. Default `"name"`. */
  readonly disclose?: IdentDisclosure;
  /** Key for `"hash"`, at least 16 octets. Default: a random one, so that digests change with each start. */
  readonly hashKey?: string | Uint8Array;
  /** Operating system in answers, 1 to 64 printable ASCII characters without `:` and `,`. Default `"UNIX"`. */
  readonly opsys?: string;
  /** Addresses and networks that are answered, such as `"192.0.2.0/24"`; others are disconnected. Default: everybody. */
  readonly peers?: readonly string[];
  /** How long an asker may take for a query, and a lookup with it, in milliseconds. Default 60,000. */
  readonly idleTimeoutMs?: number;
  /** Connections at a time, 1 or more. When there are more, the oldest goes. Default 256. */
  readonly connectionLimit?: number;
  /** Called for each answer. What it throws goes to `onError`. */
  readonly onAnswer?: (event: IdentAnswered) => void;
  /** Called when a lookup fails, accepting fails, or `onAnswer` throws; the server goes on. What it throws is a warning of the process. */
  readonly onError?: (error: Error) => void;
}

/** Options after every check. */
export interface IdentServerPlan {
  readonly host: string;
  readonly port: number;
  readonly lookup: IdentLookup;
  readonly disclose: IdentDisclosure;
  readonly hashKey: string | Uint8Array | undefined;
  readonly opsys: string;
  readonly peers: readonly Network[] | undefined;
  readonly idleTimeoutMs: number;
  readonly connectionLimit: number;
  readonly onAnswer: ((event: IdentAnswered) => void) | undefined;
  readonly onError: ((error: Error) => void) | undefined;
}

const MAX_TIMEOUT_MS = 0x7fffffff;
const MIN_HASH_KEY_LENGTH = 16;
const WORDS: readonly unknown[] = ["name", "uid", "hash", "hidden"];

/** @throws IdentError `ERR_SOCKS_BAD_OPTION`. */
export function planIdentServer(options: IdentServerOptions): IdentServerPlan {
  const {
    host = "127.0.0.1",
    port = IDENT_PORT,
    disclose = "name",
    hashKey,
    opsys = "UNIX",
    onAnswer,
    onError,
  } = options;
  const { idleTimeoutMs = 60_000, connectionLimit = 256, lookup = createLinuxLookup() } = options;
  if (isIP(host) === 0) throw badOption("host", `${JSON.stringify(host)} is not an IP address`);
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw badOption("port", "expected 0 to 65535");
  if (typeof lookup !== "function") throw badOption("lookup", "expected a function");
  checkDisclosure(disclose);
  if (hashKey !== undefined && Buffer.byteLength(hashKey) < MIN_HASH_KEY_LENGTH) {
    throw badOption("hashKey", `expected at least ${MIN_HASH_KEY_LENGTH} octets`);
  }
  if (!/^[!-+\--9;-~]{1,64}$/.test(opsys)) {
    throw badOption("opsys", 'expected 1 to 64 printable ASCII characters without ":" and ","');
  }
  if (!(idleTimeoutMs >= 1 && idleTimeoutMs <= MAX_TIMEOUT_MS)) {
    throw badOption("idleTimeoutMs", `expected 1 to ${MAX_TIMEOUT_MS}`);
  }
  if (!Number.isSafeInteger(connectionLimit) || connectionLimit < 1) {
    throw badOption("connectionLimit", "expected a whole number, 1 or more");
  }
  const peers = options.peers?.map(networkOf);
  return { host, port, lookup, disclose, hashKey, opsys, peers, idleTimeoutMs, connectionLimit, onAnswer, onError };
}

function checkDisclosure(disclose: IdentDisclosure): void {
  if (WORDS.includes(disclose)) return;
  const fixed: unknown = typeof disclose === "object" ? disclose.fixed : undefined;
  // eslint-disable-next-line no-control-regex -- controls are what is looked for
  if (typeof fixed === "string" && /^[^\u0000-\u001F\u007F]+$/.test(fixed) && Buffer.byteLength(fixed) <= 512) return;
  throw badOption(
    "disclose",
    'expected "name", "uid", "hash", "hidden", or { fixed } with 1 to 512 octets and no controls',
  );
}

function networkOf(text: string, index: number): Network {
  try {
    return parseNetwork(text);
  } catch (cause) {
    throw badOption(`peers[${index}]`, "expected an IP address or a network such as 192.0.2.0/24", cause);
  }
}

function badOption(name: string, problem: string, cause?: unknown): IdentError {
  return new IdentError("ERR_SOCKS_BAD_OPTION", `${name}: ${problem}`, { side: "local", cause });
}
