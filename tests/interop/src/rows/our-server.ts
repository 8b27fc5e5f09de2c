import type { Auth, RowContext, Scheme } from "../harness/row.ts";
import { ACCOUNT } from "../peers/account.ts";
import { TARGET_NAME } from "../peers/names.ts";
import { startSockskitd } from "../peers/sockskit.ts";
import type { ServerPeer } from "../peers/server-peer.ts";

/** How a client program is tried with `sockskitd`. */
export interface Combination {
  /** Scheme of the proxy URL. */
  readonly scheme: Exclude<Scheme, "any">;
  /** What the client says about itself; `password` makes the server ask for it. */
  readonly auth: Auth;
  /** What is special about it. */
  readonly variant?: string;
  /** Host in place of the usual one. */
  readonly host?: string;
}

/** Every scheme with every authentication it has. */
export const ALL_COMBINATIONS: readonly Combination[] = [
  { scheme: "socks4", auth: "none" },
  { scheme: "socks4", auth: "user id" },
  { scheme: "socks4a", auth: "none" },
  { scheme: "socks5", auth: "none" },
  { scheme: "socks5", auth: "password" },
  { scheme: "socks5h", auth: "none" },
  { scheme: "socks5h", auth: "password" },
];

/** The `sockskitd` that fits: it asks for a password if the row has one, and it knows the target's name. */
export function sockskitd(context: RowContext, auth: Auth): Promise<ServerPeer> {
  const password = auth === "password";
  return context.server(password ? "sockskitd with a password" : "sockskitd", (scope) =>
    startSockskitd(scope, { password, targetName: true }),
  );
}

/** Where the target is for a scheme: by a name that only the server can resolve, or by its address. */
export function targetHost({ scheme, host }: Combination): string {
  return host ?? (scheme === "socks4a" || scheme === "socks5h" ? TARGET_NAME : "127.0.0.1");
}

/** User and password as a proxy URL writes them. */
export function userinfo(auth: Auth): string {
  if (auth === "password") return `${ACCOUNT.username}:${ACCOUNT.password}@`;
  return auth === "user id" ? "fred@" : "";
}
