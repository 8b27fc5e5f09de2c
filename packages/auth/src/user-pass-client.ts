import {
  MAX_USER_PASS_REPLY_LENGTH,
  METHOD,
  USER_PASS_STATUS,
  USER_PASS_VERSION,
  decodeUserPassReply,
  encodeUserPassRequest,
} from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import { credentialOctets, nameOctets } from "./internal/credential-octets.ts";
import { formatOctet } from "./internal/format-octet.ts";
import type { AuthStep, ClientAuthExchange, ClientAuthMethod } from "./method.ts";

/** Credentials for {@link userPassClient}. */
export interface UserPassClientOptions {
  /** User name: 1 to 255 octets, text is sent as UTF-8; no NUL. */
  readonly username: string | Uint8Array;
  /** Password: 0 to 255 octets, text is sent as UTF-8; no NUL. Default empty. */
  readonly password?: string | Uint8Array | undefined;
  /**
   * Whether a reply whose `VER` is not 01 fails. Default false: with `STATUS` 00 it is accepted with
   * a warning, because servers that answer `05 00` exist.
   */
  readonly strictVersion?: boolean | undefined;
}

/**
 * Makes the client side of method 0x02, user name and password (RFC 1929).
 *
 * The password is kept in a private field: it shows in no error, no JSON and no console output of
 * the method. RFC 1929 sends it in clear text.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` when the user name is empty, a field is longer than
 * 255 octets, holds a NUL (many servers would cut it there) or half a surrogate pair.
 */
export function userPassClient(options: UserPassClientOptions): ClientAuthMethod {
  const uname = nameOctets(options.username);
  const passwd = credentialOctets("password", options.password ?? "");
  return new UserPassClient(encodeUserPassRequest({ uname, passwd }), options.strictVersion === true);
}

class UserPassClient implements ClientAuthMethod {
  readonly method: number = METHOD.usernamePassword;
  readonly name = "userpass";
  readonly #request: Uint8Array;
  readonly #strictVersion: boolean;

  constructor(request: Uint8Array, strictVersion: boolean) {
    this.#request = request;
    this.#strictVersion = strictVersion;
  }

  start(): ClientAuthExchange {
    return new UserPassClientExchange(this.#request, this.#strictVersion);
  }
}

class UserPassClientExchange implements ClientAuthExchange {
  readonly maxMessageLength: number = MAX_USER_PASS_REPLY_LENGTH;
  readonly #request: Uint8Array;
  readonly #strictVersion: boolean;

  constructor(request: Uint8Array, strictVersion: boolean) {
    this.#request = request;
    this.#strictVersion = strictVersion;
  }

  begin(): Uint8Array {
    // A copy: whoever sends it may write into it, and the request serves every connection.
    return new Uint8Array(this.#request);
  }

  receive(bytes: Uint8Array): AuthStep {
    const decoded = decodeUserPassReply(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    const { version, status } = decoded.value;
    const consumed = decoded.byteLength;
    const wrongVersion = version !== USER_PASS_VERSION;
    if (wrongVersion && this.#strictVersion) {
      const error = new AuthError(
        "ERR_SOCKS_AUTH_PROTOCOL",
        `proxy answered user/password with VER ${formatOctet(version)}, expected 0x01 (RFC 1929)`,
        { side: "remote" },
      );
      return { type: "failed", consumed, error };
    }
    if (status !== USER_PASS_STATUS.success) {
      const error = new AuthError(
        "ERR_SOCKS_AUTH_REJECTED",
        `proxy rejected the user name or password (STATUS ${formatOctet(status)})`,
        { side: "remote" },
      );
      return { type: "failed", consumed, error };
    }
    return wrongVersion
      ? { type: "done", consumed, warning: `user/password reply has VER ${formatOctet(version)} instead of 0x01` }
      : { type: "done", consumed };
  }
}
