import {
  MAX_USER_PASS_REQUEST_LENGTH,
  METHOD,
  USER_PASS_STATUS,
  USER_PASS_VERSION,
  WireError,
  decodeUserPassRequest,
  encodeUserPassReply,
} from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthVerdict, UserPassEvidence } from "./evidence.ts";
import { notAwaited } from "./internal/not-awaited.ts";
import type { AuthStep, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "./method.ts";

const method: ServerAuthMethod = {
  method: METHOD.usernamePassword,
  name: "userpass",
  start: () => new UserPassServerExchange(),
};

/**
 * Gives the server side of method 0x02, user name and password (RFC 1929).
 *
 * It reads one message, asks for a verdict with a `verify` step, and answers only then: `01 00` for
 * accepted, `01 01` for rejected. A first octet other than 01 is answered `01 01` as well.
 */
export function userPassServer(): ServerAuthMethod {
  return method;
}

class UserPassServerExchange implements ServerAuthExchange {
  readonly maxMessageLength: number = MAX_USER_PASS_REQUEST_LENGTH;
  readonly evidence = "userpass";
  #verifying = false;

  receive(bytes: Uint8Array): ServerAuthStep {
    try {
      const decoded = decodeUserPassRequest(bytes);
      if (decoded === undefined) return { type: "incomplete" };
      this.#verifying = true;
      const { uname, passwd } = decoded.value;
      return { type: "verify", consumed: decoded.byteLength, evidence: new ReceivedUserPass(uname, passwd) };
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      const error = new AuthError("ERR_SOCKS_AUTH_PROTOCOL", `broken user/password message: ${cause.message}`, {
        side: "remote",
        cause,
      });
      return { type: "failed", consumed: 0, send: reply(USER_PASS_STATUS.failure), error };
    }
  }

  resolve(verdict: AuthVerdict): AuthStep {
    if (!this.#verifying) throw notAwaited();
    this.#verifying = false;
    if (verdict.accepted) {
      return { type: "done", consumed: 0, send: reply(USER_PASS_STATUS.success), identity: verdict.identity };
    }
    const error = new AuthError("ERR_SOCKS_AUTH_REJECTED", "the client's user name or password was rejected", {
      side: "remote",
    });
    return { type: "failed", consumed: 0, send: reply(USER_PASS_STATUS.failure), error };
  }
}

/** Keeps the password behind an accessor, so that printing or serialising an event does not show it. */
class ReceivedUserPass implements UserPassEvidence {
  readonly type = "userpass";
  readonly username: Uint8Array;
  readonly #password: Uint8Array;

  constructor(username: Uint8Array, password: Uint8Array) {
    this.username = username;
    this.#password = password;
  }

  get password(): Uint8Array {
    return this.#password;
  }
}

function reply(status: number): Uint8Array {
  return encodeUserPassReply({ version: USER_PASS_VERSION, status });
}
