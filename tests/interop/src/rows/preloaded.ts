import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Row, RowContext } from "../harness/row.ts";
import type { Command } from "../harness/process.ts";
import { ACCOUNT } from "../peers/account.ts";
import { programPath } from "../peers/server-peer.ts";
import { httpRows } from "./http.ts";
import { sockskitd, targetHost, type Combination } from "./our-server.ts";
import { pipeRows } from "./pipe.ts";

// Programs that put a library under another program, which then goes through the proxy without knowing.

type Prefix = (context: RowContext, combination: Combination) => Promise<Command>;

const CURL = ["curl", "--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "80"] as const;

const proxychains: Prefix = async (context, combination) => {
  const { port } = await sockskitd(context, combination.auth);
  const account = { none: "", "user id": "fred x", password: `${ACCOUNT.username} ${ACCOUNT.password}` }[
    combination.auth
  ];
  const hop = `${combination.scheme.startsWith("socks4") ? "socks4" : "socks5"} 127.0.0.1 ${port} ${account}`;
  const first =
    combination.variant === "second hop" ? [`socks5 127.0.0.1 ${(await sockskitd(context, "none")).port}`] : [];
  const file = join(await context.scope.temporaryFolder(), "proxychains.conf");
  await writeFile(file, ["strict_chain", "proxy_dns", "[ProxyList]", ...first, hop, ""].join("\n"));
  return { argv: ["proxychains4", "-q", "-f", file] };
};

const socksify: Prefix = async (context, combination) => {
  const { port } = await sockskitd(context, combination.auth);
  const file = join(await context.scope.temporaryFolder(), "socks.conf");
  const version = combination.scheme.startsWith("socks4") ? "socks_v4" : "socks_v5";
  // "fake": a name is not looked up, the server gets it. Over SOCKS 4 Dante's client sends addresses only.
  const resolution = combination.scheme === "socks5h" ? "fake" : "udp";
  await writeFile(
    file,
    [
      `resolveprotocol: ${resolution}`,
      "route {",
      ` from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = ${port}`,
      ` proxyprotocol: ${version}`,
      ` method: ${combination.auth === "password" ? "username" : "none"}`,
      " protocol: tcp",
      " command: connect",
      "}",
      "",
    ].join("\n"),
  );
  // Dante's client connects to this host's own networks directly unless it is told not to.
  const env = {
    SOCKS_AUTOADD_LANROUTES: "no",
    SOCKS_CONF: file,
    SOCKS_USERNAME: ACCOUNT.username,
    SOCKS_PASSWORD: ACCOUNT.password,
  };
  return { argv: ["socksify"], options: { env } };
};

/** proxychains and Dante's socksify with our server. */
export const PRELOADED_ROWS: readonly Row[] = [
  ...rows("proxychains4", proxychains, [
    { scheme: "socks4", auth: "none" },
    { scheme: "socks4", auth: "user id" },
    { scheme: "socks4a", auth: "none" },
    { scheme: "socks5", auth: "none" },
    { scheme: "socks5", auth: "password" },
    { scheme: "socks5h", auth: "none" },
    { scheme: "socks5h", auth: "password", variant: "second hop" },
  ]),
  ...rows("socksify", socksify, [
    { scheme: "socks4", auth: "none" },
    { scheme: "socks5", auth: "none" },
    { scheme: "socks5", auth: "password" },
    { scheme: "socks5h", auth: "none" },
    { scheme: "socks5h", auth: "password" },
  ]),
];

function rows(tool: "proxychains4" | "socksify", prefix: Prefix, combinations: readonly Combination[]): readonly Row[] {
  return combinations.flatMap((combination) => {
    const common = { tool, role: "client", needs: ["nss-wrapper", "curl", "nc.openbsd"], ...combination } as const;
    return [
      ...httpRows({
        ...common,
        host: targetHost(combination),
        checks: ["0 B", "1 B", "256 MiB down"],
        get: async (context, url) => under(await prefix(context, combination), [...CURL, url]),
        put: async (context, url) =>
          under(await prefix(context, combination), [...CURL, "--header", "Expect:", "--upload-file", "-", url]),
      }),
      ...pipeRows({
        ...common,
        checks: ["server first", "half-close"],
        open: async (context, port) =>
          under(await prefix(context, combination), [
            programPath("nc.openbsd"),
            "-N",
            targetHost(combination),
            String(port),
          ]),
      }),
    ];
  });
}

function under({ argv, ...rest }: Command, command: readonly string[]): Command {
  return { argv: [...argv, ...command], ...rest };
}
