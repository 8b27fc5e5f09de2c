import { describe, expect, test } from "vitest";
import {
  compilePolicy,
  decideAddress,
  decideCommand,
  decideRequest,
  explainDecision,
  type RuleConfig,
} from "../src/index.ts";
import { type Asked, ip, question } from "./questions.ts";

const policyOf = (...rules: RuleConfig[]) => compilePolicy({ rules });
const ask = (rules: readonly RuleConfig[], asked: Asked) =>
  decideRequest(compilePolicy({ rules }), question(asked)).outcome;

describe("a user that only ident named", () => {
  const asked = { ...question(), user: { name: "fred", groups: [], authenticated: false } };
  const outcome = (rule: RuleConfig) => decideRequest(policyOf(rule), asked).outcome;

  test("has a name, and has not logged in", () => {
    expect(outcome({ action: "allow", users: ["fred"] })).toBe("allow");
    expect(outcome({ action: "allow", users: ["alice"] })).toBe("deny");
    expect(outcome({ action: "allow", authenticated: true })).toBe("deny");
    expect(outcome({ action: "allow", authenticated: false })).toBe("allow");
    expect(outcome({ action: "allow", users: ["fred"], authenticated: true })).toBe("deny");
  });

  test("the explanation says so", () => {
    const policy = policyOf({ action: "allow", authenticated: true });
    expect(explainDecision(policy, asked).request.rules[0]).toMatchObject({
      result: "skipped",
      reason: "authenticated: user fred is not: the name is no log-in",
    });
  });
});

describe("first match wins, no match denies", () => {
  test("order", () => {
    const deny: RuleConfig = { action: "deny", ports: [443] };
    const allow: RuleConfig = { action: "allow", to: ["198.51.100.0/24"] };
    expect(ask([deny, allow], {})).toBe("deny");
    expect(ask([allow, deny], {})).toBe("allow");
    expect(ask([deny, allow], { port: 80 })).toBe("allow");
  });

  test("no rules at all", () => {
    expect(decideRequest(policyOf(), question())).toEqual({
      outcome: "deny",
      rule: undefined,
      reason: "no rule allows it",
    });
  });

  test("the decision names rule, reason and limit", () => {
    const limit = { rate: 1000, sessions: 2 };
    const policy = policyOf({ action: "deny", ports: [25], reason: "no mail" }, { action: "allow", limit });
    expect(decideRequest(policy, question({ port: 25 }))).toEqual({
      outcome: "deny",
      rule: { index: 0, isDefault: false },
      reason: "no mail",
    });
    expect(decideRequest(policy, question())).toEqual({
      outcome: "allow",
      rule: { index: 1, isDefault: false },
      reason: "rule 2",
      limit,
    });
  });
});

describe("conditions", () => {
  test.each<[string, Omit<RuleConfig, "action">, Asked, boolean]>([
    ["client network", { clients: ["203.0.113.0/24"] }, {}, true],
    ["client elsewhere", { clients: ["203.0.112.0/24"] }, {}, false],
    ["client address", { clients: ["203.0.113.9"] }, {}, true],
    ["mapped client", { clients: ["203.0.113.0/24"] }, { from: "::ffff:203.0.113.9" }, true],
    ["mapped network", { clients: ["::ffff:203.0.113.0/120"] }, {}, true],
    ["IPv6 client", { clients: ["2001:db8::/33"] }, { from: "2001:db8:7fff::1" }, true],
    ["IPv6 client outside", { clients: ["2001:db8::/33"] }, { from: "2001:db8:8000::1" }, false],
    ["any client", { clients: ["*"] }, {}, true],
    ["site-local client", { clients: ["private"] }, { from: "fec0::1" }, true],
    ["last site-local client", { clients: ["private"] }, { from: "feff::1" }, true],
    ["link-local client", { clients: ["private"] }, { from: "fe80::1" }, false],
    ["set of clients", { clients: ["private"] }, { from: "192.168.1.1" }, true],
    ["client in no set", { clients: ["private"] }, {}, false],
    ["all of IPv4", { clients: ["0.0.0.0/0"] }, {}, true],
    ["all of IPv4 is not IPv6", { clients: ["0.0.0.0/0"] }, { from: "2001:db8::1" }, false],
    ["all of IPv6 is not IPv4", { clients: ["::/0"] }, {}, false],
    ["user", { users: ["alice"] }, { user: "alice" }, true],
    ["other user", { users: ["alice"] }, { user: "bob" }, false],
    ["users compare exactly", { users: ["alice"] }, { user: "Alice" }, false],
    ["no user", { users: ["alice"] }, {}, false],
    ["group", { groups: ["staff", "root"] }, { user: "alice", groups: ["x", "root"] }, true],
    ["other group", { groups: ["staff"] }, { user: "alice", groups: ["x"] }, false],
    ["no group", { groups: ["staff"] }, {}, false],
    ["users and groups both", { users: ["alice"], groups: ["staff"] }, { user: "alice" }, false],
    ["authenticated", { authenticated: true }, { user: "alice" }, true],
    ["not authenticated", { authenticated: true }, {}, false],
    ["only strangers", { authenticated: false }, {}, true],
    ["only strangers, a user", { authenticated: false }, { user: "alice" }, false],
    ["command", { commands: ["bind", "connect"] }, {}, true],
    ["other command", { commands: ["bind"] }, {}, false],
    ["udp", { commands: ["udp-associate"] }, { command: "udp-associate" }, true],
    ["port", { ports: [80, 443] }, {}, true],
    ["port as text", { ports: ["443"] }, {}, true],
    ["port range", { ports: ["400-500"] }, {}, true],
    ["first of a range", { ports: ["443-500"] }, {}, true],
    ["last of a range", { ports: ["1-443"] }, {}, true],
    ["above a range", { ports: ["1-442"] }, {}, false],
    ["below a range", { ports: ["444-65535"] }, {}, false],
    ["address", { to: ["198.51.100.7"] }, {}, true],
    ["network", { to: ["198.51.100.0/29"] }, {}, true],
    ["outside a network", { to: ["198.51.100.8/29"] }, {}, false],
    ["IPv6 to", { to: ["2001:db8::/32"] }, { to: "2001:db8:1::1" }, true],
    ["everything", { to: ["*"] }, {}, true],
  ])("%s", (_, conditions, asked, expected) => {
    expect(ask([{ action: "allow", ...conditions }], asked)).toBe(expected ? "allow" : "deny");
  });

  test("self among clients is an address of this host, whatever the port", () => {
    const policy = compilePolicy({
      rules: [{ action: "allow", clients: ["self"] }],
      self: [ip("0.0.0.0", 1080)],
      localAddresses: [ip("192.0.2.1"), ip("2001:db8::1")],
    });
    expect(decideRequest(policy, question({ from: "192.0.2.1" })).outcome).toBe("allow");
    expect(decideRequest(policy, question({ from: "2001:db8::1" })).outcome).toBe("allow");
    expect(decideRequest(policy, question({ from: "192.0.2.2" })).outcome).toBe("deny");
  });
});

