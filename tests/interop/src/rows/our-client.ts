import { connect, isSocksError } from "@sockskit/client";
import { runToEnd } from "../harness/process.ts";
import { expectSame, RowError, type Row, type RowContext } from "../harness/row.ts";
import { TARGET_NAME } from "../peers/names.ts";
import { sockskit } from "../peers/sockskit.ts";
import { startTor } from "../peers/tor.ts";
import { duplexRows } from "./duplex.ts";
import { httpRows } from "./http.ts";
import { pipeRows } from "./pipe.ts";
import { proxyUrl, SERVER_USES, serverOf, theirTarget, type ServerUse } from "./their-servers.ts";

/** `@sockskit/client` and the `sockskit` command with servers of others. */
export const OUR_CLIENT_ROWS: readonly Row[] = [
  ...SERVER_USES.flatMap((use) => [...libraryRows(use), ...refusalRows(use), ...commandRows(use)]),
  ...chainRows(),
  dantedRefusesNames(),
  ...torRows(),
];

function common({ server, scheme, auth }: ServerUse): Pick<Row, "tool" | "role" | "needs" | "scheme" | "auth"> {
  return { tool: server.tool, role: "server", needs: server.needs, scheme, auth };
}

function libraryRows(use: ServerUse): readonly Row[] {
  const { halfClose } = use.server;
  const hosts = use.scheme === "socks5" && use.auth === "none" ? ["::1"] : [];
  const library = {
    ...common(use),
    ...(halfClose === undefined ? {} : { halfClose }),
  };
  return [
    ...duplexRows({ ...library, connect: (context, port) => open(context, use, theirTarget(use), port) }),
    ...hosts.flatMap((host) =>
      duplexRows({
        ...library,
        variant: "IPv6 target",
        checks: ["1 B", "server first"],
        connect: (context, port) => open(context, use, host, port),
      }),
    ),
  ];
}

async function open(context: RowContext, use: ServerUse, host: string, port: number): ReturnType<typeof connect> {
  return connect({
    proxy: await proxyUrl(context, use),
    target: { host, port },
    signal: context.signal,
    allowHalfOpen: true,
  });
}

function refusalRows(use: ServerUse): readonly Row[] {
  const rows: Row[] = [
    {
      ...common(use),
      check: "refused target",
      run: (context) => fails(open(context, use, "127.0.0.1", context.closedPort), `request: ${expectedRefusal(use)}`),
    },
  ];
  if (use.auth === "password") {
    rows.push({
      ...common(use),
      check: "wrong password",
      async run(context) {
        const proxy = await proxyUrl(context, use, "wrong");
        const attempt = connect({
          proxy,
          target: { host: "127.0.0.1", port: context.targets.http },
          signal: context.signal,
        });
        await fails(attempt, "authenticate: ERR_SOCKS_AUTH_REJECTED");
      },
    });
  }
  return rows;
}

function expectedRefusal({ server: { refused }, scheme }: ServerUse): string {
  return (scheme.startsWith("socks4") ? refused.socks4 : undefined) ?? refused.socks5;
}

/** Expects an error of the client, written as `stage: code reply`. */
async function fails(attempt: ReturnType<typeof connect>, expected: string): Promise<void> {
  let said: string;
  try {
    (await attempt).destroy();
    said = "a connection";
  } catch (error) {
    if (!isSocksError(error)) throw error;
    const reply = error.reply === undefined ? "" : ` ${error.reply.toString(16).padStart(2, "0")}`;
    said = `${error.stage}: ${error.code}${reply}`;
  }
  expectSame("the client reports", said, expected);
}

