import { runToEnd } from "../harness/process.ts";
import { expectSame, type Row, type RowContext } from "../harness/row.ts";
import type { Tool } from "../harness/tools.ts";
import { ACCOUNT } from "../peers/account.ts";
import { programPath } from "../peers/server-peer.ts";
import { pipeRows } from "./pipe.ts";
import { sockskitd, targetHost, type Combination } from "./our-server.ts";

type Arguments = (context: RowContext, combination: Combination, port: number) => Promise<readonly string[]>;

// -N: end the connection's own direction at the end of the input.
const netcat: Arguments = async (context, combination, port) => {
  const { port: proxy } = await sockskitd(context, combination.auth);
  const version = combination.scheme.startsWith("socks4") ? "4" : "5";
  return [
    programPath("nc.openbsd"),
    "-N",
    "-X",
    version,
    "-x",
    `127.0.0.1:${proxy}`,
    targetHost(combination),
    String(port),
  ];
};

const ncat: Arguments = async (context, combination, port) => {
  const { port: proxy } = await sockskitd(context, combination.auth);
  const { scheme, auth } = combination;
  const account = {
    none: [],
    "user id": ["--proxy-auth", "fred"],
    password: ["--proxy-auth", `${ACCOUNT.username}:${ACCOUNT.password}`],
  }[auth];
  return [
    programPath("ncat"),
    "--proxy",
    `127.0.0.1:${proxy}`,
    "--proxy-type",
    scheme.startsWith("socks4") ? "socks4" : "socks5",
    "--proxy-dns",
    scheme === "socks4a" || scheme === "socks5h" ? "remote" : "local",
    ...account,
    targetHost(combination),
    String(port),
  ];
};

/** netcat-openbsd and Ncat with our server. */
export const NETCAT_ROWS: readonly Row[] = [
  ...rows("nc.openbsd", netcat, [
    { scheme: "socks4", auth: "none" },
    { scheme: "socks5", auth: "none" },
    { scheme: "socks5h", auth: "none" },
    { scheme: "socks5", auth: "none", variant: "IPv6 target", host: "::1" },
  ]),
  refused("nc.openbsd", netcat, "socks4", "nc.openbsd: connection failed, SOCKSv4 error: Request rejected or failed"),
  refused("nc.openbsd", netcat, "socks5", "nc.openbsd: connection failed, SOCKSv5 error: Connection refused"),
  ...rows("ncat", ncat, [
    { scheme: "socks4", auth: "none" },
    { scheme: "socks4", auth: "user id" },
    { scheme: "socks4a", auth: "none" },
    { scheme: "socks5", auth: "none" },
    { scheme: "socks5", auth: "password" },
    { scheme: "socks5h", auth: "none" },
    { scheme: "socks5h", auth: "password" },
    { scheme: "socks5", auth: "none", variant: "IPv6 target", host: "::1" },
  ]),
  refused("ncat", ncat, "socks4", "Ncat: Proxy connection failed."),
  refused("ncat", ncat, "socks5", "Ncat: Error: Connection refused."),
];

function rows(tool: Tool, args: Arguments, combinations: readonly Combination[]): readonly Row[] {
  return combinations.flatMap((combination) =>
    pipeRows({
      tool,
      role: "client",
      needs: ["nss-wrapper"],
      ...combination,
      open: async (context, port) => ({ argv: await args(context, combination, port) }),
    }),
  );
}

function refused(tool: Tool, args: Arguments, scheme: Combination["scheme"], expected: string): Row {
  const combination: Combination = { scheme, auth: "none" };
  return {
    tool,
    role: "client",
    needs: ["nss-wrapper"],
    ...combination,
    check: "refused target",
    async run(context) {
      const { status, stderr } = await runToEnd({ argv: await args(context, combination, context.closedPort) });
      expectSame("what it says", stderr.trim(), expected);
      expectSame("exit status", String(status), "1");
    },
  };
}
