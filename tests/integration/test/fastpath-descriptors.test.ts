import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type net from "node:net";
import { expect, test } from "vitest";
import { concat, openDescriptors, readOctets } from "@sockskit/testing";
import { canRun, checkStream, seededRandom, sendStream, why } from "./fastpath-support.ts";
import { startChild } from "./server-child.ts";
import { connectRequest, connectTo, GREETING, openTunnel, pause, startTarget, until } from "./server-support.ts";

/** Tunnels of the long run; a nightly run or a person may ask for more, such as 100,000. */
const TUNNELS = Number(process.env["SOCKSKIT_TEST_TUNNELS"] ?? 2_000);
/** Of what happens in it; a run that fails can be repeated. */
const SEED = Number(process.env["SOCKSKIT_TEST_SEED"] ?? 1);
/** Clients at a time. */
const TOGETHER = 50;
/** Pipes that the thread keeps, of two descriptors each. */
const KEPT_PIPES = 64;
/** Pages that a user's pipes may have, at most, for the test to use them up. Linux allows 16,384 unless it is told otherwise. */
const MAX_PIPE_PAGES = 65_536;
const NO_STALLS = { chunk: 65_521, stallMs: (): number => 0 };

/** Descriptors of a process that are pipes, and that are not. */
function descriptors(pid: number | undefined): { readonly pipes: number; readonly others: number } {
  const kinds = readdirSync(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).startsWith("pipe:");
    } catch {
      return undefined;
    }
  });
  return { pipes: kinds.filter((isPipe) => isPipe === true).length, others: kinds.filter((is) => is === false).length };
}

test.runIf(canRun)(
  `after ${TUNNELS} tunnels, reset and ended at random stages (seed ${SEED}), no descriptor and no pipe is left${why}`,
  { timeout: 60_000 + TUNNELS * 20 },
  async () => {
    const { port, process: child, lines } = await startChild(4_096, { engine: "fastpath" });
    const random = seededRandom(SEED);
    const leave = (socket: net.Socket): void => {
      const how = random();
      if (how < 0.6) socket.resetAndDestroy();
      else if (how < 0.8) socket.end();
      else socket.destroy();
    };
    // A target that leaves at some moment as well, or sends much, or sends back what it gets.
    const target = await startTarget((socket) => {
      const what = random();
      if (what < 0.1) return leave(socket);
      if (what < 0.3) socket.once("data", () => leave(socket));
      if (what < 0.5) socket.write(Buffer.alloc(Math.floor(random() * 400_000)));
      if (what < 0.7) {
        socket.pause();
        setTimeout(() => socket.resume(), random() * 20);
      }
      socket.pipe(socket);
    });
    const dead = await startTarget(() => undefined);
    await dead.close();
    const one = async (): Promise<void> => {
      const client = await connectTo(port);
      // The list of what is to be done after the test must not grow with each client.
      const closed = new Promise((resolve) => client.once("close", resolve));
      const to = random() < 0.05 ? dead.port : target.port;
      const words = concat(GREETING, connectRequest(to), Buffer.alloc(Math.floor(random() ** 4 * 300_000)));
      const stage = Math.floor(random() * 5);
      if (stage === 0) client.write(words.subarray(0, Math.floor(random() * 13)));
      else client.write(words);
      if (stage === 1) await pause(random() * 4);
      if (stage >= 2) await readOctets(client, 12, 4_000).catch(() => undefined);
      if (stage >= 3) client.write(Buffer.alloc(1 + Math.floor(random() ** 3 * 500_000)));
      if (stage === 4) await pause(random() * 30);
      client.resume();
      leave(client);
      // Who only ended its side waits for a target that may not.
      const wait = setTimeout(() => client.destroy(), 200);
      await closed;
      clearTimeout(wait);
    };
    const batch = async (count: number): Promise<void> => {
      await Promise.all(Array.from({ length: count }, one));
    };
    await batch(TOGETHER);
    await pause(500);
    const before = descriptors(child.pid);
    for (let done = 0; done < TUNNELS; done += TOGETHER) await batch(Math.min(TOGETHER, TUNNELS - done));
    await until(() => descriptors(child.pid).others <= before.others, "the connections are closed");
    const after = descriptors(child.pid);
    console.log(`descriptors before: ${JSON.stringify(before)}, after: ${JSON.stringify(after)}`);
    expect(after.others).toBe(before.others);
    expect(after.pipes).toBeLessThanOrEqual(2 * KEPT_PIPES + before.pipes);
    child.stdin?.write("?");
    await until(() => lines.some((line) => line.startsWith("stats")), "the server tells its figures");
    const stats = JSON.parse(lines.find((line) => line.startsWith("stats"))?.slice(6) ?? "{}") as object;
    expect(stats).toMatchObject({ sessions: 0, handshakes: 0, tunnels: 0 });
    expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
  },
);

