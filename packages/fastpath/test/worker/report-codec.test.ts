import { expect, test } from "vitest";
import { domainAddress, type IpAddress, parseIpAddress } from "@sockskit/wire";
import type { Report } from "../../src/worker/protocol.ts";
import { ReportWriter, unpackReports } from "../../src/worker/report-codec.ts";

const ip = (host: string, port: number): IpAddress => parseIpAddress(host, port) as IpAddress;
const who = { id: 7, client: ip("192.0.2.1", 1_000), user: undefined } as const;
const named = { id: 8, client: ip("2001:db8::1", 2), user: "alice" } as const;
const name = domainAddress("www.example", 443);
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
    address: ip("255.0.2.9", 443),
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
  const writer = new ReportWriter();
  // More than it has room for at first.
  const many = Array.from({ length: 20 }, () => REPORTS).flat();
  for (const report of many) writer.add(report);
  expect([...unpackReports(structuredClone(writer.take()))]).toEqual(many);
  expect(writer.isEmpty).toBe(true);
  for (const report of REPORTS) {
    writer.add(report);
    expect([...unpackReports(structuredClone(writer.take()))]).toEqual([report]);
  }
});
