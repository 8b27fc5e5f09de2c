import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import {
  createServer,
  type ListenOptions,
  type ServerOptions,
  type SessionConnected,
  type SessionDenied,
} from "@sockskit/server";
import { certificatePair } from "@sockskit/testing";
import { afterEach } from "vitest";

const required = process.env["CI"] === "true";
const PATH = `${process.env["PATH"]}:/usr/sbin`;

/** Whether a program is installed. Where it must be, the tests run and fail without it. */
export function has(program: string): boolean {
  const isThere = PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!isThere && !required) console.log(`skipped: ${program} is not installed`);
  return isThere || required;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sockskit-listeners-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A file of this content, gone after the test. */
export function file(name: string, content: string): string {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Starts a program that listens on a port, and waits until it does. */
export async function start(argv: readonly string[], port: number): Promise<void> {
  const [command = "", ...options] = argv;
  const child = spawn(command, options, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PATH } });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk) => (said += String(chunk)));
  const exit = once(child, "exit");
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  for (let tries = 0; tries < 400; tries++) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new TypeError(`${command} does not listen: ${said}`);
}

export interface Ended {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], input?: string | Buffer): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { encoding: "buffer" as const, maxBuffer: 2 ** 28, timeout: 60_000, env: { ...process.env, PATH } };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      resolve({
        status: typeof error?.code === "number" ? error.code : error === null ? 0 : 1,
        stdout,
        stderr: stderr.toString(),
      });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}

export interface Running {
  readonly port: number;
  readonly connected: SessionConnected[];
  readonly denied: SessionDenied[];
}

/** A server with one listener, on a free port unless it is a Unix socket. */
export async function serve(entry: ListenOptions, options: Omit<ServerOptions, "listen"> = {}): Promise<Running> {
  const server = createServer({ listen: [entry.unix === undefined ? { port: 0, ...entry } : entry], ...options });
  const connected: SessionConnected[] = [];
  const denied: SessionDenied[] = [];
  server.on("connected", (event) => connected.push(event)).on("denied", (event) => denied.push(event));
  cleanups.push(() => server.close());
  const [first] = await server.listen();
  return { port: first?.port ?? 0, connected, denied };
}

/** A web server that gives `body`, and says what it was sent. */
export async function startWeb(body: Buffer): Promise<{ port: number; received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(Buffer.concat(chunks));
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as net.AddressInfo).port, received };
}

/** SHA-256 of what arrived. */
export function digest(data: Buffer | undefined): string {
  return createHash("sha256")
    .update(data ?? "nothing")
    .digest("hex");
}

/** TLS of a listener, with the certificate for localhost. */
export const TLS = { certificates: [certificatePair("server")] } as const;
