// Identification with real programs: oidentd as the daemon that we ask, curl as the client that is asked for, and
// netcat as an asker of our daemon.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { askIdent, type IdentReply, userIdText } from "@sockskit/identd";
import { createServer, type ServerOptions, type SessionDenied } from "@sockskit/server";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

const SOCKSKIT = fileURLToPath(new URL("../bin/sockskit.js", import.meta.resolve("sockskit")));
const USER = userInfo().username;
const required = process.env["CI"] === "true";

function has(program: string): boolean {
  const isThere = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"].some((folder) => {
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

const hasOidentd = has("oidentd");
const hasCurl = has("curl");
const hasNetcat = has("nc");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Starts a program on a free port, and waits until it listens there. */
async function startDaemon(command: string, options: (port: number) => readonly string[]): Promise<number> {
  const port = await freePort();
  const child = spawn(command, options(port), {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => (complaints += String(chunk)));
  const exit = once(child, "exit");
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  for (let tries = 0; tries < 200; tries++) {
    if (await canConnect(port)) return port;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new TypeError(`${command} does not listen: ${complaints}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function startOidentd(options: readonly string[] = [], configuration?: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "sockskit-oidentd-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "oidentd.conf");
  await writeFile(file, configuration ?? "default { default { deny spoof } }\n");
  // Whoever may change users runs it as nobody, as the package does; others as themselves.
  const who = userInfo().uid === 0 ? [] : ["-u", String(userInfo().uid), "-g", String(userInfo().gid)];
  const setup = ["-i", "-S", "-a", "127.0.0.1", "-C", file, ...who, ...options];
  return startDaemon("oidentd", (port) => [...setup, "-p", String(port)]);
}

/** A connection of this user over loopback, as the host sees it that is asked about it. */
async function openConnection(): Promise<{ remote: IpAddress; local: IpAddress }> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  cleanups.push(() => {
    socket.destroy();
    accepted.destroy();
    server.close();
  });
  return {
    remote: parseIpAddress("127.0.0.1", accepted.remotePort) as IpAddress,
    local: parseIpAddress("127.0.0.1", accepted.localPort) as IpAddress,
  };
}

function shown(reply: IdentReply): string {
  return reply.type === "error" ? reply.errorType : `${reply.opsys} ${userIdText(reply)}`;
}

describe.skipIf(!hasOidentd)("oidentd, asked by ours", () => {
  test.each([
    ["whose a connection is", [], `UNIX ${USER}`],
    ["an operating system of its own", ["-oBEOS"], `BEOS ${USER}`],
    ["OTHER", ["-o"], `OTHER ${USER}`],
    ["a fixed answer", ["-R", "somebody"], "UNIX somebody"],
  ])("%s", async (_what, options, answer) => {
    const port = await startOidentd(options);
    expect(shown(await askIdent({ ...(await openConnection()), port }))).toBe(answer);
  });

  test("a charset", async () => {
    const port = await startOidentd(["-c", "UTF-8"]);
    const reply = await askIdent({ ...(await openConnection()), port });
    expect(reply).toMatchObject({ type: "userid", opsys: "UNIX", charset: "UTF-8" });
  });

  test.each([
    ["no such connection", [], "NO-USER"],
    ["-e: no reasons", ["-e"], "UNKNOWN-ERROR"],
  ])("%s", async (_what, options, answer) => {
    const port = await startOidentd(options);
    const { remote, local } = await openConnection();
    expect(shown(await askIdent({ remote: { ...remote, port: 1 }, local, port }))).toBe(answer);
  });

  test("a user who hides", async () => {
    const port = await startOidentd([], "default { default { force hide } }\n");
    expect(shown(await askIdent({ ...(await openConnection()), port }))).toBe("HIDDEN-USER");
  });
});

/** What curl says when it goes through our server by SOCKS 4 as this user. */
async function curlAs(
  userId: string,
  ident: ServerOptions["ident"] = {},
): Promise<{ said: string; denied: SessionDenied[] }> {
  const server = createServer({ listen: [{ port: 0 }], ident });
  const denied: SessionDenied[] = [];
  server.on("denied", (event) => denied.push(event));
  cleanups.push(() => server.close());
  const [listener] = await server.listen();
  const target = net.createServer((socket) => {
    socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nhello"));
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  cleanups.push(() => target.close());
  const url = `http://127.0.0.1:${(target.address() as net.AddressInfo).port}/`;
  const proxy = `socks4://${userId}@127.0.0.1:${listener?.port}`;
  const options = ["--silent", "--show-error", "--max-time", "15", "--noproxy", "", "--proxy", proxy, url];
  const said = await new Promise<string>((resolve) => {
    execFile("curl", options, (_error, stdout, stderr) => resolve((stdout + stderr).trim()));
  });
  return { said, denied };
}

describe.skipIf(!hasOidentd || !hasCurl)("curl by SOCKS 4, our server, oidentd", () => {
  test("the user that it is", async () => {
    const port = await startOidentd();
    expect((await curlAs(USER, { mode: "require", port })).said).toBe("hello");
    expect((await curlAs(USER, { mode: "ask", port })).said).toBe("hello");
  });

  test.each(["ask", "require"] as const)("%s: another user gets 93", async (mode) => {
    const port = await startOidentd();
    const { said, denied } = await curlAs(`${USER}x`, { mode, port });
    expect(said).toContain("(93), request rejected because the client program and identd report different user-ids");
    expect(denied).toMatchObject([{ code: "ERR_SOCKS_IDENT_MISMATCH", rep: 0x5d, ident: { userId: USER } }]);
  });

  test("require: who hides gets 92, who only is asked goes on", async () => {
    const port = await startOidentd([], "default { default { force hide } }\n");
    const { said, denied } = await curlAs(USER, { mode: "require", port });
    expect(said).toContain("(92), request rejected because SOCKS server cannot connect to identd on the client");
    expect(denied).toMatchObject([{ rep: 0x5c, ident: { error: "HIDDEN-USER" } }]);
    expect((await curlAs(USER, { mode: "ask", port })).said).toBe("hello");
  });
});

describe.skipIf(!hasNetcat || process.platform !== "linux")("netcat, asking sockskit identd", () => {
  const startIdentd = (...options: readonly string[]): Promise<number> =>
    startDaemon(process.execPath, (port) => [SOCKSKIT, "identd", `127.0.0.1:${port}`, ...options]);

  /** What netcat prints when it is given these lines, and ends its side. */
  function netcat(port: number, lines: string): Promise<string> {
    return new Promise((resolve) => {
      const child = execFile("nc", ["-N", "-w", "10", "127.0.0.1", String(port)], (error, stdout) => {
        resolve(error === null ? stdout : `failed: ${stdout}`);
      });
      // A daemon that turns it away at once is told nothing any more.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(lines);
    });
  }

  test.each([
    [[], `USERID:UNIX:${USER}`],
    [["--tell", "uid"], `USERID:UNIX:${userInfo().uid}`],
    [["--tell", "hidden"], "ERROR:HIDDEN-USER"],
    [["--tell", "fixed:nobody in particular"], "USERID:UNIX:nobody in particular"],
  ])("sockskit identd %j", async (options, words) => {
    const port = await startIdentd(...options);
    const { remote, local } = await openConnection();
    const pair = `${remote.port},${local.port}`;
    expect(await netcat(port, `${remote.port} , ${local.port}\n1,1\n`)).toBe(
      `${pair}:${words}\r\n1,1:ERROR:NO-USER\r\n`,
    );
  });

  test("it tells nobody but its peers", async () => {
    const port = await startIdentd("--peer", "192.0.2.0/24");
    expect(await netcat(port, "1,1\n")).toMatch(/^(failed: )?$/);
  });
});