describe("names", () => {
  test.each([
    ["*.corp.example", "www.corp.example", true],
    ["*.corp.example", "a.b.corp.example", true],
    ["*.corp.example", "WWW.Corp.EXAMPLE", true],
    ["*.corp.example", "www.corp.example.", true],
    ["*.corp.example", "corp.example", false],
    ["*.corp.example", "evilcorp.example", false],
    ["*.corp.example", "corp.example.evil", false],
    ["*.corp.example", "www.corp.example.evil", false],
    ["*.Corp.Example.", "www.corp.example", true],
    ["www.example", "www.example", true],
    ["www.example.", "www.example", true],
    ["www.example", "www.example.", true],
    ["WWW.example", "www.example", true],
    ["www.example", "ww.example", false],
    ["www.example", "a.www.example", false],
    ["*.example", "www.example", true],
    ["bücher.example", "xn--bcher-kva.example", true],
    ["*.bücher.example", "www.xn--bcher-kva.example", true],
    ["localhost", "localhost.", true],
    ["loopback.", "loopback", true],
  ])("%s and %s", (pattern, name, expected) => {
    const policy = policyOf({ action: "deny", to: [pattern] }, { action: "allow" });
    expect(decideRequest(policy, question({ to: name })).outcome).toBe(expected ? "deny" : "resolve");
    expect(decideAddress(policy, question({ to: name }), ip("198.51.100.7")).outcome).toBe(expected ? "deny" : "allow");
  });

  test("a rule on a name never matches a literal", () => {
    for (const to of ["127.0.0.1", "198.51.100.7", "2001:db8::1", "::1"]) {
      expect(ask([{ action: "allow", to: ["*.1", "*.7", "one.one.one.one"].slice(2) }], { to })).toBe("deny");
    }
  });
});

test("names compare by their key, however the address was made", () => {
  const policy = policyOf({ action: "deny", to: ["www.example", "*.test"] }, { action: "allow" });
  for (const host of ["WWW.Example.", "a.TEST."]) {
    const destination = { type: "domain", host, port: 443, octets: new TextEncoder().encode(host) } as const;
    expect(decideRequest(policy, question({ to: destination })).outcome).toBe("deny");
  }
});

test("a deny of a client's IPv4 address holds for it behind a translator, an allow does not", () => {
  for (const from of ["64:ff9b::203.0.113.9", "2002:cb00:7109::1"]) {
    expect(ask([{ action: "deny", clients: ["203.0.113.9"] }, { action: "allow" }], { from })).toBe("deny");
    expect(ask([{ action: "allow", clients: ["203.0.113.9"] }], { from })).toBe("deny");
  }
});

