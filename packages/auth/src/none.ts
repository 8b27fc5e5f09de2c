import { METHOD } from "@sockskit/wire";

import { AuthError } from "./errors.ts";
import type { AuthDone, ClientAuthMethod, ServerAuthMethod } from "./method.ts";

const done: AuthDone = { type: "done", consumed: 0 };

const client: ClientAuthMethod = {
  method: METHOD.noAuthenticationRequired,
  name: "none",
  immediate: true,
  start: () => ({ maxMessageLength: 0, begin: () => undefined, receive: () => done }),
};

const server: ServerAuthMethod = {
  method: METHOD.noAuthenticationRequired,
  name: "none",
  immediate: true,
  start: () => ({
    maxMessageLength: 0,
    receive: () => done,
    resolve() {
      throw new AuthError("ERR_SOCKS_AUTH_PROTOCOL", "method none asks for no verdict, but resolve() was called", {
        side: "local",
      });
    },
  }),
};

/** Gives the client side of method 0x00, no authentication (RFC 1928 section 3). */
export function noneClient(): ClientAuthMethod {
  return client;
}

/** Gives the server side of method 0x00, no authentication (RFC 1928 section 3). */
export function noneServer(): ServerAuthMethod {
  return server;
}
