import type net from "node:net";
import { expect, test } from "vitest";
import { concat, openDescriptors, readOctets } from "@sockskit/testing";
import { startChild } from "./server-child.ts";
import {
  connectRequest,
  connectTo,
  GREETING,
  openTunnel,
  pause,
  startEcho,
  startTarget,
  until,
} from "./server-support.ts";

/** Tunnels of the long run; a nightly run or a person may ask for more. */
const TUNNELS = Number(process.env["SOCKSKIT_TEST_TUNNELS"] ?? 2_000);

const isLinux = process.platform === "linux";
const why = isLinux ? "" : " (not run: only Linux tells the descriptors of a process)";

test.runIf(isLinux)(
  `after ${TUNNELS} tunnels, ended in every way, the server has as many descriptors as before${why}`,
  { timeout: 30_000 + TUNNELS * 20 },
  async () => {
    const { port, process: child } = await startChild(4_096);
    const echo = await startEcho();
    const resetting = await startTarget((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    const ways: ((client: net.Socket) => void)[] = [
      (client) => client.end(),
      (client) => client.resetAndDestroy(),
      (client) => client.destroy(),
      (client) => client.end("the last word"),
    ];
    const one = async (i: number): Promise<void> => {
      const client = await openTunnel(port, i % 5 === 4 ? resetting.port : echo.port);
      const closed = new Promise((resolve) => client.on("close", resolve));
      client.resume();
      if (i % 5 === 4) client.write("x");
      else ways[i % 4]?.(client);
      await closed;
    };
    const batch = async (from: number, count: number): Promise<void> => {
      await Promise.all(Array.from({ length: count }, (_, i) => one(from + i)));
    };
    await batch(0, 50);
    await pause(300);
    const before = openDescriptors(child.pid);
    expect(before).toBeGreaterThan(0);
    for (let done = 0; done < TUNNELS; done += 50) await batch(done, Math.min(50, TUNNELS - done));
    await until(() => (openDescriptors(child.pid) ?? 0) <= (before ?? 0), "the descriptors are back");
  },
);

test.runIf(isLinux)(
  `out of descriptors: newcomers are refused, open tunnels go on, later there is room again${why}`,
  async () => {
    const { port, process: child, lines } = await startChild(120);
    const echo = await startEcho();
    const first = await openTunnel(port, echo.port);

    const others: net.Socket[] = [];
    let granted = 0;
    let refused = 0;
    const ask = async (): Promise<void> => {
      // A client may be told by a reset before it knows that it is connected.
      const client = await connectTo(port).catch(() => undefined);
      if (client !== undefined) others.push(client);
      client?.write(concat(GREETING, connectRequest(echo.port)));
      const replies = client && (await readOctets(client, 12, 4_000).catch(() => undefined));
      if (replies?.[3] === 0x00) granted += 1;
      else refused += 1;
    };
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, ask));
    expect(openDescriptors(child.pid)).toBeGreaterThan(110);
    expect(granted).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);

    first.write("still here");
    expect(Buffer.from(await readOctets(first, 10)).toString()).toBe("still here");

    for (const client of others) client.destroy();
    await until(() => (openDescriptors(child.pid) ?? 0) < 60, "the descriptors are back");
    await openTunnel(port, echo.port);
    first.write("and here");
    expect(Buffer.from(await readOctets(first, 8)).toString()).toBe("and here");
    child.stdin?.write("?");
    await until(() => lines.some((line) => line.startsWith("stats")), "the server is well");
    expect(child.exitCode).toBe(null);
  },
);
