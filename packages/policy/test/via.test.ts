import { describe, expect, test } from "vitest";
import {
  compilePolicy,
  decideAddress,
  decideRequest,
  explainDecision,
  type Policy,
  type PolicyConfig,
  type RuleConfig,
} from "../src/index.ts";
import { ip, question } from "./questions.ts";

const UPSTREAMS = { tor: "remote", office: "local" } as const;

function policyOf(...rules: readonly RuleConfig[]): Policy {
  return compilePolicy({ rules, upstreams: UPSTREAMS });
}

function problemsOf(config: PolicyConfig): readonly string[] {
  try {
    compilePolicy(config);
    return [];
  } catch (error) {
    return (error as { problems: readonly { path: readonly unknown[]; expected: string }[] }).problems.map(
      ({ path, expected }) => `${path.join(".")}: ${expected}`,
    );
  }
}

describe("via is part of an allow", () => {
  test("for an address", () => {
    const policy = policyOf({ action: "allow", ports: [443], via: "tor" }, { action: "allow" });
    expect(decideRequest(policy, question())).toMatchObject({ outcome: "allow", via: "tor", rule: { index: 0 } });
    expect(decideRequest(policy, question({ port: 80 }))).not.toHaveProperty("via");
    expect(structuredClone(policy)).toEqual(policy);
  });

  test("a protected address stays closed: an upstream on this host would reach it", () => {
    const policy = policyOf({ action: "allow", via: "tor" });
    for (const to of ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "metadata.google.internal"]) {
      expect(decideRequest(policy, question({ to }))).toMatchObject({ outcome: "deny" });
    }
  });
});

describe("a name that is passed on", () => {
  test("is allowed as it is; who resolves here is asked for each address", () => {
    const remote = policyOf({ action: "allow", to: ["*.example"], via: "tor" });
    expect(decideRequest(remote, question({ to: "www.example" }))).toMatchObject({ outcome: "allow", via: "tor" });
    expect(decideRequest(remote, question({ to: "www.test" }))).toMatchObject({ outcome: "deny" });
    const local = policyOf({ action: "allow", to: ["*.example"], via: "office" });
    const asked = question({ to: "www.example" });
    expect(decideRequest(local, asked)).toEqual({ outcome: "resolve" });
    expect(decideAddress(local, asked, ip("192.0.2.1"))).toMatchObject({ outcome: "allow", via: "office" });
    expect(decideAddress(local, asked, ip("127.0.0.1"))).toMatchObject({ outcome: "deny" });
  });

  test("meets the rules above that see names, and passes over those that need an address", () => {
    const policy = policyOf(
      { action: "deny", to: ["bad.example"] },
      { action: "deny", to: ["10.0.0.0/8"] },
      { action: "allow", via: "tor" },
    );
    expect(decideRequest(policy, question({ to: "bad.example" }))).toMatchObject({
      outcome: "deny",
      rule: { index: 0 },
    });
    expect(decideRequest(policy, question({ to: "good.example" }))).toMatchObject({ outcome: "allow", via: "tor" });
    expect(decideRequest(policy, question({ to: "10.0.0.1" }))).toMatchObject({ outcome: "deny", rule: { index: 1 } });
    const { rules } = explainDecision(policy, question({ to: "good.example" })).request;
    expect(rules.map(({ result, reason }) => `${result}: ${reason}`)).toEqual([
      "skipped: to: nothing in it matches good.example",
      "skipped: to: only an address could match, and none is looked up here",
      "decides: every condition holds; it goes via tor; the name is passed on to it as it is",
    ]);
  });

  test("a rule that only an address can match looks names up", () => {
    const policy = policyOf({ action: "allow", to: ["10.0.0.0/8"], via: "tor" });
    const asked = question({ to: "www.example" });
    expect(decideRequest(policy, asked)).toEqual({ outcome: "resolve" });
    expect(decideAddress(policy, asked, ip("10.1.2.3"))).toMatchObject({ outcome: "allow", via: "tor" });
  });

  test("names of this host are looked up here, so that their protection holds", () => {
    const policy = policyOf({ action: "allow", via: "tor" });
    for (const to of ["localhost", "LOCALHOST", "a.localhost", "localhost.localdomain"]) {
      const asked = question({ to });
      expect(decideRequest(policy, asked)).toEqual({ outcome: "resolve" });
      expect(decideAddress(policy, asked, ip("127.0.0.1"))).toMatchObject({ outcome: "deny" });
    }
    expect(decideRequest(policy, question({ to: "localhost.example" }))).toMatchObject({ via: "tor" });
  });
});

test("a via that means nothing is refused with its place", () => {
  const rules: readonly RuleConfig[] = [
    { action: "allow", via: "torr" },
    { action: "deny", via: "tor" },
    { action: "allow", via: 5 as never },
    { action: "allow", via: "constructor" },
  ];
  expect(problemsOf({ rules, upstreams: UPSTREAMS })).toEqual([
    "rules.0.via: one of tor, office",
    "rules.1.via: no via: a deny rule lets nothing through",
    "rules.2.via: one of tor, office",
    "rules.3.via: one of tor, office",
  ]);
  expect(problemsOf({ rules: [{ action: "allow", via: "tor" }] })).toEqual([
    "rules.0.via: no via: there are no upstreams",
  ]);
});
