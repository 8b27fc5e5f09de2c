import { type LoopbackServer, listenEcho } from "@sockskit/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { finish, firstLine, run, type Sockskit, start, stopAll } from "./run-sockskit.ts";

let echo: LoopbackServer;

beforeEach(async () => {
  echo = await listenEcho();
});

afterEach(async () => {
  await stopAll();
  await echo.close();
});

async function serve(...args: string[]): Promise<{ child: Sockskit; line: string; url: string }> {
  const child = start(["serve", ...args]);
  const line = await firstLine(child.stdout);
  return { child, line, url: /socks5h:\/\/[^"\s]+/.exec(line)?.[0] ?? "" };
}

const connectVia = (url: string): ReturnType<typeof run> =>
  run(["connect", "-x", url, `127.0.0.1:${echo.port}`], { input: "hello" });

describe("serve", () => {
  test("serves programs on this host until it is stopped", async () => {
    const { child, line, url } = await serve("0");
    expect(line).toMatch(/^listening on 127\.0\.0\.1:\d+, try -x socks5h:\/\/127\.0\.0\.1:\d+$/);
    expect(await connectVia(url)).toEqual({ status: 0, stdout: "hello", stderr: "" });
    expect(await connectVia(url.replace("socks5h", "socks4a"))).toMatchObject({ status: 0, stdout: "hello" });
    child.kill("SIGINT");
    expect(await finish(child)).toMatchObject({ status: 0, stderr: "" });
  });

  test("--user lets in who knows the password", async () => {
    const { url } = await serve("--user", "alice:open:sesame", "--user", "bob:x", "127.0.0.1:0");
    expect(await connectVia(url)).toMatchObject({ status: 5 });
    expect(await connectVia(url.replace("//", "//alice:wrong@"))).toMatchObject({ status: 6 });
    expect(await connectVia(url.replace("//", "//alice:open%3Asesame@"))).toMatchObject({ status: 0, stdout: "hello" });
  });

  test("-v tells what clients do, --json for programs", async () => {
    const { child, line, url } = await serve("-v", "--json", "0");
    expect(JSON.parse(line)).toMatchObject({ type: "listening", address: "127.0.0.1", url });
    await connectVia(url);
    await run(["connect", "-x", url, "127.0.0.1:1"]);
    await run(["probe", url]);
    child.kill("SIGTERM");
    const { stderr } = await finish(child);
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ type: "connected", version: 5, destination: `127.0.0.1:${echo.port}` });
    expect(events[1]).toMatchObject({ type: "closed", bytesIn: 5, bytesOut: 5, reason: "finished" });
    expect(events[2]).toMatchObject({ type: "closed", reason: "unreachable", code: "ECONNREFUSED" });
    expect(events.map(({ type }) => type)).toContain("denied");
  });

  test("is no open proxy by accident", async () => {
    const refused = await run(["serve", "0.0.0.0:0"]);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("--user NAME:PASSWORD, or --open");
    for (const args of [["--open"], ["--user", "alice:opensesame"]]) {
      const { child, line } = await serve(...args, "0.0.0.0:0");
      expect(line).toContain("listening on 0.0.0.0:");
      child.kill("SIGTERM");
      expect((await finish(child)).status).toBe(0);
    }
  });

  test("a port that is taken", async () => {
    const { status, stdout, stderr } = await run(["serve", String(echo.port)]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("[ERR_SOCKS_LISTEN_FAILED]");
    expect(stderr.split("\n")).toHaveLength(2);
  });
});
