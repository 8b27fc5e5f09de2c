import { runToEnd } from "../harness/process.ts";
import { expectSame, RowError, type Row } from "../harness/row.ts";
import { chromiumCommand } from "../peers/chromium.ts";
import { sockskitd, targetHost, type Combination } from "./our-server.ts";

/** Headless Chromium with our server. It resolves names itself for SOCKS 4 and never for SOCKS 5. */
export const CHROMIUM_ROWS: readonly Row[] = [
  page({ scheme: "socks4", auth: "none" }),
  page({ scheme: "socks5h", auth: "none" }),
];

function page(combination: Combination): Row {
  return {
    tool: "chromium",
    role: "client",
    needs: ["nss-wrapper"],
    ...combination,
    check: "page",
    async run(context) {
      const { port } = await sockskitd(context, "none");
      const proxy = `${combination.scheme.replace("socks5h", "socks5")}://127.0.0.1:${port}`;
      const url = `http://${targetHost(combination)}:${context.targets.http}/page`;
      const argv = chromiumCommand(await context.scope.temporaryFolder(), proxy, url);
      const { stdout, stderr, status } = await runToEnd(
        { argv, options: { signal: context.signal } },
        { timeoutMs: 60_000 },
      );
      const text = /<p id="p">([^<]*)</.exec(stdout.toString("utf8"))?.[1];
      if (text === undefined)
        throw new RowError(`no page (exit status ${status}): ${stdout.toString("utf8")}\n${stderr.slice(-1500)}`);
      expectSame("page", text, "written by a script that was loaded too");
    },
  };
}