function commandRows(use: ServerUse): readonly Row[] {
  const { server } = use;
  return [
    ...pipeRows({
      ...common(use),
      variant: "sockskit connect",
      checks: [
        "0 B",
        "1 B",
        "256 MiB down",
        "256 MiB up",
        "server first",
        ...(server.halfClose === undefined ? ["half-close" as const] : []),
      ],
      open: async (context, port) => ({
        argv: sockskit("connect", "-x", await proxyUrl(context, use), `${theirTarget(use)}:${port}`),
      }),
    }),
    ...httpRows({
      ...common(use),
      variant: "sockskit fetch",
      host: theirTarget(use),
      checks: ["0 B", "1 B", "256 MiB down"],
      get: async (context, url) => ({ argv: sockskit("fetch", "-x", await proxyUrl(context, use), url) }),
      put: async (context, url) => ({
        argv: sockskit("fetch", "-x", await proxyUrl(context, use), "-X", "PUT", "-d", "@-", url),
      }),
    }),
    {
      ...common(use),
      variant: "sockskit connect",
      check: "refused target",
      async run(context) {
        const argv = sockskit("connect", "-x", await proxyUrl(context, use), `127.0.0.1:${context.closedPort}`);
        const { status, stderr } = await runToEnd({ argv });
        const [expected = ""] = expectedRefusal(use).split(" ");
        if (!stderr.includes(expected)) throw new RowError(`it said ${JSON.stringify(stderr)}, expected ${expected}`);
        expectSame("exit status", String(status), "7");
      },
    },
  ];
}

/** Three servers of different makers and versions, one behind the other. */
function chainRows(): readonly Row[] {
  const hops = [
    { tool: "microsocks", scheme: "socks5" },
    { tool: "danted", scheme: "socks4" },
    { tool: "ssh", scheme: "socks4a" },
  ] as const;
  return duplexRows({
    tool: "ssh",
    role: "server",
    variant: "behind microsocks (socks5) and Dante (socks4)",
    needs: ["microsocks", "danted", "sshd", "nss-wrapper"],
    scheme: "socks4a",
    auth: "none",
    checks: ["0 B", "1 B", "256 MiB down", "256 MiB up", "server first"],
    async connect(context, port) {
      const chain = hops.map(({ tool, scheme }) => proxyUrl(context, { server: serverOf(tool), scheme, auth: "none" }));
      return connect({ chain: await Promise.all(chain), target: { host: TARGET_NAME, port }, signal: context.signal });
    },
  });
}

/** Dante takes the 0.0.0.1 of a 4A request for an address, and refuses. */
function dantedRefusesNames(): Row {
  const use: ServerUse = { server: serverOf("danted"), scheme: "socks4a", auth: "none" };
  return {
    ...common(use),
    check: "refused target",
    async run(context) {
      await fails(open(context, use, TARGET_NAME, context.targets.http), "request: ERR_SOCKS_REQUEST_REFUSED 5b");
      return "the server does not know SOCKS 4A: it refuses every name, also one that it could resolve";
    },
  };
}

/** Tor without a network can only refuse; what our client makes of each refusal. */
function torRows(): readonly Row[] {
  const refusals = [
    {
      scheme: "socks5h",
      variant: "a circuit that cannot be built",
      host: "example.com",
      expected: "request: ERR_SOCKS_REQUEST_REFUSED 06",
    },
    {
      scheme: "socks5h",
      variant: "bad onion address",
      host: "abc.onion",
      expected: "request: ERR_SOCKS_REQUEST_REFUSED f6",
    },
    {
      scheme: "socks5h",
      variant: "private address",
      host: "127.0.0.1",
      expected: "request: ERR_SOCKS_REQUEST_REFUSED 01",
    },
    {
      scheme: "socks4a",
      variant: "a circuit that cannot be built",
      host: "example.com",
      expected: "request: ERR_SOCKS_REQUEST_REFUSED 5b",
    },
    {
      scheme: "socks4a",
      variant: "bad onion address",
      host: "abc.onion",
      expected: "request: ERR_SOCKS_REQUEST_REFUSED 5b",
    },
  ] as const;
  return refusals.map(({ scheme, variant, host, expected }) => ({
    tool: "tor",
    role: "server",
    scheme,
    auth: "none",
    variant,
    check: "refused target",
    async run(context) {
      const { port } = await context.server("tor", startTor);
      await fails(
        connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: { host, port: 80 }, signal: context.signal }),
        expected,
      );
    },
  }));
}
