import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type LoopbackServer, listenTcp } from "@sockskit/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { finish, firstLine, run, start, stopAll } from "../run-sockskit.ts";
import { type TestProxy, startProxy } from "../socks-proxy.ts";

let proxy: TestProxy;
let silent: LoopbackServer;
let deadPort: number;
let folder: string;

beforeEach(async () => {
  proxy = await startProxy();
  silent = await listenTcp((socket) => void socket.on("end", () => socket.end()).resume());
  const dead = await listenTcp(() => undefined);
  deadPort = dead.port;
  await dead.close();
  folder = await mkdtemp(join(tmpdir(), "sockskit-"));
});

afterEach(async () => {
  await stopAll();
  await Promise.all([proxy.close(), silent.close(), rm(folder, { recursive: true })]);
});

const cells = (line: string): readonly string[] => line.split(/ {2,}/).map((cell) => cell.replace(/^[\d.]+$/, "N"));
const lines = (text: string): readonly string[] => text.trimEnd().split("\n");

describe("several proxies", () => {
  test("are a table, in their order, dead ones included; the first failure is the status", async () => {
    const urls = [
      `127.0.0.1:${silent.port}`,
      `127.0.0.1:${proxy.port}`,
      `socks5://alice:opensesame@127.0.0.1:${deadPort}`,
    ];
    const { status, stdout, stderr } = await run(["probe", "--timeout", "300ms", ...urls]);
    expect({ status, stderr }).toEqual({ status: 5, stderr: "" });
    expect(lines(stdout).map(cells)).toEqual([
      ["proxy", "speaks", "methods", "names", "ipv6", "udp", "bind", "ms", "what it is"],
      [
        `socks5h://127.0.0.1:${silent.port}`,
        ...Array.from({ length: 7 }, () => "-"),
        "no SOCKS, and nothing else that is known",
      ],
      [`socks5h://127.0.0.1:${proxy.port}`, "5 4a 4", "none", "yes", "yes", "no", "no", "N"],
      [
        `socks5://alice:***@127.0.0.1:${deadPort}`,
        ...Array.from({ length: 7 }, () => "-"),
        "ERR_SOCKS_PROXY_UNREACHABLE (ECONNREFUSED)",
      ],
    ]);
  });

  test("--full shows the report of each", async () => {
    const { stdout } = await run(["probe", "--full", `127.0.0.1:${proxy.port}`, `socks4://127.0.0.1:${proxy.port}`]);
    expect(lines(stdout).filter((line) => line.includes("speaks"))).toHaveLength(2);
  });

  test("--json is a line for each, with the error of those that cannot be asked", async () => {
    const { status, stdout, stderr } = await run([
      "probe",
      "--json",
      `127.0.0.1:${deadPort}`,
      `127.0.0.1:${proxy.port}`,
    ]);
    expect({ status, stderr }).toEqual({ status: 4, stderr: "" });
    expect(lines(stdout).map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        proxy: `socks5h://127.0.0.1:${deadPort}`,
        error: { code: "ERR_SOCKS_PROXY_UNREACHABLE", stage: "dial-proxy" },
      },
      { proxy: `socks5h://127.0.0.1:${proxy.port}`, protocol: "socks" },
    ]);
  });

  test("as many at a time as --concurrency says", async () => {
    let most = 0;
    const counting = await listenTcp((socket) => {
      most = Math.max(most, counting.sockets.size);
      setTimeout(() => socket.destroy(), 20);
    });
    const urls = Array.from({ length: 6 }, () => `127.0.0.1:${counting.port}`);
    await run(["probe", "--concurrency", "1", "--timeout", "1s", ...urls]);
    // Two languages of others are tried at once.
    expect(most).toBeLessThanOrEqual(2);
    await counting.close();
  });
});

describe("lists", () => {
  test("from a file: comments, empty lines, and lines that cannot be read", async () => {
    const file = join(folder, "list.txt");
    await writeFile(
      file,
      `\uFEFF# proxies\r\n\r\n127.0.0.1:${proxy.port} # ours\r\nftp://bob:opensesame@127.0.0.1\r\n  socks5://127.0.0.1:${proxy.port}\r\n:::\n`,
    );
    const { status, stdout, stderr } = await run(["probe", "--file", file]);
    expect(status).toBe(2);
    expect(
      lines(stdout)
        .slice(1)
        .map((line) => line.split(" ")[0]),
    ).toEqual([`socks5h://127.0.0.1:${proxy.port}`, `socks5://127.0.0.1:${proxy.port}`]);
    expect(lines(stderr)).toHaveLength(2);
    expect(lines(stderr)[0]).toMatch(/list\.txt, line 4: .*unknown scheme.*\[ERR_SOCKS_BAD_LIST\]$/u);
    expect(lines(stderr)[1]).toMatch(/list\.txt, line 6: /u);
    expect(stderr).not.toContain("opensesame");
  });

  test.each([["-"], ["--file", "-"]])("from standard input: %s %s", async (...args) => {
    const { status, stdout } = await run(["probe", "--json", ...args], { input: `127.0.0.1:${proxy.port}\n` });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ protocol: "socks" });
  });

  test.each([
    [["probe"], "no proxy given"],
    [["probe", "-"], "no proxy given"],
    [["probe", "-", "--file", "-"], "standard input can be read once only"],
    [["probe", "--concurrency", "0", "h"], "no number from 1 to 256"],
    [["probe", "--concurrency", "257", "h"], "no number from 1 to 256"],
  ])("%o is wrong", async (args, message) => {
    const { status, stderr } = await run(args);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) as string });
  });

  test("a file that is not there", async () => {
    const { status, stderr } = await run(["probe", "--file", join(folder, "missing")]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot read .*missing: ENOENT \[ERR_SOCKS_FILE\]/u);
  });
});

test("a signal ends it: what is known is written, whatever its place", async () => {
  const urls = [`127.0.0.1:${silent.port}`, `127.0.0.1:${proxy.port}`, `127.0.0.1:${silent.port}`];
  const child = start(["probe", "--timeout", "10s", "-v", ...urls], { input: "" });
  const said = await firstLine(child.stderr);
  expect(said).toContain(`127.0.0.1:${proxy.port}: socks`);
  child.kill("SIGINT");
  const { status, stdout } = await finish(child);
  expect(status).toBe(130);
  expect(lines(stdout).map((line) => line.split(" ")[0])).toEqual(["proxy", `socks5h://127.0.0.1:${proxy.port}`]);
});
