import { connect, connectionInfo, createDiscoveryMemory, isSocksError } from "@sockskit/client";
import type { Scope } from "../harness/scope.ts";
import { expectSame, type Auth, type Row } from "../harness/row.ts";
import type { Tool } from "../harness/tools.ts";
import { ACCOUNT } from "../peers/account.ts";
import { startNcatProxy, startTinyproxy } from "../peers/http-proxies.ts";
import type { ServerPeer } from "../peers/server-peer.ts";
import { startSockskitd } from "../peers/sockskit.ts";
import { startTor } from "../peers/tor.ts";
import { serverOf } from "./their-servers.ts";

/** A server, and what `auto://` makes of it: a scheme, or the code of the error. */
interface Expectation {
  readonly tool: Tool;
  readonly start: (scope: Scope) => Promise<ServerPeer>;
  readonly variant?: string;
  readonly auth?: Auth;
  readonly needs?: readonly Tool[];
  readonly finds: string;
}

const theirs = (tool: Tool): Pick<Expectation, "tool" | "start" | "needs"> => {
  const { start, needs } = serverOf(tool);
  return { tool, needs, start: (scope) => start(scope, {}) };
};
const locked = (tool: Tool): Pick<Expectation, "tool" | "start" | "needs"> => {
  const { start, needs } = serverOf(tool);
  return { tool, needs, start: (scope) => start(scope, { password: true }) };
};
const ours = (versions: readonly (4 | 5)[]): Pick<Expectation, "tool" | "start"> => ({
  tool: "sockskitd",
  start: (scope) => startSockskitd(scope, { versions }),
});

/** What `auto://` finds, and that it gives up no password. */
export const AUTO_ROWS: readonly Row[] = (
  [
    { ...theirs("danted"), finds: "socks5h" },
    { ...locked("danted"), auth: "password", finds: "socks5h" },
    { ...locked("danted"), variant: "it wants a password, none is given", finds: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" },
    { ...theirs("microsocks"), finds: "socks5h" },
    { ...locked("microsocks"), auth: "password", finds: "socks5h" },
    { ...theirs("ssh"), finds: "socks5h" },
    { ...theirs("npm:@pondwader/socks5-server"), finds: "socks5h" },
    // No circuit can be built there, but it answers.
    { tool: "tor", start: startTor, finds: "ERR_SOCKS_REQUEST_REFUSED of socks5h" },
    { ...ours([5]), variant: "SOCKS 5 only", finds: "socks5h" },
    { ...ours([4]), variant: "SOCKS 4 only", finds: "socks4a" },
    { ...ours([4]), variant: "SOCKS 4 only", auth: "password", finds: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" },
    { tool: "tinyproxy", start: startTinyproxy, finds: "ERR_SOCKS_TIMEOUT of socks4a" },
    { tool: "ncat", start: startNcatProxy, variant: "HTTP proxy", finds: "ERR_SOCKS_TIMEOUT of socks4a" },
  ] satisfies readonly Expectation[]
).map(row);

function row({ tool, start, variant = "", auth = "none", needs = [], finds }: Expectation): Row {
  return {
    tool,
    role: "server",
    needs,
    scheme: "any",
    auth,
    variant,
    check: "auto",
    async run(context) {
      const { port } = await start(context.scope);
      const account = auth === "password" ? `${ACCOUNT.username}:${ACCOUNT.password}@` : "";
      const options = {
        proxy: `auto://${account}127.0.0.1:${port}`,
        target: `127.0.0.1:${context.targets.http}`,
        discovery: { memory: createDiscoveryMemory() },
        // Most who say nothing to a greeting say nothing to anything.
        timeoutMs: finds.startsWith("ERR_SOCKS_TIMEOUT") ? 3000 : 30_000,
        signal: context.signal,
      };
      expectSame("what is found", await found(options), finds);
      return finds.startsWith("socks") ? `\`${finds}\`` : finds.replace(/(?<=^| )(\w+)$/, "`$1`");
    },
  };
}

async function found(options: Parameters<typeof connect>[0]): Promise<string> {
  try {
    const socket = await connect(options);
    socket.destroy();
    return schemeOf(connectionInfo(socket)?.proxies[0]);
  } catch (error) {
    if (!isSocksError(error)) throw error;
    const { code, hop } = error;
    return code === "ERR_SOCKS_NO_ACCEPTABLE_METHOD" ? code : `${code} of ${schemeOf(hop?.proxy)}`;
  }
}

function schemeOf(url: string | undefined): string {
  return url?.split(":")[0] ?? "none";
}
