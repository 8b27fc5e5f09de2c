import { AuthError } from "@sockskit/auth";
import { decodeGssapiFrame, MAX_GSSAPI_FRAME_LENGTH, MTYP, mtypName, WireError } from "@sockskit/wire";

/** Cuts a stream into the tokens of its frames. It holds less than one frame, and what arrived behind it. */
export class FrameSplitter {
  #buffer: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #problem: AuthError | undefined;

  /** Octets of a frame that is not complete. */
  get pendingLength(): number {
    return this.#end - this.#start;
  }

  /** What is wrong with the stream: nothing more of it is taken. Its code is `ERR_SOCKS_GSSAPI_TAMPERED`. */
  get problem(): AuthError | undefined {
    return this.#problem;
  }

  /** Takes what arrived; gives the tokens that are complete with it. */
  push(octets: Uint8Array): Uint8Array[] {
    if (this.#problem !== undefined) return [];
    this.#append(octets);
    const tokens: Uint8Array[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) tokens.push(token);
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return tokens;
  }

  #next(): Uint8Array | undefined {
    try {
      const decoded = decodeGssapiFrame(this.#buffer.subarray(0, this.#end), this.#start);
      if (decoded === undefined) return undefined;
      const { mtyp, token } = decoded.value;
      this.#start += decoded.byteLength;
      if (mtyp === MTYP.encapsulatedUserData) return token;
      this.#problem = unprotected(`a frame of another kind (${mtypName(mtyp) ?? mtyp})`);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#problem = unprotected(`what is no frame (${error.message})`, error);
    }
    return undefined;
  }

  #append(octets: Uint8Array): void {
    const kept = this.#end - this.#start;
    const length = kept + octets.length;
    if (this.#end + octets.length > this.#buffer.length) {
      // Twice the longest frame, so that many small pieces are not copied again and again.
      const room = length > this.#buffer.length ? Math.max(length, 2 * MAX_GSSAPI_FRAME_LENGTH) : this.#buffer.length;
      const buffer = room === this.#buffer.length ? this.#buffer : new Uint8Array(room);
      if (buffer === this.#buffer) buffer.copyWithin(0, this.#start, this.#end);
      else buffer.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = buffer;
      this.#start = 0;
      this.#end = kept;
    }
    this.#buffer.set(octets, this.#end);
    this.#end += octets.length;
  }
}

function unprotected(what: string, cause?: unknown): AuthError {
  const message = `the other side sent ${what} where protection was agreed on`;
  return new AuthError("ERR_SOCKS_GSSAPI_TAMPERED", message, { side: "remote", cause });
}
