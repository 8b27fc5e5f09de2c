import { spawn } from "node:child_process";
import type net from "node:net";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { readOctets } from "@sockskit/testing";
import { canRun, checkStream, type Pace, percentile, seededRandom, sendStream, why } from "./fastpath-support.ts";
import { afterTest, openTunnel, pause, startEcho, startServer, startTarget, until } from "./server-support.ts";

/** Of each of the two ways, over all tunnels; a slow machine may ask for less. */
const MEBIBYTES = Number(process.env["SOCKSKIT_TEST_MEBIBYTES"] ?? 256);
const TUNNELS = 64;
/** Of the stalls; a run that fails can be repeated. */
const SEED = Number(process.env["SOCKSKIT_TEST_SEED"] ?? 1);
/** Tunnels of the test of fairness. */
const INTERACTIVE = Number(process.env["SOCKSKIT_TEST_INTERACTIVE"] ?? 100);

const NO_STALLS = { chunk: 65_521, stallMs: (): number => 0 };

test.runIf(canRun)(
  `${MEBIBYTES} MiB each way at once over ${TUNNELS} tunnels with random stalls (seed ${SEED}): every octet arrives${why}`,
  { timeout: 60_000 + MEBIBYTES * 3_000 },
  async () => {
    const { port, log } = await startServer({ engine: "fastpath" });
    const random = seededRandom(SEED);
    // Some carry much more than all buffers on their way hold, many carry little.
    const weights = Array.from({ length: TUNNELS }, () => random() ** 6);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const lengths = weights.map((weight) => Math.ceil((weight / total) * MEBIBYTES * 2 ** 20));
    const pace = (length: number): Pace => {
      // Small messages or bulk; most stall now and then, some not at all, and many begin late.
      const chunk = random() < 0.3 ? 1 + Math.floor(random() * 2_000) : 65_521;
      const often = random() * 0.05;
      let first = random() < 0.5;
      return {
        chunk: Math.max(chunk, Math.ceil(length / 2_000)),
        stallMs: () => {
          const isLate = first || random() < often;
          const stallMs = isLate ? random() * (first ? 400 : 20) : 0;
          first = false;
          return stallMs;
        },
      };
    };
    const results: Promise<unknown>[] = [];
    const target = await startTarget((socket) => {
      void readOctets(socket, 1).then(([tunnel = 0]) => {
        const length = lengths[tunnel] as number;
        results.push(checkStream(socket, tunnel, pace(length)).then((all) => expect(all).toBe(length)));
        results.push(sendStream(socket, length, TUNNELS + tunnel, pace(length)));
      });
    });
    const one = async (length: number, tunnel: number): Promise<void> => {
      const client = await openTunnel(port, target.port);
      client.write(Uint8Array.of(tunnel));
      const [received] = await Promise.all([
        checkStream(client, TUNNELS + tunnel, pace(length)),
        sendStream(client, length, tunnel, pace(length)),
      ]);
      expect(received).toBe(length);
    };
    await Promise.all(lengths.map(one));
    await Promise.all(results);
    expect(results).toHaveLength(2 * TUNNELS);
    await until(() => log.closed.length === TUNNELS, "all sessions are over");
    const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
    expect(ascending(log.closed.map(({ bytesIn }) => bytesIn - 1))).toEqual(ascending(lengths));
    expect(ascending(log.closed.map(({ bytesOut }) => bytesOut))).toEqual(ascending(lengths));
    expect(new Set(log.closed.map(({ reason }) => reason))).toEqual(new Set(["finished"]));
  },
);

test.runIf(canRun)(
  `a reader that does not read holds up nobody else, and gets everything later${why}`,
  { timeout: 90_000 },
  async () => {
    const { port } = await startServer({ engine: "fastpath" });
    const length = 24 * 2 ** 20;
    // More than all buffers on the way hold, and the system lets each grow to tens of MiB.
    const slowLength = 192 * 2 ** 20;
    const sending: Promise<void>[] = [];
    const target = await startTarget((socket) => {
      sending.push(sendStream(socket, sending.length === 0 ? slowLength : length, 7, NO_STALLS));
    });
    const slow = await openTunnel(port, target.port);
    slow.pause();
    await pause(300);

    const fast = Array.from({ length: 8 }, async () => checkStream(await openTunnel(port, target.port), 7, NO_STALLS));
    for (const received of await Promise.all(fast)) expect(received).toBe(length);
    // The slow one has not been read for: its sender waits.
    const isWaiting = await Promise.race([sending[0]?.then(() => false), pause(100).then(() => true)]);
    expect(isWaiting).toBe(true);

    const received = checkStream(slow, 7, NO_STALLS);
    slow.resume();
    expect(await received).toBe(slowLength);
  },
);

test.runIf(canRun)(
  `bulk streams do not starve ${INTERACTIVE} interactive tunnels${why}`,
  { timeout: 120_000 },
  async () => {
    const { port } = await startServer({ engine: "fastpath" });
    const echo = await startEcho();
    const tunnels: net.Socket[] = [];
    for (let i = 0; i < INTERACTIVE; i++) tunnels.push(await openTunnel(port, echo.port));
    const calm = await latencies(tunnels);

    // In a process of its own, so that its load does not hold up this one.
    const bulk = spawn(process.execPath, ["--input-type=module", "-e", BULK, String(port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    afterTest(() => bulk.kill());
    let moved = 0;
    createInterface(bulk.stdout).on("line", (line) => (moved = Number(line)));
    await until(() => moved > 10, "the bulk streams run");
    const before = moved;
    const busy = [...(await latencies(tunnels)), ...(await latencies(tunnels)), ...(await latencies(tunnels))];
    await until(() => moved > before, "the bulk streams go on");
    const line = (name: string, values: readonly number[]): string =>
      `${name}: median ${percentile(values, 50).toFixed(1)} ms, p99 ${percentile(values, 99).toFixed(1)} ms`;
    console.log(
      `${INTERACTIVE} interactive tunnels, one after the other; ${line("alone", calm)}; ` +
        line(`beside ${BULK_STREAMS} bulk streams`, busy),
    );
    // Seldom above some milliseconds; a machine that is busy with other things is no failure, and starving takes seconds.
    expect(percentile(busy, 99)).toBeLessThan(1_000);
  },
);

/** Downloads through a proxy without a pause, in a process of its own, and says how many MiB it has got. */
const BULK_STREAMS = 4;
const BULK = `
  import net from "node:net";
  const block = Buffer.alloc(2 ** 18);
  const source = net.createServer((socket) => {
    const feed = () => { while (!socket.destroyed && socket.write(block)); };
    socket.on("drain", feed).on("error", () => {});
    feed();
  });
  source.listen(0, "127.0.0.1", () => {
    const { port } = source.address();
    let octets = 0;
    for (let i = 0; i < ${BULK_STREAMS}; i++) {
      const client = net.connect(Number(process.argv[1]), "127.0.0.1");
      client.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
      client.on("data", (chunk) => { octets += chunk.length; });
      client.on("close", () => process.exit(1));
    }
    setInterval(() => console.log(Math.floor(octets / 2 ** 20)), 50);
  });
  process.stdin.on("close", () => process.exit(0)).resume();
`;

/** Round trips of small messages, one tunnel after the other, in milliseconds. */
async function latencies(tunnels: readonly net.Socket[]): Promise<readonly number[]> {
  const values: number[] = [];
  for (const tunnel of tunnels) {
    const startedMs = performance.now();
    tunnel.write("ping");
    await readOctets(tunnel, 4, 20_000);
    values.push(performance.now() - startedMs);
  }
  return values;
}
