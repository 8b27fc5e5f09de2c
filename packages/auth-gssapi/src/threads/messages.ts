import type { AuthErrorCode, GssapiContextInfo, GssapiCredentials, GssapiMessage } from "@sockskit/auth";
import type { Pointer } from "../binding/native.ts";

/**
 * Octets of several messages, one behind the other. The memory goes to the thread with a request, and comes back with
 * the answer in it: new memory for each would be collected all the time.
 */
export interface Packed {
  readonly octets: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
  /** Where the first one begins. */
  readonly start: number;
}

/** What a token has more than its message, at the most that is expected; more only costs a copy. */
export const TOKEN_OVERHEAD = 128;

/** What a thread is asked. */
export type ThreadRequest =
  | { readonly op: "acquire-acceptor"; readonly service: string | undefined; readonly keytab: string | undefined }
  | {
      readonly op: "acquire-client";
      readonly principal: string | undefined;
      readonly credentials: GssapiCredentials;
      /** Where tickets got with a keytab are kept. */
      readonly memory: string;
    }
  | {
      readonly op: "initiate";
      readonly context: Pointer;
      readonly credentials: Pointer;
      readonly service: string;
      readonly sequence: boolean;
      readonly token: Uint8Array | undefined;
    }
  | { readonly op: "accept"; readonly context: Pointer; readonly credentials: Pointer; readonly token: Uint8Array }
  | { readonly op: "wrap"; readonly context: Pointer; readonly confidential: boolean; readonly packed: Packed }
  | { readonly op: "unwrap"; readonly context: Pointer; readonly packed: Packed }
  | { readonly op: "free"; readonly contexts: readonly Pointer[]; readonly credentials: readonly Pointer[] };

/** What a thread answers to each request. */
export interface ThreadResults {
  readonly "acquire-acceptor": Pointer;
  readonly "acquire-client": Pointer;
  readonly initiate: StepResult;
  readonly accept: StepResult;
  readonly wrap: Packed;
  readonly unwrap: UnwrapResult;
  readonly free: undefined;
}

/** What a step gave. */
export interface StepResult {
  readonly context: Pointer;
  readonly token: Uint8Array;
  readonly established: GssapiContextInfo | undefined;
}

/** What was in tokens, up to the first that is wrong. */
export interface UnwrapResult {
  readonly packed: Packed;
  readonly remarks: readonly Omit<GssapiMessage, "message">[];
  readonly error: ThreadError | undefined;
}

/** An error on its way between threads. */
export interface ThreadError {
  readonly code: AuthErrorCode;
  readonly message: string;
}

/** A request with its number. */
export interface NumberedRequest {
  readonly id: number;
  readonly request: ThreadRequest;
}

/** The answer with the same number. */
export interface NumberedResult {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: ThreadError;
}

/** What a thread starts with. */
export interface ThreadData {
  /** Path or name of the library; `undefined` for the system's. */
  readonly library: string | undefined;
}

/** The messages of a packed array, as views. */
export function unpack({ octets, lengths, start }: Packed): Uint8Array[] {
  let at = start;
  return lengths.map((length) => {
    const message = octets.subarray(at, at + length);
    at += length;
    return message;
  });
}

/** A copy of messages, one behind the other, and in front of them so much room for each. */
export function pack(messages: readonly Uint8Array[], room = 0): Packed {
  const lengths = messages.map((message) => message.length);
  const start = room * messages.length;
  const octets = memory(lengths.reduce((sum, length) => sum + length, start));
  let at = start;
  for (const message of messages) {
    octets.set(message, at);
    at += message.length;
  }
  return { octets, lengths, start };
}

/** Memory of its own that can be given to another thread. Not filled: all that is read of it was written before. */
export function memory(length: number): Uint8Array<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(length);
}
