import { decodeGssapiFrame, encodeGssapiFrame, MTYP, WireError } from "@sockskit/wire";
import { type Agreement, isConfidential, wrongLevel } from "./protection.ts";

/** Datagrams that wait for the mechanism, in each direction; more are dropped, as a network would. */
const MAX_WAITING_COUNT = 256;
/** The longest datagram that IPv4 carries. */
const MAX_DATAGRAM_LENGTH = 65_507;

/**
 * Protects datagrams with the context of their control connection: each is one whole frame (RFC 1961 section 5). What
 * is wrong with a datagram is never an error: it comes out as `undefined`, and is to be dropped and counted.
 */
export class GssapiDatagrams {
  readonly #agreement: Agreement;
  #sealing = 0;
  #opening = 0;

  /** @param agreement - The context and the protection; both belong to the control connection. */
  constructor(agreement: Agreement) {
    this.#agreement = agreement;
  }

  /** The longest SOCKS datagram that fits into a protected one. */
  get maxLength(): number {
    const { info } = this.#agreement;
    const expansion = 0xffff - 4 - info.messageLimits[this.#agreement.protection];
    return MAX_DATAGRAM_LENGTH - 4 - expansion;
  }

  /** Protects a SOCKS datagram, header and data. */
  async seal(datagram: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#sealing >= MAX_WAITING_COUNT || datagram.length > this.maxLength) return undefined;
    this.#sealing += 1;
    try {
      const [token] = await this.#agreement.context.wrap([datagram], isConfidential(this.#agreement));
      return token && encodeGssapiFrame({ mtyp: MTYP.encapsulatedUserData, token });
    } catch {
      // The context is over: the control connection says so.
      return undefined;
    } finally {
      this.#sealing -= 1;
    }
  }

  /** Takes the protection off what arrived. */
  async open(datagram: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#opening >= MAX_WAITING_COUNT) return undefined;
    const token = tokenOf(datagram);
    if (token === undefined) return undefined;
    this.#opening += 1;
    try {
      const { messages } = await this.#agreement.context.unwrap([token]);
      const [unwrapped] = messages;
      if (unwrapped === undefined || wrongLevel(this.#agreement, unwrapped) !== undefined) return undefined;
      const { message, order } = unwrapped;
      // Datagrams may be missing or late, but not come twice. Without octets the mechanism kept them back.
      if (order === "repeated" || order === "old" || message.length === 0) return undefined;
      return message;
    } catch {
      return undefined;
    } finally {
      this.#opening -= 1;
    }
  }
}

function tokenOf(datagram: Uint8Array): Uint8Array | undefined {
  try {
    const decoded = decodeGssapiFrame(datagram);
    const isWhole = decoded !== undefined && decoded.byteLength === datagram.length;
    return isWhole && decoded.value.mtyp === MTYP.encapsulatedUserData ? decoded.value.token : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
