import { decodeProxyHeader, type ProxyEndpoints, proxyEndpoints } from "@sockskit/wire";

/** What a connection may begin with before it speaks SOCKS. */
export interface ConnectionPrefaceOptions {
  /**
   * - `"required"`: it begins with a PROXY header, of version 1 or 2; its sender is believed.
   * - `"forbidden"`: it must not. Somebody who is not trusted to send one tries to pass for another client.
   *
   * Default: nothing is known of the PROXY protocol.
   */
  readonly proxyHeader?: "required" | "forbidden";
  /** Whether TLS comes next. Default false. */
  readonly tls?: boolean;
}

/** What a {@link ConnectionPreface} found. */
export type ConnectionPrefaceEvent = PrefaceHeaderEvent | PrefaceDoneEvent | PrefaceFailedEvent;

/** The PROXY header is read. */
export interface PrefaceHeaderEvent {
  /** Always `"header"`. */
  readonly type: "header";
  /** The ends that it announces; `undefined` when it announces nobody, and its sender itself is the client. */
  readonly endpoints: ProxyEndpoints | undefined;
}

/** The preface is over. */
export interface PrefaceDoneEvent {
  /** Always `"done"`. */
  readonly type: "done";
  /** What came behind it already: the beginning of the next protocol. */
  readonly rest: Uint8Array;
}

/** The connection must be dropped without an answer. */
export interface PrefaceFailedEvent {
  /** Always `"failed"`. */
  readonly type: "failed";
  /** What is wrong; stable. */
  readonly code: "ERR_SOCKS_PROXY_HEADER" | "ERR_SOCKS_PROXY_SPOOFED" | "ERR_SOCKS_TLS_FAILED";
  /** The same for people. Holds nothing that could forge a line of a log. */
  readonly reason: string;
}

/** First octets of the two versions of the PROXY protocol: "P" and a carriage return. */
const PROXY_HEADER: readonly number[] = [0x50, 0x0d];
/** A TLS record that carries a handshake, RFC 8446 section 5.1. */
const TLS_HANDSHAKE = 0x16;

/**
 * The beginning of a connection to a server, before SOCKS: HAProxy's "The PROXY protocol, Versions 1 & 2" where it is
 * expected, and the first octet of what follows. No SOCKS message and no TLS record begins like a PROXY header, and a TLS
 * library would wait for more than the three octets of a SOCKS greeting: so one octet tells who is at the wrong door.
 */
export class ConnectionPreface {
  readonly #options: ConnectionPrefaceOptions;
  #state: "header" | "first-octet" | "over";
  #received: Uint8Array = new Uint8Array(0);

  constructor(options: ConnectionPrefaceOptions) {
    this.#options = options;
    this.#state = options.proxyHeader === "required" ? "header" : "first-octet";
  }

  /** Whether a PROXY header is awaited. */
  get awaitsHeader(): boolean {
    return this.#state === "header";
  }

  /** Octets that are held: less than a PROXY header. */
  get bufferedLength(): number {
    return this.#received.length;
  }

  /**
   * Takes octets in any portions; nothing is to be given to it behind `done` and `failed`. What `done` gives out shares the
   * memory of `bytes`.
   */
  receive(bytes: Uint8Array): readonly ConnectionPrefaceEvent[] {
    if (this.#state === "over" || bytes.length === 0) return [];
    return this.#state === "header" ? this.#readHeader(bytes) : [this.#judge(bytes)];
  }

  #readHeader(bytes: Uint8Array): readonly ConnectionPrefaceEvent[] {
    const received = this.#received.length === 0 ? bytes : join(this.#received, bytes);
    let decoded: ReturnType<typeof decodeProxyHeader>;
    try {
      decoded = decodeProxyHeader(received);
    } catch (error) {
      return [this.#fail("ERR_SOCKS_PROXY_HEADER", (error as Error).message)];
    }
    if (decoded === undefined) {
      // The caller may use its buffer for what comes next.
      this.#received = received === bytes ? bytes.slice() : received;
      return [];
    }
    this.#received = new Uint8Array(0);
    this.#state = "first-octet";
    const header = { type: "header", endpoints: proxyEndpoints(decoded.value) } as const;
    const rest = received.subarray(decoded.byteLength);
    // SOCKS looks at its first octet itself.
    if (rest.length === 0 && this.#options.tls === true) return [header];
    return [header, rest.length === 0 ? this.#finish(rest) : this.#judge(rest)];
  }

  #judge(bytes: Uint8Array): ConnectionPrefaceEvent {
    const first = bytes[0] as number;
    const { proxyHeader, tls = false } = this.#options;
    if (proxyHeader === "forbidden" && PROXY_HEADER.includes(first)) {
      return this.#fail("ERR_SOCKS_PROXY_SPOOFED", "a PROXY header from somebody who is not trusted to send one");
    }
    if (!tls || first === TLS_HANDSHAKE) return this.#finish(bytes);
    return this.#fail("ERR_SOCKS_TLS_FAILED", `expected TLS, but ${described(first)}`);
  }

  #finish(rest: Uint8Array): PrefaceDoneEvent {
    this.#state = "over";
    return { type: "done", rest };
  }

  #fail(code: PrefaceFailedEvent["code"], reason: string): PrefaceFailedEvent {
    this.#state = "over";
    this.#received = new Uint8Array(0);
    return { type: "failed", code, reason };
  }
}

function described(first: number): string {
  if (first === 0x04 || first === 0x05) return `the client speaks SOCKS ${first} without it`;
  return `the first octet is 0x${first.toString(16).padStart(2, "0")}`;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
