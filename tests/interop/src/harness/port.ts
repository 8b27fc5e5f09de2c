import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ProcessError, type RunningProcess } from "./process.ts";

const taken = new Set<number>();

/**
 * A port nobody listens on, for programs that cannot choose one themselves. It lies below the range from
 * which the kernel takes the ports of outgoing connections, so no connection grabs it in between.
 */
export async function freePort(): Promise<number> {
  const low = 10_000;
  const high = Math.max(low + 1000, lowestEphemeralPort());
  for (let tries = 0; tries < 200; tries++) {
    const port = low + Math.floor(Math.random() * (high - low));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new ProcessError(`no free port between ${low} and ${high}`);
}

function lowestEphemeralPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s+/)[0]);
  } catch {
    return 32_768;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Waits until a started program accepts connections on a loopback port. */
export async function waitForPort(running: RunningProcess, port: number, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    if (running.ending !== undefined) break;
    if (await accepts(port)) return;
    await delay(25);
  }
  await running.stop(0);
  throw new ProcessError(`${running.command}: does not listen on port ${port}\n${running.log}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
