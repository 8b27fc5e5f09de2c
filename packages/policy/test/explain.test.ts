import { expect, test } from "vitest";
import { compilePolicy, describeRule, explainDecision, type RuleConfig } from "../src/index.ts";
import { ip, question } from "./questions.ts";

const results = (rules: readonly { result: string; reason: string }[]): readonly string[] =>
  rules.map((rule) => `${rule.result}: ${rule.reason}`);

test("every rule says why it does not match, up to the one that decides", () => {
  const policy = compilePolicy({
    rules: [
      { action: "deny", clients: ["10.0.0.0/8"] },
      { action: "deny", users: ["bob"] },
      { action: "deny", groups: ["guests"] },
      { action: "deny", authenticated: false },
      { action: "deny", commands: ["bind"] },
      { action: "deny", ports: [25] },
      { action: "deny", to: ["192.0.2.0/24"] },
      { action: "allow" },
      { action: "deny" },
    ],
  });
  const explanation = explainDecision(policy, question({ user: "alice" }));
  expect(results(explanation.request.rules)).toEqual([
    "skipped: clients: 203.0.113.9 is not among them",
    "skipped: users: user alice is not among them",
    "skipped: groups: user alice is in none of them",
    "skipped: authenticated: user alice is",
    "skipped: commands: connect is not among them",
    "skipped: ports: 443 is not among them",
    "skipped: to: nothing in it matches 198.51.100.7",
    "decides: every condition holds",
    "unreached: an earlier rule decides",
  ]);
  expect(explanation.request.decision).toMatchObject({ outcome: "allow", rule: { index: 7 } });
  expect(explanation.addresses).toEqual([]);
});

test("without a user", () => {
  const policy = compilePolicy({
    rules: [
      { action: "allow", users: ["bob"] },
      { action: "allow", groups: ["x"] },
      { action: "allow", authenticated: true },
    ],
  });
  expect(results(explainDecision(policy, question()).request.rules)).toEqual([
    "skipped: users: the client is not authenticated",
    "skipped: groups: the client is not authenticated",
    "skipped: authenticated: the client is not authenticated",
  ]);
});

test("a name: what depends on the address, and each address after it", () => {
  const policy = compilePolicy({
    rules: [{ action: "deny", to: ["private"] }, { action: "allow", to: ["*.example"] }, { action: "deny" }],
  });
  const explanation = explainDecision(policy, question({ to: "www.example" }), [
    ip("10.0.0.1"),
    ip("127.0.0.1"),
    ip("192.0.2.1"),
  ]);
  expect(explanation.request.decision).toEqual({ outcome: "resolve" });
  expect(results(explanation.request.rules)).toEqual([
    "depends: its addresses are compared after the look-up",
    "depends: every condition on the name holds; the address must pass as well",
    "unreached: an earlier rule decides",
  ]);
  expect(explanation.addresses.map((address) => address.decision.outcome)).toEqual(["deny", "deny", "allow"]);
  expect(results(explanation.addresses[1]?.rules ?? [])[1]).toBe(
    'skipped: it would allow, but www.example at 127.0.0.1 is in a protected set (loopback) that its "to" does not name',
  );
});

test("the default rules, as check prints them", () => {
  const policy = compilePolicy();
  expect(policy.rules.map(describeRule)).toEqual([
    'deny: { to: [self, multicast], reason: "the proxy itself, and addresses of many hosts" }',
    'allow: { clients: [loopback], reason: "programs on this host" }',
    'deny: { to: [loopback, unspecified, linklocal, metadata], reason: "addresses with a meaning only on this host or its link" }',
    'allow: { authenticated: true, reason: "authenticated clients" }',
    'deny: { reason: "clients from elsewhere must authenticate" }',
  ]);
});

test.each<[RuleConfig, string]>([
  [{ action: "deny" }, "deny: {}"],
  [{ action: "allow", ports: [22, "8000-8999"] }, 'allow: { ports: [22, "8000-8999"] }'],
  [
    { action: "allow", to: ["*", "*.a.example", "10.0.0.0/8", "::1", "www.example"] },
    'allow: { to: ["*", "*.a.example", "10.0.0.0/8", "::1", www.example] }',
  ],
  [{ action: "allow", users: ["no", "7", "a b", "a\nb"] }, 'allow: { users: ["no", "7", "a b", "a\\nb"] }'],
  [{ action: "allow", limit: { rate: 10_000_000 } }, "{ allow: {}, limit: { rate: 10MB/s } }"],
  [{ action: "allow", limit: { rate: 1500 } }, "{ allow: {}, limit: { rate: 1500B/s } }"],
  [{ action: "allow", limit: { rate: 10, sessions: 5 } }, "{ allow: {}, limit: { rate: 10B/s, sessions: 5 } }"],
])("%j is written %s", (rule, text) => {
  expect(describeRule(rule)).toBe(text);
});

test("a rule with an upstream is written as in the configuration", () => {
  expect(describeRule({ action: "allow", to: ["*.example"], via: "office" })).toBe(
    '{ allow: { to: ["*.example"] }, via: office }',
  );
  expect(describeRule({ action: "allow", via: "true", limit: { sessions: 1 } })).toBe(
    '{ allow: {}, via: "true", limit: { sessions: 1 } }',
  );
});
