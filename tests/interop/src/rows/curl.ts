import { runToEnd, type Finished } from "../harness/process.ts";
import { expectSame, type Check, type Row, type RowContext } from "../harness/row.ts";
import { httpRows } from "./http.ts";
import { ALL_COMBINATIONS, sockskitd, targetHost, userinfo, type Combination } from "./our-server.ts";

/** curl's exit status for every failure at the proxy (CURLE_PROXY). */
const PROXY_FAILED = 97;

const COMBINATIONS: readonly Combination[] = [
  ...ALL_COMBINATIONS,
  { scheme: "socks5", auth: "none", variant: "IPv6 target", host: "[::1]" },
];

/** curl with our server. */
export const CURL_ROWS: readonly Row[] = [
  ...COMBINATIONS.flatMap((combination) =>
    httpRows({
      tool: "curl",
      role: "client",
      needs: ["nss-wrapper"],
      ...combination,
      host: targetHost(combination),
      get: async (context, url) => ({ argv: [...(await curl(context, combination)), url] }),
      // Without "Expect:" curl would wait a second for the target's permission to send.
      put: async (context, url) => ({
        argv: [...(await curl(context, combination)), "--header", "Expect:", "--upload-file", "-", url],
      }),
    }),
  ),
  refusal(
    { scheme: "socks4", auth: "none" },
    "refused target",
    "curl: (97) Can't complete SOCKS4 connection to 0.0.0.0:0. (91), request rejected or failed.",
  ),
  refusal(
    { scheme: "socks5", auth: "none" },
    "refused target",
    "curl: (97) Can't complete SOCKS5 connection to 127.0.0.1. (5)",
  ),
  refusal(
    { scheme: "socks5", auth: "none" },
    "denied target",
    "curl: (97) Can't complete SOCKS5 connection to 127.0.0.1. (2)",
  ),
  refusal(
    { scheme: "socks5", auth: "password" },
    "wrong password",
    "curl: (97) User was rejected by the SOCKS5 server (1 1).",
  ),
];

async function curl(
  context: RowContext,
  { scheme, auth }: Combination,
  user = userinfo(auth),
): Promise<readonly string[]> {
  const { port } = await sockskitd(context, auth);
  return [
    "curl",
    "--disable",
    "--silent",
    "--show-error",
    "--globoff",
    "--noproxy",
    "",
    "--max-time",
    "80",
    "--proxy",
    `${scheme}://${user}127.0.0.1:${port}`,
  ];
}

function refusal(combination: Combination, check: Check, expected: string): Row {
  return {
    tool: "curl",
    role: "client",
    needs: ["nss-wrapper"],
    ...combination,
    check,
    async run(context) {
      const proxy = await curl(
        context,
        combination,
        check === "wrong password" ? "alice:wrong@" : userinfo(combination.auth),
      );
      const port = check === "denied target" ? (await sockskitd(context, combination.auth)).port : context.closedPort;
      const target = check === "wrong password" ? context.targets.http : port;
      const finished = await runToEnd({ argv: [...proxy, `http://127.0.0.1:${target}/`] });
      expectFailure(finished, PROXY_FAILED, expected);
    },
  };
}

function expectFailure({ status, stderr }: Finished, expectedStatus: number, expected: string): void {
  expectSame("what curl says", stderr.trim(), expected);
  expectSame("exit status", String(status), String(expectedStatus));
}
