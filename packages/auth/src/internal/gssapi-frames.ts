import { type Decoded, decodeGssapiFrame, encodeGssapiFrame, type GssapiFrame, MTYP, WireError } from "@sockskit/wire";

import { AuthError, type AuthErrorCode } from "../errors.ts";
import type { AuthFailed } from "../method.ts";

/** Most context tokens of the peer in one exchange; RFC 1961 has no limit, and Kerberos needs one. */
export const MAX_GSSAPI_ROUNDS = 8;

/** `01 ff`: the server refuses. */
export const ABORT: Uint8Array = encodeGssapiFrame({ mtyp: MTYP.abort, token: new Uint8Array(0) });

/** The next frame, `undefined` while it is incomplete, or what is wrong with it. */
export function readFrame(bytes: Uint8Array): Decoded<GssapiFrame> | WireError | undefined {
  try {
    return decodeGssapiFrame(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** A frame with a context token. */
export function contextFrame(token: Uint8Array): Uint8Array {
  return encodeGssapiFrame({ mtyp: MTYP.authentication, token });
}

/** A frame with a protection level. */
export function levelFrame(token: Uint8Array): Uint8Array {
  return encodeGssapiFrame({ mtyp: MTYP.protectionLevel, token });
}

/** A step that ends an exchange. */
export function failure(
  code: AuthErrorCode,
  message: string,
  details: {
    readonly consumed: number;
    readonly send?: Uint8Array;
    readonly side?: "local" | "remote";
    readonly cause?: unknown;
  },
): AuthFailed {
  const { consumed, send, side = "remote", cause } = details;
  const error = new AuthError(code, message, { side, cause });
  return send === undefined ? { type: "failed", consumed, error } : { type: "failed", consumed, send, error };
}
