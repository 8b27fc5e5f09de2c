// CHAP with a real client: PuTTY's plink, which takes proxies from saved sessions only.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createServer, type ServerOptions, type SessionDenied } from "@sockskit/server";
import { afterEach, describe, expect, test } from "vitest";

const required = process.env["CI"] === "true";
const hasPlink = required || has("plink");

function has(program: string): boolean {
  const isThere = (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!isThere) console.log(`skipped: ${program} is not installed (Debian package putty-tools)`);
  return isThere;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Served {
  readonly port: number;
  readonly methods: string[];
  readonly denied: SessionDenied[];
}

/** Our server, with what it tells. */
async function serve(options: ServerOptions): Promise<Served> {
  const server = createServer({ listen: [{ port: 0 }], timeouts: { loginFailureMs: 0 }, ...options });
  cleanups.push(() => server.close());
  const methods: string[] = [];
  const denied: SessionDenied[] = [];
  server.on("authenticated", ({ method, user }) => methods.push(`${method} ${user}`));
  server.on("denied", (event) => denied.push(event));
  const [address] = await server.listen();
  return { port: address?.port ?? 0, methods, denied };
}

/** A target that answers each chunk with its length, and ends when the other side does. */
async function target(): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => socket.end(`got ${Buffer.concat(chunks).toString()}`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

/** Runs plink through a SOCKS 5 proxy; gives its exit status and what it printed. */
async function plink(
  proxyPort: number,
  password: string,
  host: string,
  port: number,
): Promise<{ status: number | null; out: string; err: string }> {
  const home = await mkdtemp(join(tmpdir(), "sockskit-plink-"));
  cleanups.push(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, ".putty", "sessions"), { recursive: true });
  const session = [
    "PresentAndCorrect=1",
    "Protocol=raw",
    "ProxyMethod=2", // SOCKS 5
    "ProxyDNS=2", // names are looked up by the proxy
    "ProxyLocalhost=1",
    "ProxyHost=127.0.0.1",
    `ProxyPort=${proxyPort}`,
    "ProxyUsername=alice",
    `ProxyPassword=${password}`,
  ];
  await writeFile(join(home, ".putty", "sessions", "chap"), `${session.join("\n")}\n`);
  const child: ChildProcess = spawn("plink", ["-batch", "-raw", "-load", "chap", "-P", String(port), host], {
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, "none") },
    stdio: ["pipe", "pipe", "pipe"],
  });
  cleanups.push(() => child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += String(chunk)));
  child.stderr?.on("data", (chunk) => (err += String(chunk)));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end("hello");
  const [status] = (await once(child, "close")) as [number | null];
  return { status, out, err };
}

const users: ServerOptions = { credentials: [{ name: "alice", password: { plain: "correct-horse" } }] };

describe.runIf(hasPlink)("plink", () => {
  test("proves its password, by name and by address", async () => {
    const { port, methods } = await serve({ ...users, authMethods: ["chap"] });
    const echo = await target();
    for (const host of ["localhost", "127.0.0.1"]) {
      expect(await plink(port, "correct-horse", host, echo)).toMatchObject({ status: 0, out: "got hello" });
    }
    expect(methods).toEqual(["chap alice", "chap alice"]);
  });

  test("gets CHAP where it could send its password, when the server prefers it", async () => {
    const { port, methods } = await serve({ ...users, authMethods: ["chap", "userpass"] });
    const echo = await target();
    expect(await plink(port, "correct-horse", "127.0.0.1", echo)).toMatchObject({ out: "got hello" });
    expect(methods).toEqual(["chap alice"]);
  });

  test.each([
    ["a wrong password", users],
    ["an unknown user", { credentials: [{ name: "bob", password: { plain: "correct-horse" } }] }],
  ])("%s is refused, and plink says so", async (_what, known) => {
    const { port, methods, denied } = await serve({ ...known, authMethods: ["chap"] });
    const echo = await target();
    const { status, out, err } = await plink(port, "battery-staple", "127.0.0.1", echo);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/Proxy error: SOCKS 5 CHAP authentication failed|authentication/i);
    expect(methods).toEqual([]);
    expect(denied).toEqual([expect.objectContaining({ stage: "authenticate", code: "ERR_SOCKS_AUTH_REJECTED" })]);
  });
});
