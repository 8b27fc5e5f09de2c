import { once } from "node:events";
import { readFileSync } from "node:fs";
import type net from "node:net";
import { expect, test } from "vitest";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import { canRun, why } from "./fastpath-support.ts";
import {
  connectRequest,
  connectTo,
  GREETING,
  openTunnel,
  pause,
  type Running,
  SELECT_NONE,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";

/** Both ends of a tunnel, seen from outside. */
interface Ends {
  readonly running: Running;
  readonly client: net.Socket;
  readonly target: net.Socket;
}

async function openEnds(): Promise<Ends> {
  const running = await startServer({ engine: "fastpath" });
  const accepted: net.Socket[] = [];
  const target = await startTarget((socket) => accepted.push(socket));
  const client = await openTunnel(running.port, target.port);
  await until(() => accepted.length === 1, "the target has the connection");
  return { running, client, target: accepted[0] as net.Socket };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test.runIf(canRun).for(["client", "target"] as const)(
  `the %s ends its side: the other side learns that at once, and may go on speaking${why}`,
  async (who) => {
    const { running, client, target } = await openEnds();
    const [first, second] = who === "client" ? [client, target] : [target, client];
    first.end("the last words");
    expect(text(await readToEnd(second))).toBe("the last words");
    // More than a read, a pipe and the buffers of a socket hold at first.
    const answer = Buffer.alloc(3_000_001, "answer");
    second.write(answer.subarray(0, 7));
    expect(text(await readOctets(first, 7))).toBe("answera");
    second.end(answer.subarray(7));
    expect(answer.subarray(7).equals(await readToEnd(first, 20_000))).toBe(true);
    await until(() => running.log.closed.length === 1, "the session is over");
    const [sent, received] = who === "client" ? [14, answer.length] : [answer.length, 14];
    expect(running.log.closed[0]).toMatchObject({ reason: "finished", bytesIn: sent, bytesOut: received });
    expect(running.log.closed[0]).not.toHaveProperty("code");
  },
);

test.runIf(canRun).for(["client", "target"] as const)(
  `a reset by the %s is a reset for the other side, whatever is under way${why}`,
  { timeout: 60_000 },
  async (who) => {
    const stages: readonly ((from: net.Socket, to: net.Socket) => Promise<unknown>)[] = [
      async () => undefined,
      async (from, to) => {
        from.write("x");
        await readOctets(to, 1);
      },
      // The other side has ended before.
      async (from, to) => {
        to.end();
        await readToEnd(from);
      },
      // Neither side reads: buffers and pipes are full, in both directions.
      async (from, to) => {
        from.pause();
        to.pause();
        from.write(Buffer.alloc(16_000_000));
        to.write(Buffer.alloc(16_000_000));
        await pause(200);
      },
    ];
    for (const [stage, reach] of stages.entries()) {
      const { running, client, target } = await openEnds();
      const [first, second] = who === "client" ? [client, target] : [target, client];
      let failure: NodeJS.ErrnoException | undefined;
      let ended = false;
      second.on("error", (error) => (failure = error));
      second.on("end", () => {
        ended = true;
        // libuv takes a hang-up behind the last octets for an end, and does not look at the error. A write does; where
        // there was an end and no reset, it succeeds.
        if (second.writable) second.write("x");
      });
      await reach(first, second);
      const closed = once(second, "close", { signal: AbortSignal.timeout(8_000) }).catch(() => undefined);
      first.resetAndDestroy();
      second.resume();
      await closed;
      expect(failure?.code, `stage ${stage}`).toMatch(/^(ECONNRESET|EPIPE)$/);
      // The system tells of a reset once. Where a write learns of it first, the read after it finds an end.
      const isTold = ended && failure?.syscall !== "write";
      expect(isTold, `stage ${stage}: no end was seen, which would say that all had been said`).toBe(false);
      await until(() => running.log.closed.length === 1, "the session is over");
      expect(running.log.closed[0]).toMatchObject({ reason: `${who}-reset` });
    }
  },
);

test.runIf(canRun)(`data behind the request comes first at the target, however it is cut${why}`, async () => {
  const { port } = await startServer({ engine: "fastpath" });
  const target = await startTarget((socket) => socket.pipe(socket));
  const early = Buffer.from("early data, of the client");
  const all = concat(GREETING, connectRequest(target.port), early);
  // From one write to one behind each octet of the greeting, the request and the data.
  for (const cut of [all.length, 1, 2, 3, 4, 9, 12, 13, 14, 20]) {
    const client = await connectTo(port);
    client.write(all.subarray(0, cut));
    await pause(2);
    client.write(all.subarray(cut));
    const answer = await readOctets(client, 12 + early.length);
    expect(text(answer.subarray(12)), `cut at ${cut}`).toBe(early.toString());
    client.write("and later");
    expect(text(await readOctets(client, 9))).toBe("and later");
    client.destroy();
  }
});

test.runIf(canRun)(`much early data and an end behind it arrive whole${why}`, async () => {
  const { port } = await startServer({ engine: "fastpath" });
  const received: Promise<Uint8Array>[] = [];
  const target = await startTarget((socket) => {
    // It reads late, and answers when it has everything.
    received.push(pause(300).then(() => readToEnd(socket, 20_000)));
    void received.at(-1)?.then((all) => socket.end(`${all.length} octets`));
  });
  const client = await connectTo(port);
  const early = Buffer.alloc(4_000_037, "early data");
  client.write(GREETING);
  client.write(connectRequest(target.port));
  client.end(early);
  const answer = await readToEnd(client, 20_000);
  expect(text(answer.subarray(12))).toBe("4000037 octets");
  expect(early.equals((await received[0]) as Uint8Array)).toBe(true);
});

test.runIf(canRun)(`a target that speaks first is heard, and one that has left at once as well${why}`, async () => {
  const { port } = await startServer({ engine: "fastpath" });
  const speaking = await startTarget((socket) => socket.write("220 ready\r\n"));
  const leaving = await startTarget((socket) => socket.end("421 closing\r\n"));
  const client = await openTunnel(port, speaking.port);
  expect(text(await readOctets(client, 11))).toBe("220 ready\r\n");
  client.write("QUIT\r\n");
  client.destroy();

  for (let i = 0; i < 20; i++) {
    const other = await openTunnel(port, leaving.port);
    expect(text(await readToEnd(other))).toBe("421 closing\r\n");
    other.end();
  }
});

test.runIf(canRun)(`words of the target never come before the reply${why}`, async () => {
  const { port } = await startServer({ engine: "fastpath" });
  const banner = octets("62 61 6e 6e 65 72");
  const target = await startTarget((socket) => socket.end(banner));
  const conversations = Array.from({ length: 50 }, async () => {
    const client = await connectTo(port);
    client.write(concat(GREETING, connectRequest(target.port)));
    const all = await readToEnd(client);
    client.destroy();
    return all;
  });
  for (const all of await Promise.all(conversations)) {
    expect(all.subarray(0, 2)).toEqual(SELECT_NONE);
    expect([...all.subarray(2, 6)]).toEqual([5, 0, 0, 1]);
    expect(all.subarray(12)).toEqual(banner);
  }
});

test.runIf(canRun)(`a silent tunnel is probed on both sides${why}`, async () => {
  // The eighth part of the idle time is the first look at it.
  const { port } = await startServer({ engine: "fastpath", timeouts: { idleMs: 8_000 } });
  const target = await startTarget(() => undefined);
  await openTunnel(port, target.port);
  const hasKeepAlive = (local: number | undefined, remote: number | undefined): boolean =>
    connections().some(
      (row) =>
        (local === undefined || row.local === local) &&
        (remote === undefined || row.remote === remote) &&
        row.timer === 2,
    );
  await until(() => hasKeepAlive(port, undefined), "the client is probed");
  await until(() => hasKeepAlive(undefined, target.port), "the target is probed");
});

/** TCP connections of this host: ports, and the timer that runs; 2 is that of keep-alive. */
function connections(): readonly { readonly local: number; readonly remote: number; readonly timer: number }[] {
  const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  return rows.map((row) => {
    const [, local = "", remote = "", , , timer = ""] = row.trim().split(/\s+/);
    const portOf = (text: string): number => Number.parseInt(text.split(":")[1] ?? "", 16);
    return { local: portOf(local), remote: portOf(remote), timer: Number.parseInt(timer, 16) };
  });
}