test.runIf(canRun)(
  `out of descriptors: newcomers are reset, bulk goes on without a pipe, later there is room again${why}`,
  { timeout: 60_000 },
  async () => {
    const { port, process: child, lines } = await startChild(120, { engine: "fastpath" });
    const length = 8 * 2 ** 20;
    const target = await startTarget((socket) => {
      void readOctets(socket, 1, 60_000).then(() => sendStream(socket, length, 3, NO_STALLS));
    });
    const echo = await startTarget((socket) => socket.pipe(socket));
    const { pipes } = descriptors(child.pid);
    const kept = await openTunnel(port, echo.port);
    const bulk = await openTunnel(port, target.port);

    const others: net.Socket[] = [];
    const outcomes = { granted: 0, answered: 0, reset: 0, silent: 0 };
    const ask = async (): Promise<void> => {
      const client = await connectTo(port).catch(() => undefined);
      if (client === undefined) return void (outcomes.reset += 1);
      others.push(client);
      client.write(concat(GREETING, connectRequest(echo.port)));
      const replies = await readOctets(client, 12, 4_000).catch(() => undefined);
      if (replies?.[3] === 0x00) outcomes.granted += 1;
      else if (replies !== undefined) outcomes.answered += 1;
      else if (client.destroyed) outcomes.reset += 1;
      else outcomes.silent += 1;
    };
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, ask));
    expect(openDescriptors(child.pid)).toBeGreaterThan(110);
    expect(outcomes.granted).toBeGreaterThan(20);
    expect(outcomes.reset).toBeGreaterThan(20);
    expect(outcomes.silent, "nobody is kept waiting").toBe(0);

    // Asked for when there was room, sent when there is none: it goes on without a pipe.
    bulk.write("x");
    expect(await checkStream(bulk, 3, NO_STALLS)).toBe(length);
    expect(descriptors(child.pid).pipes, "there was no pipe").toBe(pipes);
    kept.write("still here");
    expect(Buffer.from(await readOctets(kept, 10)).toString()).toBe("still here");

    for (const client of others) client.destroy();
    await until(() => (openDescriptors(child.pid) ?? 0) < 60, "the descriptors are back");
    await openTunnel(port, echo.port);
    kept.write("and here");
    expect(Buffer.from(await readOctets(kept, 8)).toString()).toBe("and here");
    expect(lines.some((line) => line.includes("EMFILE"))).toBe(true);
    expect(child.exitCode).toBe(null);
  },
);

const AS_NOBODY: readonly string[] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** The limits of pipes are for unprivileged users. */
const unprivileged = process.getuid?.() === 0 ? AS_NOBODY : [];
const whyNoLimit = ((): string => {
  if (!canRun) return why;
  const limit = Number(readFileSync("/proc/sys/fs/pipe-user-pages-soft", "utf8"));
  if (!(limit > 0 && limit <= MAX_PIPE_PAGES)) return ` (not run: a user's pipes may have ${limit} pages here)`;
  const [program, ...args] = [...unprivileged, "/bin/sh", "-c", 'exec "$0" -e 0', process.execPath] as const;
  const { status } = spawnSync(program, args, { cwd: import.meta.dirname });
  return status === 0 ? "" : " (not run: nobody may not start Node from here)";
})();

/** Uses up what a user's pipes may have, and says what the next pipe is like. */
const FILL_PIPES = `
  import { createRequire } from "node:module";
  import { pathToFileURL } from "node:url";
  const koffi = createRequire(pathToFileURL("../../../packages/fastpath/package.json"))("koffi");
  const libc = koffi.load(null);
  const pipe = libc.func("int pipe(_Out_ int *fds)");
  const fcntl = libc.func("int fcntl(int, int, long)");
  const F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032;
  const open = () => {
    const fds = [0, 0];
    if (pipe(fds) !== 0) throw new Error("no pipe");
    return fds[0];
  };
  let left = ${MAX_PIPE_PAGES / 256 + 1};
  while (left > 0 && fcntl(open(), F_SETPIPE_SZ, 2 ** 20) > 0) left -= 1;
  let last = open();
  // What is left is less than that: smaller ones take it.
  while (left > 0 && fcntl(last, F_GETPIPE_SZ, 0) > 2 ** 13) { last = open(); left -= 1; }
  console.log("pipes: " + fcntl(last, F_GETPIPE_SZ, 0) + " octets, more is refused: " + (fcntl(last, F_SETPIPE_SZ, 2 ** 18) < 0));
`;

test.runIf(whyNoLimit === "")(
  `a user who has used up his pipe buffers gets small ones, and every octet still arrives${whyNoLimit}`,
  { timeout: 90_000 },
  async () => {
    const options = { engine: "fastpath", by: unprivileged, prelude: FILL_PIPES } as const;
    const { port, process: child, lines } = await startChild(4_096, options);
    // Two pages for a new pipe, and no more for one that asks.
    expect(lines.join("; ")).toContain("pipes: 8192 octets, more is refused: true");
    const before = descriptors(child.pid).pipes;
    const length = 6 * 2 ** 20;
    const results: Promise<unknown>[] = [];
    const target = await startTarget((socket) => {
      void readOctets(socket, 1).then(([key = 0]) => {
        results.push(sendStream(socket, length, key, NO_STALLS));
        results.push(checkStream(socket, 100 + key, NO_STALLS).then((received) => expect(received).toBe(length)));
      });
    });
    const all = Array.from({ length: 8 }, async (_, key) => {
      const client = await openTunnel(port, target.port);
      client.write(Uint8Array.of(key));
      const [received] = await Promise.all([
        checkStream(client, key, NO_STALLS),
        sendStream(client, length, 100 + key, NO_STALLS),
      ]);
      expect(received).toBe(length);
    });
    await Promise.all(all);
    await Promise.all(results);
    expect(results).toHaveLength(16);
    expect(descriptors(child.pid).pipes, "pipes were used").toBeGreaterThan(before);
  },
);
