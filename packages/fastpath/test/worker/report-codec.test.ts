import { expect, test } from "vitest";
import type { Report } from "../../src/worker/protocol.ts";
import { type FlatReports, packReport, unpackReports } from "../../src/worker/report-codec.ts";

const who = { id: 7, client: { type: "ipv4", host: "192.0.2.1", port: 1_000 }, user: undefined } as const;
const named = { id: 8, client: { type: "ipv6", host: "2001:db8::1", port: 2 }, user: "alice" } as const;
const name = { type: "domain", host: "www.example", port: 443 } as const;
const refusal = { stage: "request", code: "ERR_SOCKS_DENIED", reason: "no rule", rep: 2, rule: undefined } as const;

const REPORTS: readonly Report[] = [
  { type: "opened", who, listener: 3 },
  { type: "authenticated", who: named, method: "userpass" },
  { type: "denied", who, tried: Uint8Array.of(0x61, 0x00), refusal, destination: name },
  { type: "denied", who: named, tried: undefined, refusal: { ...refusal, rule: 0 }, destination: undefined },
  {
    type: "connected",
    who: named,
    version: 4,
    userId: Uint8Array.of(0x62),
    destination: name,
    address: { type: "ipv4", host: "192.0.2.9", port: 443 },
    rule: 1,
    durationMs: 1.25,
  },
  {
    type: "closed",
    who,
    destination: undefined,
    bytesIn: 2 ** 40,
    bytesOut: 0,
    durationMs: 9,
    reason: "client-reset",
    code: "ECONNRESET",
    rep: undefined,
  },
  { type: "resolve", id: 7, name: "www.example" },
  { type: "cancel", id: 7 },
  { type: "acknowledged", token: 1 },
];

test("reports arrive as they were, in order, whatever stands beside them", () => {
  const flat: FlatReports = [];
  for (const report of REPORTS) packReport(report, flat);
  expect([...unpackReports(structuredClone(flat))]).toEqual(REPORTS);
  for (const report of REPORTS) {
    const alone: FlatReports = [];
    packReport(report, alone);
    expect([...unpackReports(alone)]).toEqual([report]);
  }
});
