import { createRequire } from "node:module";
import { test } from "vitest";
import type * as policy from "../src/index.ts";
import { ip, question } from "./questions.ts";

// The built package, as Node loads it: the test runner's own loader costs more than a decision.
const { compilePolicy, decideAddress, decideRequest } = createRequire(import.meta.url)(
  "@sockskit/policy",
) as typeof policy;

const hundred = compilePolicy({
  rules: [
    ...Array.from({ length: 99 }, (_, index): policy.RuleConfig =>
      index % 2 === 0
        ? { action: "deny", to: [`10.${index}.0.0/16`, `2001:db8:${index}::/48`], ports: [80, 443] }
        : { action: "deny", to: [`*.zone${index}.example`, `host${index}.example`] },
    ),
    { action: "allow", clients: ["203.0.113.0/24"] },
  ],
});
const defaults = compilePolicy({ self: [ip("127.0.0.1", 1080)] });
const address = ip("198.51.100.7", 443);
const local = question({ from: "127.0.0.1" });
const remote = question({ user: "alice" });
const named = question({ user: "alice", to: "www.example.org" });
const wrapped = question({ user: "alice", to: "64:ff9b::198.51.100.7" });

test("nanoseconds per decision", () => {
  print("default rules, client on loopback", () => decideRequest(defaults, local));
  print("default rules, user from elsewhere", () => decideRequest(defaults, remote));
  print("default rules, a name", () => decideRequest(defaults, named));
  print("default rules, the address of a name", () => decideAddress(defaults, named, address));
  print("default rules, an address behind NAT64", () => decideRequest(defaults, wrapped));
  print("100 rules, the last decides", () => decideRequest(hundred, remote));
  print("100 rules, the address of a name", () => decideAddress(hundred, named, address));
});

/** Single calls are shorter than the clock's own cost, so many are taken together; in processor time, on a busy machine. */
function print(label: string, decide: () => unknown): void {
  const rounds = 200_000;
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = process.cpuUsage().user;
    for (let round = 0; round < rounds; round++) decide();
    best = Math.min(best, ((process.cpuUsage().user - start) * 1000) / rounds);
  }
  process.stdout.write(`${label.padEnd(42)} ${best.toFixed(0).padStart(6)} ns\n`);
}
