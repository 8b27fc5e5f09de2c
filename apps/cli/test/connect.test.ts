import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { type LoopbackServer, listenEcho, listenTcp, readOctets } from "@sockskit/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { collect, finish, run, start, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

const SIZE = 50 * 1024 * 1024;

let proxy: TestProxy;
let servers: LoopbackServer[];

beforeEach(async () => {
  proxy = await startProxy();
  servers = [proxy];
});

afterEach(async () => {
  await stopAll();
  await Promise.all(servers.map((server) => server.close()));
});

async function listen(onConnection: (socket: Socket) => void): Promise<LoopbackServer> {
  const server = await listenTcp(onConnection);
  servers.push(server);
  return server;
}

const through = (...schemes: string[]): string[] =>
  schemes.flatMap((scheme) => ["-x", `${scheme}://127.0.0.1:${proxy.port}`]);

describe("connect", () => {
  test.each([
    ["socks4", "4 1 127.0.0.1"],
    ["socks4a", "4a 1 name localhost"],
    ["socks5", "5 1 127.0.0.1"],
    ["socks5h", "5 1 name localhost"],
    ["socks", "5 1 name localhost"],
  ])("through %s", async (scheme, request) => {
    const echo = await listenEcho();
    servers.push(echo);
    const args = ["connect", "-4", ...through(scheme), `localhost:${echo.port}`];
    expect(await run(args, { input: "hello" })).toEqual({ status: 0, stdout: "hello", stderr: "" });
    expect(proxy.requests).toEqual([`${request} ${echo.port}`]);
  });

  test("through auto, which says with -v what it found", async () => {
    const old = await listen((socket) => {
      socket.once("data", (first: Buffer) => {
        if (first[0] === 0x05) return void socket.end();
        socket.write(Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0]));
        socket.pipe(socket);
      });
    });
    const args = ["connect", "-v", "-x", `auto://127.0.0.1:${old.port}`, "server.example:80"];
    const { status, stdout, stderr } = await run(args, { input: "hello" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "hello" });
    const said = stderr.split("\n").map((line) => line.replace(/^ *\d+ ms {2}/, ""));
    expect(said).toContain(`socks5h://127.0.0.1:${old.port}: SOCKS 5: closed the connection instead of answering`);
    expect(said).toContain(`socks4a://127.0.0.1:${old.port}: speaks SOCKS 4A`);
  });

  test("through auto from the environment", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const env = { SOCKS_SERVER: `127.0.0.1:${proxy.port}`, SOCKS_VERSION: "auto" };
    expect(await run(["connect", `localhost:${echo.port}`], { input: "x", env })).toMatchObject({
      status: 0,
      stdout: "x",
    });
    expect(proxy.requests).toEqual([`5 1 name localhost ${echo.port}`]);
  });

  test("through a chain, one -x per hop, or all in one", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const expected = [`4a 1 127.0.0.1 ${proxy.port}`.replace("4a", "4"), `5 1 name server.example ${echo.port}`];
    const target = `server.example:${echo.port}`;
    expect(await run(["connect", ...through("socks4a", "socks5h"), target], { input: "x" })).toMatchObject({
      stdout: "x",
    });
    expect(proxy.requests).toEqual(expected);
    const chain = `socks4a://127.0.0.1:${proxy.port} socks5h://127.0.0.1:${proxy.port}`;
    expect(await run(["connect", "-x", chain, target], { input: "y" })).toMatchObject({ stdout: "y" });
  });

  test("finds the proxy in the environment, and past it where no_proxy says so", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const env = { all_proxy: `socks5h://127.0.0.1:${proxy.port}` };
    const target = `127.0.0.1:${echo.port}`;
    expect(await run(["connect", target], { env, input: "x" })).toMatchObject({ status: 0, stdout: "x" });
    expect(proxy.requests).toHaveLength(1);
    const bypassed = await run(["connect", "-v", target], { env: { ...env, no_proxy: "127.0.0.0/8" }, input: "y" });
    expect(bypassed).toMatchObject({ status: 0, stdout: "y" });
    expect(bypassed.stderr).toContain('without a proxy: no_proxy lists "127.0.0.0/8"');
    expect(proxy.requests).toHaveLength(1);
    const broken = { all_proxy: "ftp://proxy.example:3128", no_proxy: "127.0.0.1" };
    expect(await run(["connect", target], { env: broken, input: "z" })).toMatchObject({ status: 0, stdout: "z" });
    const other = await run(["connect", "192.0.2.1:1"], { env: broken });
    expect(other).toMatchObject({ status: 2, stderr: expect.stringContaining("all_proxy") as string });
  });

  test("a server that speaks first is heard first", async () => {
    const server = await listen((socket) => {
      socket.write("220 ready\r\n");
      socket.on("data", (line) => socket.end(`250 ${line.toString()}`));
    });
    const child = start(["connect", ...through("socks5h"), `127.0.0.1:${server.port}`]);
    expect((await once(child.stdout, "data"))[0].toString()).toBe("220 ready\r\n");
    child.stdin.end("HELO\r\n");
    expect(await finish(child)).toEqual({ status: 0, stdout: "250 HELO\r\n", stderr: "" });
  });

  test("the end of standard input travels, and the answer still comes", async () => {
    const server = await listen((socket) => {
      const parts: Buffer[] = [];
      socket.on("data", (part: Buffer) => parts.push(part));
      socket.on("end", () => setTimeout(() => socket.end(`got ${Buffer.concat(parts).toString()}`), 100));
    });
    const args = ["connect", ...through("socks5h"), `127.0.0.1:${server.port}`];
    expect(await run(args, { input: "question" })).toEqual({ status: 0, stdout: "got question", stderr: "" });
  });

  test("the end of the destination travels, and standard input goes on", async () => {
    let received = "";
    const server = await listen((socket) => {
      socket.end("answer");
      socket.on("data", (part) => (received += part.toString()));
    });
    const child = start(["connect", ...through("socks5h"), `127.0.0.1:${server.port}`]);
    // Standard output ends while the program is running and its standard input is open.
    expect((await collect(child.stdout)).toString()).toBe("answer");
    expect(child.exitCode).toBeNull();
    child.stdin.write("late ");
    await expect.poll(() => received).toBe("late ");
    child.stdin.end("question");
    expect((await finish(child)).status).toBe(0);
    expect(received).toBe("late question");
  });

  test("50 MiB each way at the same time, every octet in its place", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const data = randomBytes(SIZE);
    const child = start(["connect", ...through("socks5h"), `127.0.0.1:${echo.port}`], { input: data });
    const hash = createHash("sha256");
    let size = 0;
    child.stdout.on("data", (part: Buffer) => {
      size += part.length;
      hash.update(part);
    });
    const [status] = (await once(child, "close")) as [number];
    expect({ status, size }).toEqual({ status: 0, size: SIZE });
    expect(hash.digest("hex")).toBe(createHash("sha256").update(data).digest("hex"));
  });

  test("a slow reader slows the sender down", async () => {
    let sent = 0;
    const server = await listen((socket) => {
      const part = Buffer.alloc(65_536);
      const more = (): void => {
        while (sent < SIZE && !socket.destroyed) {
          sent += part.length;
          if (!socket.write(part)) return;
        }
      };
      socket.on("drain", more);
      more();
    });
    const child = start(["connect", ...through("socks5h"), `127.0.0.1:${server.port}`]);
    child.stdout.pause();
    await expect.poll(() => sent, { timeout: 5000 }).toBeGreaterThan(65_536);
    let before = -1;
    // Until nothing moves any more.
    await expect
      .poll(
        () => {
          const isSame = before === sent;
          before = sent;
          return isSame;
        },
        { interval: 500, timeout: 10_000 },
      )
      .toBe(true);
    expect(sent).toBeLessThan(SIZE);
    child.kill();
  });

  test("a reader that goes away ends it quietly", async () => {
    const server = await listen((socket) => {
      const timer = setInterval(() => socket.write("tick\n"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const child = start(["connect", ...through("socks5h"), `127.0.0.1:${server.port}`]);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [status] = (await once(child, "exit")) as [number];
    expect(status).toBe(141);
    expect((await collect(child.stderr)).toString()).toBe("");
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("standard output may be a file, and standard input closed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sockskit-"));
    try {
      const server = await listen((socket) => socket.end("to the file"));
      const file = await open(join(folder, "out"), "w");
      const executable = fileURLToPath(new URL("../bin/sockskit.js", import.meta.url));
      const child = spawn(
        process.execPath,
        [executable, "connect", ...through("socks5h"), `127.0.0.1:${server.port}`],
        {
          stdio: ["ignore", file.fd, "inherit"],
        },
      );
      expect(await once(child, "exit")).toEqual([0, null]);
      await file.close();
      expect(await readFile(join(folder, "out"), "utf8")).toBe("to the file");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("-v tells each step, -vv the octets", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const url = `socks5h://127.0.0.1:${proxy.port}`;
    const { stderr } = await run(["connect", "-vv", "-x", url, `server.example:${echo.port}`], { input: "x" });
    const lines = stderr.split("\n").map((line) => line.replace(/^ *\d+ ms {2}/, ""));
    const port = Buffer.from([echo.port >> 8, echo.port & 0xff])
      .toString("hex")
      .replace(/..$/, " $&");
    expect(lines).toEqual([
      `${url}: dialling 127.0.0.1:${proxy.port}`,
      `${url}: connected to 127.0.0.1:${proxy.port}`,
      "> 05 01 00",
      "< 05 00",
      `${url}: chose the method none`,
      `${url}: asks for no credentials`,
      `> 05 01 00 03 0e 73 65 72 76 65 72 2e 65 78 61 6d 70 6c 65 ${port}`,
      "< 05 00 00 01 00 00 00 00 00 00",
      `${url}: connected to server.example:${echo.port}, from 0.0.0.0:0`,
      "",
    ]);
  });

  test("-vv masks the password, whatever its length", async () => {
    const echo = await listenEcho();
    const locked = await startProxy({ user: { name: "alice", password: "opensesame" } });
    servers.push(echo, locked);
    const url = `socks5h://alice:opensesame@127.0.0.1:${locked.port}`;
    const { stderr } = await run(["connect", "-vv", "-x", url, `127.0.0.1:${echo.port}`], { input: "x" });
    expect(stderr).toMatch(/^ *\d+ ms {2}> 01 05 61 6c 69 63 65 \[secret\]$/m);
  });

  test("--json tells where it went and how much it carried", async () => {
    const echo = await listenEcho();
    servers.push(echo);
    const { status, stderr } = await run(["connect", "--json", ...through("socks5h"), `127.0.0.1:${echo.port}`], {
      input: "hello",
    });
    expect(status).toBe(0);
    const [connected, closed] = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(connected).toMatchObject({
      type: "connected",
      destination: `127.0.0.1:${echo.port}`,
      proxies: [`socks5h://127.0.0.1:${proxy.port}`],
    });
    expect(closed).toEqual({ type: "closed", bytesSent: 5, bytesReceived: 5 });
  });

  test("warns about a password that SOCKS 4 cannot send", async () => {
    const server = await listen((socket) => void readOctets(socket, 1).then(() => socket.end()));
    const url = `socks4a://fred:opensesame@127.0.0.1:${proxy.port}`;
    const { status, stderr } = await run(["connect", "-x", url, `127.0.0.1:${server.port}`], { input: "x" });
    expect(status).toBe(0);
    expect(stderr).toBe("sockskit: SOCKS 4 knows no password: the one given is not sent\n");
    expect(proxy.requests).toEqual([`4 1 127.0.0.1 ${server.port} fred`]);
  });
});
