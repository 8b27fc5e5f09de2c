import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { createServer, type ServerOptions } from "@sockskit/server";
import { certificatePair, certificatePath, listenEcho, type LoopbackServer } from "@sockskit/testing";
import { afterEach, expect, test } from "vitest";

import { run, stopAll } from "./run-sockskit.ts";

const EXECUTABLE = fileURLToPath(new URL("../bin/sockskit.js", import.meta.url));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await stopAll();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(options: ServerOptions): Promise<string> {
  const server = createServer({
    listen: [{ port: 0 }],
    timeouts: { loginFailureMs: 0 },
    credentials: [{ name: "alice", password: { plain: "correct-horse" } }],
    ...options,
  });
  cleanups.push(() => server.close());
  const [address] = await server.listen();
  return `socks5h://alice:correct-horse@localhost:${address?.port}`;
}

async function echo(): Promise<string> {
  const server: LoopbackServer = await listenEcho();
  cleanups.push(server.close);
  return `127.0.0.1:${server.port}`;
}

test("chap", async () => {
  const proxy = await serve({ authMethods: ["chap"] });
  const args = ["connect", "--proxy-auth", "chap", "-x"];
  expect(await run([...args, proxy, await echo()], { input: "hello" })).toMatchObject({ status: 0, stdout: "hello" });
  const wrong = await run([...args, proxy.replace("correct-horse", "wrong"), "127.0.0.1:1"]);
  expect(wrong).toMatchObject({ status: 6 });
  expect(wrong.stderr).toContain("ERR_SOCKS_AUTH_REJECTED");
});

test("ssl, with chap inside it, and a certificate that is trusted or not", async () => {
  const proxy = await serve({ authMethods: ["ssl"], ssl: { ...certificatePair("server"), authMethods: ["chap"] } });
  const target = await echo();
  const args = ["connect", "-x", proxy, target, "--proxy-auth", "ssl/chap"];
  const trusted = await run([...args, "--ssl-cacert", certificatePath("authority")], { input: "hello" });
  expect(trusted).toMatchObject({ status: 0, stdout: "hello" });
  const doubted = await run(args);
  expect(doubted).toMatchObject({ status: 6 });
  expect(doubted.stderr).toContain("ERR_SOCKS_AUTH_UNTRUSTED");
  expect(doubted.stderr).not.toContain("correct-horse");
});

test("cram asks the person at the terminal, and leaves standard input alone", async () => {
  const proxy = await serve({ authMethods: ["cram"] });
  const target = await echo();
  const command = [process.execPath, EXECUTABLE, "connect", "--proxy-auth", "cram", "-x", proxy, target];
  const line = `${command.map((word) => `'${word}'`).join(" ")} < /dev/null`;
  const child = spawn("script", ["-qec", line, "/dev/null"], { env: { PATH: process.env["PATH"] ?? "" } });
  cleanups.push(() => child.kill("SIGKILL"));
  let screen = "";
  child.stdout.on("data", (chunk) => {
    screen += String(chunk);
    if (screen.endsWith("Password: ")) child.stdin.write("correct-horse\r");
  });
  const [status] = (await once(child, "exit", { signal: AbortSignal.timeout(15_000) })) as [number];
  expect(screen).toContain("asks:");
  expect(screen).not.toContain("correct-horse");
  expect(status).toBe(0);
});

test("cram without a terminal says what is missing", async () => {
  const proxy = await serve({ authMethods: ["cram"] });
  const line = ["--wait", process.execPath, EXECUTABLE, "connect", "--proxy-auth", "cram", "-x", proxy, "127.0.0.1:1"];
  const child = spawn("setsid", line, { stdio: ["ignore", "ignore", "pipe"] });
  cleanups.push(() => child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const [status] = (await once(child, "close", { signal: AbortSignal.timeout(15_000) })) as [number];
  expect({ status, said }).toEqual({ status: 6, said: expect.stringContaining("ERR_SOCKS_NO_TERMINAL") as string });
});

test.each([
  ["nds", "nobody has published"],
  ["maf", "@sockskit/client"],
  ["ssl/ssl", "is no method"],
  ["chap,", "is no method"],
])("--proxy-auth %s is refused", async (methods, why) => {
  const { status, stderr } = await run([
    "connect",
    "--proxy-auth",
    methods,
    "-x",
    "socks5h://127.0.0.1:1",
    "127.0.0.1:1",
  ]);
  expect(status).toBe(2);
  expect(stderr).toContain(why);
});

test.each(["socks4a://127.0.0.1:1", "http://127.0.0.1:1"])(
  "--proxy-auth is refused where nobody uses it: %s",
  async (proxy) => {
    const { status, stderr } = await run(["connect", "--proxy-auth", "chap", "-x", proxy, "127.0.0.1:1"]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining("no proxy here speaks it") as string,
    });
  },
);
