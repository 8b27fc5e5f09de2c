import { AuthError } from "@sockskit/auth";
import { decodeGssapiFrame, MTYP, mtypName, WireError } from "@sockskit/wire";
import { memory } from "../threads/messages.ts";

/** VER, MTYP and LEN. */
const HEADER_LENGTH = 4;

/** Cuts a stream into the tokens of its frames. It holds less than one frame; each octet is copied once, to its token. */
export class FrameSplitter {
  readonly #header = new Uint8Array(HEADER_LENGTH);
  /** Octets of the header that are there. */
  #headerLength = 0;
  /** The token that the header announces. */
  #token: Uint8Array | undefined;
  /** Octets of it that are there. */
  #tokenLength = 0;
  #problem: AuthError | undefined;

  /** Octets of a frame that is not complete. */
  get pendingLength(): number {
    return this.#headerLength + this.#tokenLength;
  }

  /** What is wrong with the stream: nothing more of it is taken. Its code is `ERR_SOCKS_GSSAPI_TAMPERED`. */
  get problem(): AuthError | undefined {
    return this.#problem;
  }

  /** Takes what arrived; gives the tokens that are complete with it. */
  push(octets: Uint8Array): Uint8Array[] {
    const tokens: Uint8Array[] = [];
    let at = 0;
    while (at < octets.length && this.#problem === undefined) {
      if (this.#token === undefined) {
        this.#header[this.#headerLength] = octets[at] as number;
        this.#headerLength += 1;
        at += 1;
        this.#readHeader();
        continue;
      }
      const piece = octets.subarray(at, at + this.#token.length - this.#tokenLength);
      this.#token.set(piece, this.#tokenLength);
      this.#tokenLength += piece.length;
      at += piece.length;
      if (this.#tokenLength < this.#token.length) break;
      tokens.push(this.#token);
      this.#token = undefined;
      this.#headerLength = this.#tokenLength = 0;
    }
    return tokens;
  }

  /** Looks at what there is of the header, so that a fault is noticed with the octet that is wrong. */
  #readHeader(): void {
    const [, mtyp, high = 0, low = 0] = this.#header;
    try {
      decodeGssapiFrame(this.#header.subarray(0, this.#headerLength));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#problem = unprotected(`what is no frame (${error.message})`, error);
      return;
    }
    if (this.#headerLength >= 2 && mtyp !== MTYP.encapsulatedUserData) {
      this.#problem = unprotected(`a frame of another kind (${mtypName(mtyp as number) ?? mtyp})`);
    } else if (this.#headerLength === HEADER_LENGTH) this.#token = memory((high << 8) | low);
  }
}

function unprotected(what: string, cause?: unknown): AuthError {
  const message = `the other side sent ${what} where protection was agreed on`;
  return new AuthError("ERR_SOCKS_GSSAPI_TAMPERED", message, { side: "remote", cause });
}
