import type { ServerAuthMethod } from "@sockskit/auth";
import { CMD, METHOD, type Socks4RequestLimits } from "@sockskit/wire";

import { HandshakeError } from "./errors.ts";

/** What a {@link ServerHandshake} accepts. */
export interface ServerHandshakeOptions {
  /** Authentication methods for SOCKS 5, most preferred first; the first one that the client offers is chosen. */
  readonly authMethods: readonly ServerAuthMethod[];
  /** SOCKS versions to take. Default `[4, 5]`. */
  readonly versions?: readonly (4 | 5)[] | undefined;
  /**
   * `CMD` octets to take; others are answered 07 (SOCKS 5) or 5b (SOCKS 4). Default `[0x01]`, CONNECT.
   * With BIND (0x02) the owner replies twice.
   */
  readonly commands?: readonly number[] | undefined;
  /**
   * Whether SOCKS 4, which cannot authenticate, is taken although `authMethods` lacks `none`.
   * Default false: such requests are answered 5b.
   */
  readonly socks4WithoutAuthentication?: boolean | undefined;
  /** Most octets of a SOCKS 4 `USERID`. Default 512. */
  readonly maxUseridLength?: number | undefined;
}

/** {@link ServerHandshakeOptions} with the defaults filled in. */
export interface ServerSettings {
  readonly authMethods: readonly ServerAuthMethod[];
  /** Whether SOCKS 4 is taken, and if not, why. */
  readonly socks4: "taken" | "version-refused" | "auth-required";
  readonly socks5: boolean;
  readonly commands: readonly number[];
  readonly limits: Socks4RequestLimits | undefined;
}

const DEFAULT_COMMANDS: readonly number[] = [CMD.connect];

/**
 * Checks options and fills the defaults in.
 *
 * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`.
 */
export function serverSettings(options: ServerHandshakeOptions): ServerSettings {
  const { authMethods, versions, maxUseridLength } = options;
  const takes4 = versions === undefined || versions.includes(4);
  const takes5 = versions === undefined || versions.includes(5);
  if (!takes4 && !takes5) throw badOption("versions is empty; expected 4, 5 or both");
  if (takes5 && authMethods.length === 0) {
    throw badOption("authMethods is empty; expected at least one method for SOCKS 5, noneServer() to let everybody in");
  }
  if (maxUseridLength !== undefined && !(maxUseridLength >= 0)) {
    throw badOption(`maxUseridLength is ${maxUseridLength}; expected a number of octets`);
  }
  let open = options.socks4WithoutAuthentication === true;
  for (let i = 0; i < authMethods.length; i++) {
    if (authMethods[i]?.method === METHOD.noAuthenticationRequired) open = true;
  }
  return {
    authMethods,
    socks4: !takes4 ? "version-refused" : open ? "taken" : "auth-required",
    socks5: takes5,
    commands: options.commands ?? DEFAULT_COMMANDS,
    limits: maxUseridLength === undefined ? undefined : { maxUseridLength },
  };
}

function badOption(message: string): HandshakeError {
  return new HandshakeError("ERR_SOCKS_BAD_OPTION", message, { side: "local", stage: "negotiate" });
}
