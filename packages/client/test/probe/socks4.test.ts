import type { Socket } from "node:net";

import { listenTcp, octets } from "@sockskit/testing";
import { describe, expect, onTestFinished, test } from "vitest";

import { type ProbeReport, probeProxy } from "../../src/index.ts";

const REFUSED = "00 5b 00 00 00 00 00 00";
const GRANTED = "00 5a 00 00 00 00 00 00";

/** What a server does with all octets that a connection has brought so far: octets to send, `close`, or wait for more. */
type Behaviour = (received: Buffer) => string | undefined;

async function probe(behaviour: Behaviour, delayMs = 0): Promise<ProbeReport> {
  const server = await listenTcp((socket: Socket) => {
    let received = Buffer.alloc(0);
    let isOver = false;
    socket.on("end", () => socket.end());
    socket.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      const reaction = isOver ? undefined : behaviour(received);
      if (reaction === undefined) return;
      isOver = true;
      setTimeout(() => {
        if (socket.destroyed) return;
        if (reaction === "close") socket.end();
        else socket.end(octets(reaction));
      }, delayMs);
    });
  });
  onTestFinished(() => server.close());
  return probeProxy({ proxy: `socks5h://127.0.0.1:${server.port}`, timeoutMs: 2000 });
}

/** Reads a SOCKS 4 request to its end; then `answer`. With `names`, the mark of a name announces one. */
const assembling =
  (answer: string, names: boolean, others = "close"): Behaviour =>
  (received) => {
    if (received[0] !== 0x04) return others;
    const userEnd = received.indexOf(0, 8);
    if (received.length < 9 || userEnd === -1) return undefined;
    const isName = received.readUInt32BE(4) > 0 && received.readUInt32BE(4) < 256;
    if (names && isName && received.indexOf(0, userEnd + 1) === -1) return undefined;
    return answer;
  };

test.each([
  ["refuses, and takes names", assembling(REFUSED, true), "yes", "yes"],
  ["refuses, and takes addresses only", assembling(REFUSED, false), "yes", "no"],
  ["grants everything, names included", assembling(GRANTED, true), "yes", "yes"],
  ["grants even the mark of a name", assembling(GRANTED, false), "yes", "no"],
  ["closes instead of refusing", assembling("close", true), "yes", "yes"],
  ["closes instead of refusing, and takes addresses only", assembling("close", false), "yes", "no"],
  ["closes at once", () => "close", "no", "no"],
  ["answers in SOCKS 5", (received: Buffer) => (received[0] === 0x05 ? "close" : "05 ff"), "no", "no"],
  [
    "closes whatever comes once it is nine octets long",
    (received: Buffer) => (received.length < 9 ? undefined : "close"),
    "unknown",
    "unknown",
  ],
  [
    "answers whatever one read gives",
    (received: Buffer) => (received[0] === 0x04 ? REFUSED : "close"),
    "yes",
    "unknown",
  ],
] satisfies readonly (readonly [string, Behaviour, string, string])[])(
  "a server that %s",
  async (_, behaviour, socks4, socks4a) => {
    const { versions } = await probe(behaviour);
    expect([versions.socks4.verdict, versions.socks4a.verdict]).toEqual([socks4, socks4a]);
    for (const { reason } of Object.values(versions)) expect(reason).not.toBe("");
  },
);

test("a server that is slow to refuse is given more time", async () => {
  const { versions } = await probe(assembling(REFUSED, false), 300);
  expect(versions.socks4a.verdict).toBe("no");
});

test("the answer of a server without SOCKS 5 is no protocol of its own", async () => {
  const report = await probe(assembling(REFUSED, true, REFUSED));
  expect(report).toMatchObject({
    protocol: "socks",
    versions: { socks5: { verdict: "no" }, socks4: { verdict: "yes" } },
  });
  expect(report.authMethods).toEqual([]);
});

describe("software is recognised", () => {
  test("by refusals that repeat the address, as Dante's do", async () => {
    const behaviour: Behaviour = (received) => {
      if (received[0] === 0x05) return received.length === 3 && received[2] !== 0x00 ? "05 ff" : "05 00";
      return assembling(`00 5b d9 fb ${received.subarray(4, 8).toString("hex")}`, false)(received);
    };
    expect((await probe(behaviour)).software).toBe("Dante");
  });

  test("not when nothing fits", async () => {
    expect((await probe(assembling(REFUSED, true))).software).toBeUndefined();
  });
});
