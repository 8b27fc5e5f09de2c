import { createHash, randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type net from "node:net";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, test } from "vitest";
import { openDescriptors, readOctets } from "@sockskit/testing";
import { createServer } from "@sockskit/server";
import {
  afterTest,
  connectName,
  connectTo,
  credentials,
  GREETING,
  GREETING_USERPASS,
  openTunnel,
  pause,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const why = isHere ? "" : " (not run: it needs Linux on x86-64 or arm64)";

/** Threads that were given something to do, the last one last. */
const threads: Worker[] = [];

beforeAll(() => {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this`
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, ...args): void {
    if (threads.at(-1) !== this) threads.push(this);
    postMessage.apply(this, args);
  };
});

describe.runIf(isHere)(`the thread of the fast path${why}`, () => {
  test("serves, is listed, counts, and ends with the server", async () => {
    const { server, port } = await startServer({ engine: "fastpath" });
    const echo = await startEcho();
    const client = await openTunnel(port, echo.port);
    client.write("hello");
    await readOctets(client, 5);
    expect([...server.sessions()]).toEqual([
      expect.objectContaining({ phase: "tunnel", bytesIn: 5, bytesOut: 5, destination: expect.anything() as unknown }),
    ]);
    expect(server.stats).toMatchObject({ sessions: 1, tunnels: 1, connected: 1, accepted: 1, bytesIn: 5, bytesOut: 5 });
    await server.close();
    expect([...server.sessions()]).toEqual([]);
  });

  test("a thread that dies is reported, its sessions end, and another one goes on with its listener", async () => {
    const { server, port, log } = await startServer({ engine: "fastpath" });
    const echo = await startEcho();
    const before = openDescriptors() as number;
    const clients = await Promise.all(Array.from({ length: 5 }, () => openTunnel(port, echo.port)));
    const closed = clients.map((client) => new Promise((resolve) => client.resume().on("close", resolve)));
    await threads.at(-1)?.terminate();
    await Promise.all(closed);
    await until(() => log.error.length > 0, "it is reported");
    expect(log.error[0]).toMatchObject({ code: "ERR_SOCKS_ENGINE" });
    expect(log.error[0]?.message).toContain("5 sessions ended");
    await openTunnel(port, echo.port);
    expect(server.stats).toMatchObject({ sessions: 1, tunnels: 1, handshakes: 0 });
    await until(() => (openDescriptors() as number) <= before + 8, "nothing of it is left open");
  });

  test("the process ends while the thread waits", async () => {
    const script = `
      import { createServer } from "@sockskit/server";
      await createServer({ engine: "fastpath", listen: [{ port: 0 }] }).listen();
      setTimeout(() => process.exit(7), 100);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { cwd: import.meta.dirname });
    afterTest(() => child.kill());
    const [status] = (await once(child, "exit")) as [number];
    expect(status).toBe(7);
  });

  test("a reload cannot change the engine, and need not name it", async () => {
    const { server } = await startServer({ engine: "fastpath" });
    await expect(server.reload({ engine: "portable", listen: [{ port: 0 }] })).rejects.toMatchObject({
      code: "ERR_SOCKS_BAD_OPTION",
      path: ["engine"],
    });
    await server.reload({ listen: [{ port: 0 }] });
  });

  test("closing while it starts leaves nothing behind", async () => {
    const server = createServer({ engine: "fastpath", listen: [{ port: 0 }] });
    const listening = server.listen().catch((error: unknown) => error);
    await server.close();
    expect(await listening).toMatchObject({ code: "ERR_SOCKS_SERVER_STATE" });
  });

  test("a log-in is asked about once, and again after a reload and after a failure", async () => {
    let asked = 0;
    const users = [{ name: "alice", password: { plain: "right" } }];
    const options = { engine: "fastpath", authMethods: ["userpass"], listen: [{ port: 0 }] } as const;
    const { server, port } = await startServer({ ...options, credentials: users });
    const logIn = async (password: string): Promise<string> => {
      const client = await connectTo(port);
      client.write(Buffer.concat([GREETING_USERPASS, credentials("alice", password)]));
      const answer = Buffer.from(await readOctets(client, 4)).toString("hex");
      client.destroy();
      return answer;
    };
    expect(await logIn("right")).toBe("05020100");
    expect(await logIn("right")).toBe("05020100");
    expect(await logIn("wrong")).toBe("05020101");
    expect(server.stats).toMatchObject({ logins: 2, failedLogins: 1 });
    const store = { verify: () => ({ accepted: ++asked > 0, identity: "bob", groups: [] }) as const };
    await server.reload({ ...options, credentials: store as never });
    await logIn("right");
    await logIn("right");
    expect(asked).toBe(2);
  });

  test("a client that has used up its tries is not helped by a log-in that is known", async () => {
    const { port } = await startServer({
      engine: "fastpath",
      authMethods: ["userpass"],
      credentials: [{ name: "alice", password: { plain: "right" } }],
      limits: { loginFailuresPerMinute: 2 },
    });
    const logIn = async (password: string): Promise<string> => {
      const client = await connectTo(port);
      client.write(Buffer.concat([GREETING_USERPASS, credentials("alice", password)]));
      return Buffer.from(await readOctets(client, 4)).toString("hex");
    };
    expect(await logIn("right")).toBe("05020100");
    expect(await logIn("wrong")).toBe("05020101");
    expect(await logIn("wrong")).toBe("05020101");
    expect(await logIn("right")).toBe("05020101");
  });

  test("a client that leaves while its name is looked up ends the look-up", async () => {
    let aborted = false;
    const resolver = {
      resolve: (_name: string, { signal }: { readonly signal?: AbortSignal }) =>
        new Promise<never>((_, reject) => {
          signal?.addEventListener("abort", () => {
            aborted = true;
            reject(new TypeError("aborted"));
          });
        }),
    };
    const { server, port } = await startServer({ engine: "fastpath", outbound: { resolver: resolver as never } });
    const client = await connectTo(port);
    client.write(Buffer.concat([GREETING, connectName("slow.example", 80)]));
    await until(() => [...server.sessions()].some(({ phase }) => phase === "connecting"), "it looks the name up");
    client.resetAndDestroy();
    await until(() => aborted && server.stats.sessions === 0, "it is over");
  });

  test("what a slow reader is sent waits in bounded memory, and nobody else waits for it", async () => {
    const { port } = await startServer({ engine: "fastpath" });
    const chunk = Buffer.alloc(0x10000, 1);
    const flood = await startTarget((socket) => {
      const more = (): void => {
        while (socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    });
    const echo = await startEcho();
    const slow = await openTunnel(port, flood.port);
    slow.pause();
    await pause(300);
    const before = process.memoryUsage().rss;
    const quick = await openTunnel(port, echo.port);
    for (let i = 0; i < 50; i++) {
      quick.write("ping");
      expect(Buffer.from(await readOctets(quick, 4)).toString()).toBe("ping");
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    slow.destroy();
  });
});

/** Octets of both directions of each tunnel of the long transfer; a nightly run or a person may ask for more. */
const MEGABYTES = Number(process.env["SOCKSKIT_TEST_MEGABYTES"] ?? 32);
const TUNNELS = 64;

test.runIf(isHere)(
  `${MEGABYTES} MiB both ways over ${TUNNELS} tunnels, with stalls, arrive as they were sent${why}`,
  { timeout: 60_000 + MEGABYTES * 2_000 },
  async () => {
    const { port, log, server } = await startServer({ engine: "fastpath" });
    const length = Math.floor((MEGABYTES * 2 ** 20) / TUNNELS);
    const body = randomBytes(length);
    const whole = createHash("sha256").update(body).digest("hex");
    const received: Promise<string>[] = [];
    const target = await startTarget((socket) => void received.push(exchange(socket, body)));
    const clients = await Promise.all(Array.from({ length: TUNNELS }, () => openTunnel(port, target.port)));
    const down = await Promise.all(clients.map((client) => exchange(client, body)));
    const up = await Promise.all(received);
    expect(new Set([...down, ...up])).toEqual(new Set([whole]));
    await until(() => log.closed.length === TUNNELS, "all are closed");
    expect(
      log.closed.every(
        ({ reason, bytesIn, bytesOut }) => reason === "finished" && bytesIn === length && bytesOut === length,
      ),
    ).toBe(true);
    expect(server.stats).toMatchObject({ bytesIn: length * TUNNELS, bytesOut: length * TUNNELS, tunnels: 0 });
  },
);

/** Sends everything and reads everything, with stalls in both; gives the digest of what came. */
async function exchange(socket: net.Socket, body: Buffer): Promise<string> {
  afterTest(() => socket.destroy());
  const hash = createHash("sha256");
  const ended = once(socket, "end");
  socket.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    if (Math.random() > 0.02) return;
    socket.pause();
    setTimeout(() => socket.resume(), Math.random() * 30);
  });
  for (let sent = 0; sent < body.length;) {
    const part = body.subarray(sent, sent + 1 + Math.floor(Math.random() * 200_000));
    sent += part.length;
    if (!socket.write(part)) await once(socket, "drain");
    if (Math.random() < 0.05) await pause(Math.random() * 20);
  }
  socket.end();
  await ended;
  return hash.digest("hex");
}
