// A mechanism for tests: a token is 77, the confidentiality flag, the number of the message and a checksum, and the
// message with every octet turned over. It notices what a real one notices.
import {
  AuthError,
  type GssapiAcceptorCredentials,
  type GssapiContext,
  type GssapiContextInfo,
  type GssapiMechanism,
  type GssapiMessage,
  type GssapiStep,
  type GssapiUnwrapped,
} from "@sockskit/auth";

export const INFO: GssapiContextInfo = {
  integrity: true,
  confidentiality: true,
  sequence: true,
  peer: "alice@TEST.LOCAL",
  self: "rcmd/localhost@TEST.LOCAL",
  lifetimeMs: Number.POSITIVE_INFINITY,
  messageLimits: { integrity: 1000, confidentiality: 900 },
};

const HEAD = 7;

/** One side of a context whose other side is another one of these. */
export class FakeContext implements GssapiContext {
  readonly #info: GssapiContextInfo;
  readonly #rounds: number;
  #round = 0;
  #sent = 0;
  #expected = 0;
  disposed = 0;
  /** Calls that have begun and not ended. */
  running = 0;
  /** Holds calls up until it settles. */
  gate: Promise<void> = Promise.resolve();

  constructor(info: GssapiContextInfo = INFO, rounds = 1) {
    this.#info = info;
    this.#rounds = rounds;
  }

  async step(token: Uint8Array | undefined): Promise<GssapiStep> {
    this.#round += 1;
    if (token !== undefined && token[0] !== 0x60) throw tampered("defective token");
    // An initiator speaks first, and so has a round more.
    const complete = this.#round > this.#rounds || (token !== undefined && this.#rounds === 1);
    return { token: Uint8Array.of(0x60, this.#round), established: complete ? this.#info : undefined };
  }

  async wrap(messages: readonly Uint8Array[], confidential: boolean): Promise<readonly Uint8Array[]> {
    const copies = messages.map((message) => message.slice());
    await this.#enter();
    return copies.map((message) => {
      const token = new Uint8Array(HEAD + message.length);
      token[0] = 0x77;
      token[1] = confidential ? 1 : 0;
      new DataView(token.buffer).setUint32(2, this.#sent);
      this.#sent += 1;
      token[6] = checksum(message);
      token.set(
        message.map((octet) => ~octet),
        HEAD,
      );
      return token;
    });
  }

  async unwrap(tokens: readonly Uint8Array[]): Promise<GssapiUnwrapped> {
    const copies = tokens.map((token) => token.slice());
    await this.#enter();
    const messages: GssapiMessage[] = [];
    for (const token of copies) {
      const message = token.slice(HEAD).map((octet) => ~octet);
      if (token.length < HEAD || token[0] !== 0x77 || token[6] !== checksum(message)) {
        return { messages, error: tampered("bad checksum") };
      }
      const number = new DataView(token.buffer).getUint32(2);
      const order = number === this.#expected ? "in-order" : number < this.#expected ? "repeated" : "gap";
      this.#expected = Math.max(this.#expected, number + 1);
      messages.push({ message, confidential: token[1] === 1, order });
    }
    return { messages, error: undefined };
  }

  dispose(): void {
    this.disposed += 1;
  }

  async #enter(): Promise<void> {
    this.running += 1;
    await this.gate;
    this.running -= 1;
  }
}

/** A mechanism of such contexts; keeps those that it made. */
export function fakeMechanism(info: GssapiContextInfo = INFO): GssapiMechanism & { readonly contexts: FakeContext[] } {
  const contexts: FakeContext[] = [];
  const make = (): FakeContext => {
    const context = new FakeContext(info);
    contexts.push(context);
    return context;
  };
  const credentials: GssapiAcceptorCredentials = { accept: make, dispose: () => undefined };
  return { contexts, initiate: make, acquire: async () => credentials };
}

function checksum(message: Uint8Array): number {
  return message.reduce((sum, octet) => (sum * 31 + octet) & 0xff, 7);
}

function tampered(message: string): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_TAMPERED", message, { side: "remote" });
}
