import { concat, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { ConnectionPreface, type ConnectionPrefaceEvent, type ConnectionPrefaceOptions } from "../src/index.ts";

/** PROXY protocol section 2.1 and 2.2: 192.0.2.33:49200 to 198.51.100.7:1080. */
const LINE = new TextEncoder().encode("PROXY TCP4 192.0.2.33 198.51.100.7 49200 1080\r\n");
const HEADER = octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c c0 00 02 21 c6 33 64 07 c0 30 04 38");
const GREETING = octets("05 01 00");
const HELLO = octets("16 03 01 02 00 01");

function run(options: ConnectionPrefaceOptions, ...chunks: readonly Uint8Array[]): readonly ConnectionPrefaceEvent[] {
  const preface = new ConnectionPreface(options);
  return chunks.flatMap((chunk) => preface.receive(chunk));
}

const CLIENT = { source: { host: "192.0.2.33", port: 49_200 }, destination: { host: "198.51.100.7", port: 1080 } };

describe("a required header", () => {
  test.each([
    ["version 1", LINE],
    ["version 2", HEADER],
  ])("%s, split at every offset, with SOCKS behind it", (_, header) => {
    const sent = concat(header, GREETING);
    for (let at = 0; at <= sent.length; at += 1) {
      const events = run({ proxyHeader: "required" }, sent.subarray(0, at), sent.subarray(at));
      const rest = events.flatMap((event) => (event.type === "done" ? [...event.rest] : []));
      expect(events[0]).toMatchObject({ type: "header", endpoints: CLIENT });
      expect(events[1]?.type).toBe("done");
      expect(events).toHaveLength(2);
      // What comes in a later chunk is the next protocol's already.
      expect(rest).toEqual(
        [...GREETING].slice(0, Math.max(0, at >= header.length ? at - header.length : GREETING.length)),
      );
    }
  });

  test("before TLS the first octet behind it is awaited, and judged", () => {
    const options = { proxyHeader: "required", tls: true } as const;
    expect(run(options, LINE)).toMatchObject([{ type: "header" }]);
    expect(run(options, LINE, HELLO)).toMatchObject([{ type: "header" }, { type: "done", rest: HELLO }]);
    expect(run(options, concat(LINE, GREETING))).toMatchObject([
      { type: "header" },
      {
        type: "failed",
        code: "ERR_SOCKS_TLS_FAILED",
        reason: "expected TLS, but the client speaks SOCKS 5 without it",
      },
    ]);
  });

  test("UNKNOWN and LOCAL announce nobody", () => {
    const unknown = new TextEncoder().encode("PROXY UNKNOWN\r\n");
    const local = octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 00 00 00");
    for (const header of [unknown, local]) {
      expect(run({ proxyHeader: "required" }, header)[0]).toEqual({ type: "header", endpoints: undefined });
    }
  });

  test.each([
    ["nothing of the kind", GREETING],
    ["a broken line", new TextEncoder().encode("PROXY TCP4 1 2 3 4\r\n")],
    ["a wrong version", octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 31 11 00 0c")],
    ["a flood", new Uint8Array(200).fill(0x50)],
  ])("%s: failed, and nothing comes behind it", (_, sent) => {
    const preface = new ConnectionPreface({ proxyHeader: "required" });
    expect(preface.receive(sent)).toMatchObject([{ type: "failed", code: "ERR_SOCKS_PROXY_HEADER" }]);
    expect(preface.awaitsHeader).toBe(false);
    expect(preface.receive(LINE)).toEqual([]);
    expect(preface.bufferedLength).toBe(0);
  });

  test("the caller may use its buffer again", () => {
    const preface = new ConnectionPreface({ proxyHeader: "required" });
    const buffer = HEADER.slice(0, 20);
    expect(preface.receive(buffer)).toEqual([]);
    buffer.fill(0xee);
    expect(preface.receive(HEADER.subarray(20))[0]).toMatchObject({ type: "header", endpoints: CLIENT });
  });
});

describe("a forbidden header", () => {
  test.each([
    ["version 1", LINE],
    ["version 2", HEADER],
    ["its first octet", Uint8Array.of(0x50)],
  ])("%s is spoofing", (_, sent) => {
    for (const tls of [false, true]) {
      expect(run({ proxyHeader: "forbidden", tls }, sent)).toMatchObject([
        { type: "failed", code: "ERR_SOCKS_PROXY_SPOOFED" },
      ]);
    }
  });

  test("everything else goes on", () => {
    expect(run({ proxyHeader: "forbidden" }, GREETING)).toEqual([{ type: "done", rest: GREETING }]);
    expect(run({ proxyHeader: "forbidden", tls: true }, HELLO)).toEqual([{ type: "done", rest: HELLO }]);
  });
});

test("TLS alone: one octet is enough to tell", () => {
  expect(run({ tls: true }, HELLO)).toEqual([{ type: "done", rest: HELLO }]);
  expect(run({ tls: true }, Uint8Array.of(0x04))).toMatchObject([{ type: "failed", reason: /SOCKS 4 without it/u }]);
  expect(run({ tls: true }, Uint8Array.of(0x47))).toMatchObject([{ type: "failed", reason: /0x47/u }]);
});
