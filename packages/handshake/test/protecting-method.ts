// A method that leaves a layer behind: the client says 11, the server asks for a verdict and says 22, and both put the
// layer in place. Inside, the client says 33, the server 44, and then comes the request.
import {
  AuthError,
  type AuthFailed,
  type AuthStep,
  type ClientAuthMethod,
  type ServerAuthMethod,
} from "@sockskit/auth";

const METHOD = 0xf0; // RFC 1928 section 3: for private methods
const LAYER = { type: "ssl" } as const;

const incomplete: AuthStep = { type: "incomplete" };
const wrong = (consumed: number): AuthStep => {
  const error = new AuthError("ERR_SOCKS_AUTH_PROTOCOL", "wrong octet", { side: "remote" });
  return { type: "failed", consumed, error };
};

const rejected = (): AuthFailed => {
  const error = new AuthError("ERR_SOCKS_AUTH_REJECTED", "rejected", { side: "remote" });
  return { type: "failed", consumed: 0, error };
};

/** Client side. */
export function protectingClient(): ClientAuthMethod {
  return {
    method: METHOD,
    name: "protecting",
    start() {
      let inside = false;
      return {
        maxMessageLength: 1,
        begin: () => Uint8Array.of(0x11),
        receive([octet]): AuthStep {
          if (octet === undefined) return incomplete;
          if (octet === 0xee) return { ...rejected(), consumed: 1 };
          if (octet !== (inside ? 0x44 : 0x22)) return wrong(1);
          return inside ? { type: "done", consumed: 1 } : { type: "secure", consumed: 1, layer: LAYER };
        },
        secured(): AuthStep {
          inside = true;
          return { type: "send", consumed: 0, data: Uint8Array.of(0x33) };
        },
      };
    },
  };
}

/** Server side. */
export function protectingServer(): ServerAuthMethod {
  return {
    method: METHOD,
    name: "protecting",
    start() {
      let inside = false;
      let identity: string | undefined;
      return {
        maxMessageLength: 1,
        receive([octet]) {
          if (octet === undefined) return incomplete;
          if (octet !== (inside ? 0x33 : 0x11)) return wrong(1);
          if (inside) return { type: "done", consumed: 1, send: Uint8Array.of(0x44), identity };
          const name = Uint8Array.of(0x61);
          return { type: "verify", consumed: 1, evidence: { type: "userpass", username: name, password: name } };
        },
        resolve(verdict) {
          if (!verdict.accepted) return { ...rejected(), send: Uint8Array.of(0xee) };
          identity = verdict.identity;
          return { type: "secure", consumed: 0, send: Uint8Array.of(0x22), layer: LAYER };
        },
        secured(): AuthStep {
          inside = true;
          return incomplete;
        },
      };
    },
  };
}
