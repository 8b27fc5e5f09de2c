import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { checkNoSecrets, listenEcho } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { finish, firstLine, run, start, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

const CANARY = "cAnArY-7f3a91";
const OTHER = "oThEr-55b2c8";
const MODES = [[], ["-vv"], ["--json", "-vv"]];

let locked: TestProxy;
let echo: Awaited<ReturnType<typeof listenEcho>>;
const web = createServer((request, response) => {
  if (request.url === "/elsewhere") response.writeHead(302, { location: `http://u:${OTHER}@localhost:${webPort()}/` });
  response.end("page");
});
const webPort = (): number => (web.address() as AddressInfo).port;

beforeAll(async () => {
  locked = await startProxy({ user: { name: "alice", password: CANARY } });
  echo = await listenEcho();
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  web.close();
  web.closeAllConnections();
  await stopAll();
  await Promise.all([locked.close(), echo.close()]);
});

async function check(args: readonly string[], env: Record<string, string> = {}): Promise<number | null> {
  const { status, stdout, stderr } = await run(args, { env, input: "x" });
  checkNoSecrets(stdout, [CANARY, OTHER]);
  checkNoSecrets(stderr, [CANARY, OTHER]);
  return status;
}

describe.each(MODES.map((mode) => ({ mode, name: mode.join(" ") })))(
  "with $name: a password is in no output",
  ({ mode }) => {
    const proxy = (password: string): string => `socks5h://alice:${password}@127.0.0.1:${locked.port}`;

    test("when it is accepted", async () => {
      expect(await check(["connect", ...mode, "-x", proxy(CANARY), `127.0.0.1:${echo.port}`])).toBe(0);
      const all_proxy = proxy(CANARY);
      expect(await check(["connect", ...mode, `127.0.0.1:${echo.port}`], { all_proxy })).toBe(0);
    });

    test("when it is wrong", async () => {
      expect(await check(["connect", ...mode, "-x", proxy(OTHER), `127.0.0.1:${echo.port}`])).toBe(6);
    });

    test("when its URL cannot be read", async () => {
      for (const url of [`socks5h://alice:${CANARY}@h:0`, `socks9://alice:${CANARY}@h`, `alice:${CANARY}@h`]) {
        expect(await check(["connect", ...mode, "-x", url, "server.example:1"])).toBe(2);
        expect(await check(["connect", ...mode, "server.example:1"], { all_proxy: url })).toBe(2);
      }
      expect(await check(["probe", ...mode, `socks5://alice:${CANARY}@h:0`])).toBe(2);
      const env = { SOCKS_SERVER: "h", SOCKS_PASSWORD: CANARY };
      expect(await check(["connect", ...mode, "server.example:1"], env)).toBe(2);
    });

    test("when it is in the wrong place of the command line", async () => {
      const url = proxy(CANARY);
      const pair = `alice:${CANARY}`;
      for (const args of [
        ["-x", url, "connect", "a:1"],
        [url],
        [pair],
        ["help", url],
        ["connect", `--usr=${pair}`, "a:1"],
        ["connect", `--usr=${CANARY}`, "a:1"],
        ["connect", `--usr='${CANARY}'`, "a:1"],
        ["connect", `-u${CANARY}`, "a:1"],
        ["connect", `--${url}`, "a:1"],
        ["connect", "a:1", url],
        ["connect", "-x", "socks5h://h", "--timeout", url, "a:1"],
        ["connect", "-x", "socks5h://h", url],
        ["connect", "-x", "socks5h://h", pair],
        ["connect", "-x", "socks5h://h", `${pair}@h:1`],
        ["forward", "-x", "socks5h://h", url, "a:1"],
        ["forward", "-x", "socks5h://h", `${pair}@h:1`, "a:1"],
        ["serve", url],
        ["fetch", "-x", "socks5h://h", "-X", url, "http://h"],
        ["fetch", "-x", "socks5h://h", "-X", pair, "http://h"],
        ["fetch", "-x", "socks5h://h", "--max-redirs", url, "http://h"],
        ["fetch", "-x", "socks5h://h", "--max-time", pair, "http://h"],
        ["udp", "-x", "socks5h://h", "--fragment", url, "a:1"],
        ["identd", "--tell", url],
      ]) {
        const [first = "", ...rest] = args;
        const { status, stdout, stderr } = await run(first === "-x" ? [...args, ...mode] : [first, ...mode, ...rest]);
        checkNoSecrets([stdout, stderr], [CANARY]);
        expect({ args, status }).toEqual({ args, status: first === "help" ? expect.any(Number) : 2 });
      }
    }, 60_000);

    test("when a proxy is probed", async () => {
      expect(await check(["probe", ...mode, proxy(CANARY)])).toBe(0);
      expect(await check(["probe", ...mode, proxy(OTHER)])).toBe(0);
      expect(await check(["probe", ...mode, `socks5://alice:${CANARY}@127.0.0.1:1`])).toBe(4);
    });

    test("when it belongs to a web page", async () => {
      const page = `http://bob:${OTHER}@127.0.0.1:${webPort()}`;
      const args = ["fetch", ...mode, "-x", proxy(CANARY), "-H", `X-Key: ${OTHER}`];
      expect(await check([...args, `${page}/`])).toBe(0);
      expect(await check([...args, "-L", `${page}/elsewhere`])).toBe(0);
      expect(await check([...args, "-f", `http://bob:${OTHER}@127.0.0.1:1/`])).toBe(7);
      expect(await check([...args, `http://bob:${OTHER}@exa mple/`])).toBe(2);
      expect(await check([...args, "-H", `X-Key ${OTHER}`, page])).toBe(2);
    });

    test("when it is the server's own", async () => {
      const child = start(["serve", ...mode, "--user", `alice:${CANARY}`, "127.0.0.1:0"]);
      const line = await firstLine(child.stdout);
      const port = /:(\d+)/.exec(line.replace(/^.*"port"/, ""))?.[1] ?? "";
      for (const password of [CANARY, OTHER]) {
        await check([
          "connect",
          ...mode,
          "-x",
          `socks5h://alice:${password}@127.0.0.1:${port}`,
          `127.0.0.1:${echo.port}`,
        ]);
      }
      child.kill("SIGTERM");
      const { stdout, stderr } = await finish(child);
      checkNoSecrets([line, stdout, stderr], [CANARY, OTHER]);
      expect(await check(["serve", ...mode, "--user", CANARY, "127.0.0.1:0"])).toBe(2);
    });
  },
);