describe("a name: on what was asked, and again on what is dialled", () => {
  const rules: RuleConfig[] = [
    { action: "deny", to: ["10.0.0.0/8"] },
    { action: "allow", to: ["*.example", "192.0.2.0/24"] },
  ];
  const policy = policyOf(...rules);

  test("an allow by name waits for the address", () => {
    const asked = question({ to: "www.example" });
    expect(decideRequest(policy, asked)).toEqual({ outcome: "resolve" });
    expect(decideAddress(policy, asked, ip("198.51.100.7")).outcome).toBe("allow");
    expect(decideAddress(policy, asked, ip("10.1.2.3"))).toMatchObject({ outcome: "deny", rule: { index: 0 } });
  });

  test("an allow by address waits for the address", () => {
    const asked = question({ to: "www.test" });
    expect(decideRequest(policy, asked).outcome).toBe("resolve");
    expect(decideAddress(policy, asked, ip("192.0.2.1")).outcome).toBe("allow");
    expect(decideAddress(policy, asked, ip("198.51.100.7")).outcome).toBe("deny");
  });

  test("a denial that no address could change needs no look-up", () => {
    const byName = policyOf({ action: "deny", to: ["*.evil"] }, { action: "allow" });
    expect(decideRequest(byName, question({ to: "www.evil" }))).toMatchObject({ outcome: "deny", rule: { index: 0 } });
    const byPort = policyOf({ action: "deny", to: ["private"] }, { action: "deny", ports: [25] }, { action: "allow" });
    expect(decideRequest(byPort, question({ to: "www.example", port: 25 }))).toMatchObject({ rule: { index: 1 } });
    const nobody = policyOf({ action: "allow", users: ["alice"], to: ["192.0.2.0/24"] });
    expect(decideRequest(nobody, question({ to: "www.example" })).outcome).toBe("deny");
  });

  test("a denial after a possible allow is none yet", () => {
    const mixed = policyOf({ action: "allow", to: ["192.0.2.0/24"] }, { action: "deny", to: ["*.evil"] });
    const asked = question({ to: "www.evil" });
    expect(decideRequest(mixed, asked).outcome).toBe("resolve");
    expect(decideAddress(mixed, asked, ip("192.0.2.1")).outcome).toBe("allow");
    expect(decideAddress(mixed, asked, ip("192.0.3.1")).outcome).toBe("deny");
  });

  test("the port of the destination counts, not the one of the candidate", () => {
    const ports = policyOf({ action: "allow", ports: [443] });
    expect(decideAddress(ports, question({ to: "www.example" }), ip("198.51.100.7", 0)).outcome).toBe("allow");
  });

  test("a literal is final at once", () => {
    expect(decideRequest(policy, question({ to: "192.0.2.9" })).outcome).toBe("allow");
    expect(decideRequest(policy, question({ to: "10.0.0.1" })).outcome).toBe("deny");
  });
});

describe("a command whose destinations are not known yet", () => {
  const decide = (rules: readonly RuleConfig[], asked: Asked = {}) =>
    decideCommand(compilePolicy({ rules }), question({ command: "udp-associate", ...asked }));

  test.each<[string, readonly RuleConfig[], string]>([
    ["is allowed where some destination is", [{ action: "allow", to: ["192.0.2.1"], ports: [53] }], "allow"],
    [
      "whatever single places are denied before",
      [{ action: "deny", to: ["10.0.0.0/8"] }, { action: "allow" }],
      "allow",
    ],
    ["whatever single ports are denied before", [{ action: "deny", ports: [25] }, { action: "allow" }], "allow"],
    ["is denied without a rule", [], "deny"],
    ["is denied by a rule for other commands", [{ action: "allow", commands: ["connect"] }], "deny"],
    ["is denied to other clients", [{ action: "allow", clients: ["loopback"] }], "deny"],
    ["is denied where everything is denied before", [{ action: "deny" }, { action: "allow" }], "deny"],
    ["is denied where everything is denied as *", [{ action: "deny", to: ["*"] }, { action: "allow" }], "deny"],
  ])("%s", (_what, rules, outcome) => {
    expect(decide(rules).outcome).toBe(outcome);
  });

  test("the rule and its limit are told", () => {
    const limit = { sessions: 2 };
    const rules: RuleConfig[] = [
      { action: "deny", users: ["bob"] },
      { action: "allow", limit },
    ];
    expect(decide(rules)).toMatchObject({ outcome: "allow", rule: { index: 1 }, limit });
    expect(decide(rules, { user: "bob" })).toMatchObject({ outcome: "deny", rule: { index: 0 } });
  });
});

describe("look-ups have to be named", () => {
  const everything: RuleConfig = { action: "allow" };
  const lookUps: RuleConfig = { action: "allow", commands: ["resolve", "resolve-ptr"] };

  test.each(["resolve", "resolve-ptr"] as const)("%s", (command) => {
    expect(ask([everything], { command })).toBe("deny");
    expect(ask([everything], { command, from: "127.0.0.1" })).toBe("deny");
    expect(ask([lookUps], { command })).toBe("allow");
    expect(ask([lookUps], {})).toBe("deny");
    expect(ask([{ action: "deny" }, lookUps], { command })).toBe("deny");
    expect(decideRequest(compilePolicy(), question({ command, from: "127.0.0.1" })).outcome).toBe("deny");
  });
});
