import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readOctets } from "@sockskit/testing";
import { onTestFinished } from "vitest";

const EXECUTABLE = resolve(import.meta.dirname, "../../bin/sockskitd.js");
const DEADLINE_MS = 15_000;

/** A folder of its own for a test, which is gone after it. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "sockskitd-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the log. */
export type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface SockskitdOptions {
  readonly cwd?: string;
  /** What it reads from standard input. */
  readonly input?: string;
  /** Who runs it. Default: who runs the test. */
  readonly user?: { readonly uid?: number; readonly gid?: number };
  /** Paths of modules that are loaded before it. */
  readonly preludes?: readonly string[];
  /** Whether nobody reads its standard output. */
  readonly unread?: boolean;
}

/** The real executable. It is ended after the test, whatever happened. */
export class Sockskitd {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(words: readonly string[], options: SockskitdOptions = {}) {
    const { cwd, input, user = {}, preludes = [], unread = false } = options;
    const imports = preludes.flatMap((path) => ["--import", path]);
    this.child = spawn(process.execPath, [...imports, EXECUTABLE, ...words], {
      cwd,
      ...user,
      stdio: ["pipe", "pipe", "pipe"],
    });
    onTestFinished(() => void this.child.kill("SIGKILL"));
    this.child.stdin?.on("error", () => undefined);
    this.child.stdin?.end(input);
    if (!unread) this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    const end = unread ? "exit" : "close";
    this.finished = once(this.child, end).then(([status]) => ({
      status: status as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** The lines of the log so far. */
  lines(): readonly Line[] {
    return this.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  /** Waits for the log to say something. */
  async line(matches: string | ((line: Line) => boolean), after = 0): Promise<Line> {
    const test = typeof matches === "string" ? (line: Line) => line.msg === matches : matches;
    return this.#until(() => this.lines().slice(after).find(test), `the line ${String(matches)}`);
  }

  /** Port of a listener, once it is open. */
  async port(index = 0): Promise<number> {
    const open = (): readonly Line[] => this.lines().filter(({ msg }) => msg === "listening");
    const line = await this.#until(() => open()[index], "a listener");
    return line["port"] as number;
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const end = performance.now() + DEADLINE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (performance.now() > end) throw new TypeError(`no ${what}: ${this.stdout}${this.stderr}`);
      if (this.child.exitCode !== null && look() === undefined) {
        await this.finished;
        if (look() === undefined) throw new TypeError(`ended without ${what}: ${this.stdout}${this.stderr}`);
      }
      await new Promise((wake) => setTimeout(wake, 10));
    }
  }
}

/** Starts it and waits for the end. */
export function runToEnd(words: readonly string[], options: SockskitdOptions = {}): Promise<Finished> {
  return new Sockskitd(words, options).finished;
}

/** Somebody without privileges who can run it; `undefined`, with the reason on the console, when there is nobody. */
export function unprivilegedUser(): { uid?: number; gid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const nobody = { uid: 65_534, gid: 65_534 };
  const probe = spawnSync(process.execPath, [EXECUTABLE, "--version"], nobody);
  if (probe.status === 0) return nobody;
  console.warn("skipped: these tests run as root, and user 65534 may not read this folder");
  return undefined;
}

/** A connection to the proxy that has sent nothing. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** RFC 1928 section 4: CONNECT to an IPv4 address of 127.0.0.0/8. */
function connectRequest(targetPort: number, host = [127, 0, 0, 1]): Uint8Array {
  return Uint8Array.of(0x05, 0x01, 0x00, 0x01, ...host, targetPort >> 8, targetPort & 0xff);
}

/** CONNECT without authentication; gives the REP octet. */
export async function openTunnel(
  port: number,
  targetPort: number,
  host?: number[],
): Promise<{ socket: Socket; rep: number }> {
  const socket = await connectTo(port);
  socket.write(Uint8Array.of(0x05, 0x01, 0x00));
  await readOctets(socket, 2);
  socket.write(connectRequest(targetPort, host));
  const reply = await readOctets(socket, 10);
  return { socket, rep: reply[1] as number };
}

/** RFC 1929 log-in; gives the STATUS octet, or 0xff when the method is not offered. */
export async function logIn(port: number, name: string, password: string): Promise<{ socket: Socket; status: number }> {
  const socket = await connectTo(port);
  socket.write(Uint8Array.of(0x05, 0x01, 0x02));
  const [, method] = await readOctets(socket, 2);
  if (method !== 0x02) return { socket, status: 0xff };
  const octets = [Buffer.from(name), Buffer.from(password)];
  socket.write(Buffer.concat([Uint8Array.of(0x01), ...octets.flatMap((text) => [Uint8Array.of(text.length), text])]));
  const [, status] = await readOctets(socket, 2);
  return { socket, status: status as number };
}
