import type { Auth, RowContext, Scheme } from "../harness/row.ts";
import type { Scope } from "../harness/scope.ts";
import type { Tool } from "../harness/tools.ts";
import { ACCOUNT } from "../peers/account.ts";
import { startDanted } from "../peers/danted.ts";
import { startMicrosocks } from "../peers/microsocks.ts";
import { TARGET_NAME } from "../peers/names.ts";
import { startNpmServer } from "../peers/npm-server.ts";
import { startSshDynamic } from "../peers/openssh.ts";
import type { PeerOptions, ServerPeer } from "../peers/server-peer.ts";

/** A server of somebody else through which our client connects. */
export interface TheirServer {
  /** Which program. */
  readonly tool: Tool;
  /** Further programs it needs. */
  readonly needs: readonly Tool[];
  /** Starts it. */
  readonly start: (scope: Scope, options: PeerOptions) => Promise<ServerPeer>;
  /** What it speaks. */
  readonly schemes: readonly Exclude<Scheme, "any">[];
  /** Whether it can ask for a password. */
  readonly passwords: boolean;
  /** What our client makes of a target that refuses: `code`, and `reply` where the server gives one. */
  readonly refused: { readonly socks4?: string; readonly socks5: string };
  /** Where half-close does not work through it; see `Library.halfClose`. */
  readonly halfClose?: { readonly works: "none" | "answer"; readonly remark: string };
}

/** Every server that carries connections. */
const THEIR_SERVERS: readonly TheirServer[] = [
  {
    tool: "microsocks",
    needs: ["nss-wrapper"],
    start: startMicrosocks,
    schemes: ["socks5", "socks5h"],
    passwords: true,
    refused: { socks5: "ERR_SOCKS_REQUEST_REFUSED 05" },
    halfClose: { works: "none", remark: "the server ends both directions when one side ends its own" },
  },
  {
    tool: "danted",
    needs: ["nss-wrapper"],
    start: startDanted,
    schemes: ["socks4", "socks5", "socks5h"],
    passwords: true,
    refused: { socks4: "ERR_SOCKS_REQUEST_REFUSED 5b", socks5: "ERR_SOCKS_REQUEST_REFUSED 05" },
  },
  {
    tool: "ssh",
    needs: ["sshd", "nss-wrapper"],
    start: startSshDynamic,
    schemes: ["socks4", "socks4a", "socks5", "socks5h"],
    passwords: false,
    refused: { socks4: "ERR_SOCKS_PROXY_CLOSED", socks5: "ERR_SOCKS_PROXY_CLOSED" },
  },
  {
    tool: "npm:@pondwader/socks5-server",
    needs: ["nss-wrapper"],
    start: startNpmServer,
    schemes: ["socks5", "socks5h"],
    passwords: true,
    refused: { socks5: "ERR_SOCKS_REQUEST_REFUSED 05" },
    halfClose: { works: "none", remark: "the server ends both directions when one side ends its own" },
  },
];

/** The entry of a program. */
export function serverOf(tool: Tool): TheirServer {
  const server = THEIR_SERVERS.find((one) => one.tool === tool);
  if (server === undefined) throw new RangeError(`${tool} is not listed as a server`);
  return server;
}

/** One way to use one of them. */
export interface ServerUse {
  /** The server. */
  readonly server: TheirServer;
  /** Scheme of the proxy URL. */
  readonly scheme: Exclude<Scheme, "any">;
  /** Authentication. */
  readonly auth: Auth;
}

/** Every scheme of every server, without a password and, where both have it, with one. */
export const SERVER_USES: readonly ServerUse[] = THEIR_SERVERS.flatMap((server) =>
  server.schemes.flatMap((scheme) => [
    { server, scheme, auth: "none" as const },
    ...(server.passwords && scheme.startsWith("socks5") ? [{ server, scheme, auth: "password" as const }] : []),
  ]),
);

/** The shared server of a use. */
export function theirServer(
  context: RowContext,
  { server, auth }: Pick<ServerUse, "server" | "auth">,
): Promise<ServerPeer> {
  const password = auth === "password";
  return context.server(`${server.tool}${password ? " with a password" : ""}`, (scope) =>
    server.start(scope, { password, targetName: true }),
  );
}

/** Proxy URL of a use. */
export async function proxyUrl(
  context: RowContext,
  use: ServerUse,
  password: string = ACCOUNT.password,
): Promise<string> {
  const { port } = await theirServer(context, use);
  const userinfo = use.auth === "password" ? `${ACCOUNT.username}:${password}@` : "";
  return `${use.scheme}://${userinfo}127.0.0.1:${port}`;
}

/** Where the target is: by a name that only the server can resolve, or by its address. */
export function theirTarget({ scheme }: Pick<ServerUse, "scheme">): string {
  return scheme === "socks4a" || scheme === "socks5h" ? TARGET_NAME : "127.0.0.1";
}
