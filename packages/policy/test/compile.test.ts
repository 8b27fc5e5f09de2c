import { describe, expect, test } from "vitest";
import { compilePolicy, describeRule, PolicyError, type RuleConfig } from "../src/index.ts";

function problemsOf(
  ...rules: unknown[]
): readonly { path: string; found: string; expected: string; suggestion?: string }[] {
  try {
    compilePolicy({ rules: rules as RuleConfig[] });
  } catch (error) {
    if (error instanceof PolicyError)
      return error.problems.map((problem) => ({ ...problem, path: problem.path.join(".") }));
    throw error;
  }
  return [];
}

describe("mistakes are located by path", () => {
  test.each<[string, unknown, string, string]>([
    ["no action", {}, "rules.0.action", '"allow" or "deny"'],
    ["not a map", "deny", "rules.0", "a rule"],
    ["unknown key", { action: "deny", port: [80] }, "rules.0.port", "ports"],
    ["prototype key", JSON.parse('{"action":"deny","__proto__":{"x":1}}'), "rules.0.__proto__", "one of the keys"],
    ["empty list", { action: "allow", to: [] }, "rules.0.to", "at least one entry"],
    ["list of numbers", { action: "allow", users: [1] }, "rules.0.users.0", "text"],
    ["text for a list", { action: "allow", to: "*" }, "rules.0.to", "a list"],
    ["port 0", { action: "allow", ports: [0] }, "rules.0.ports.0", "1 to 65535"],
    ["port 65536", { action: "allow", ports: [80, 65_536] }, "rules.0.ports.1", "1 to 65535"],
    ["port name", { action: "allow", ports: ["https"] }, "rules.0.ports.0", "1 to 65535"],
    ["port with sign", { action: "allow", ports: ["+80"] }, "rules.0.ports.0", "1 to 65535"],
    ["backward range", { action: "allow", ports: ["90-80"] }, "rules.0.ports.0", "1 to 65535"],
    ["open range", { action: "allow", ports: ["80-"] }, "rules.0.ports.0", "1 to 65535"],
    ["three parts", { action: "allow", ports: ["1-2-3"] }, "rules.0.ports.0", "1 to 65535"],
    ["fraction", { action: "allow", ports: [80.5] }, "rules.0.ports.0", "1 to 65535"],
    ["command", { action: "allow", commands: ["CONNECT"] }, "rules.0.commands.0", "connect"],
    ["authenticated", { action: "allow", authenticated: "yes" }, "rules.0.authenticated", "true or false"],
    ["reason", { action: "allow", reason: 5 }, "rules.0.reason", "text"],
    ["limit shape", { action: "allow", limit: 5 }, "rules.0.limit", "a map"],
    ["limit key", { action: "allow", limit: { speed: 5 } }, "rules.0.limit.speed", "rate, sessions"],
    ["limit value", { action: "allow", limit: { sessions: 0 } }, "rules.0.limit.sessions", "1 or more"],
    ["limit on deny", { action: "deny", limit: { sessions: 1 } }, "rules.0.limit", "no limit"],
    ["wildcard user", { action: "allow", users: ["*"] }, "rules.0.users.0", "authenticated: true"],
    ["client by name", { action: "allow", clients: ["laptop.example"] }, "rules.0.clients.0", "no names"],
    ["short IPv4", { action: "deny", to: ["127.1"] }, "rules.0.to.0", "a network such as"],
    ["hexadecimal IPv4", { action: "deny", to: ["0x7f.0.0.1"] }, "rules.0.to.0", "a network such as"],
    ["octal IPv4", { action: "deny", to: ["0177.0.0.1"] }, "rules.0.to.0", "a network such as"],
    ["decimal IPv4", { action: "deny", to: ["2130706433"] }, "rules.0.to.0", "a network such as"],
    ["IPv4 with too much", { action: "deny", to: ["1.2.3.4.5"] }, "rules.0.to.0", "a network such as"],
    ["prefix too long", { action: "deny", to: ["10.0.0.0/33"] }, "rules.0.to.0", "a network such as"],
    ["zone", { action: "deny", to: ["fe80::1%eth0"] }, "rules.0.to.0", "zone"],
    ["port in to", { action: "deny", to: ["www.example:80"] }, "rules.0.to.0", "ports"],
    ["star inside a label", { action: "deny", to: ["w*.example"] }, "rules.0.to.0", '"*" stands alone'],
    ["star at the end", { action: "deny", to: ["www.*"] }, "rules.0.to.0", '"*" stands alone'],
    ["two stars", { action: "deny", to: ["*.*.example"] }, "rules.0.to.0", '"*" stands alone'],
    ["only a star and a dot", { action: "deny", to: ["*."] }, "rules.0.to.0", '"*" stands alone'],
    ["regular expression", { action: "deny", to: ["(a+)+$"] }, "rules.0.to.0", "a name"],
  ])("%s", (_, rule, path, expected) => {
    const problems = problemsOf(rule);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.expected).toContain(expected);
  });

  test("all of them at once, the first in the message", () => {
    const rules = [
      { action: "deny", ports: ["x"] },
      { action: "no" },
      { action: "allow", to: ["metdata", ".example"] },
    ];
    expect(problemsOf(...rules).map((problem) => problem.path)).toEqual([
      "rules.0.ports.0",
      "rules.1.action",
      "rules.2.to.0",
      "rules.2.to.1",
    ]);
    expect(() => compilePolicy({ rules: rules as RuleConfig[] })).toThrow(
      expect.objectContaining({
        name: "PolicyError",
        code: "ERR_SOCKS_BAD_RULE",
        side: "local",
        path: ["rules", 0, "ports", 0],
        message: expect.stringMatching(/^rules\[0\]\.ports\[0\]: found "x", expected a port .* \(and 3 more\)$/u),
      }),
    );
  });

  test("rules that are no list", () => {
    expect(() => compilePolicy({ rules: {} as RuleConfig[] })).toThrow(expect.objectContaining({ path: ["rules"] }));
  });

  test("values in messages are one line and short", () => {
    const [problem] = problemsOf({ action: "deny", ports: [`8\n${"0".repeat(500)}`] });
    expect(problem?.found.length).toBeLessThanOrEqual(80);
    expect(problem?.found).not.toContain("\n");
  });
});

describe("a set with a typo does not become a host", () => {
  test.each([
    ["metdata", "metadata"],
    ["loopbck", "loopback"],
    ["Loopback", "loopback"],
    ["multicats", "multicast"],
    ["link-local", "linklocal"],
    ["slef", "self"],
    ["privates", "private"],
  ])("%s", (word, suggestion) => {
    expect(problemsOf({ action: "deny", to: [word] })).toMatchObject([{ path: "rules.0.to.0", suggestion }]);
  });

  test.each(["localhost", "intranet", "shell", "loopback.", "mail", "*.loopback"])("%s is a name", (word) => {
    expect(problemsOf({ action: "deny", to: [word] })).toEqual([]);
  });
});

test("what was compiled no longer follows the caller's objects", () => {
  const to = ["a.example"];
  const policy = compilePolicy({ rules: [{ action: "deny", to }] });
  to[0] = "b.example";
  expect(policy.rules).toEqual([{ action: "deny", to: ["a.example"] }]);
  expect(policy.isDefault).toBe(false);
  expect(compilePolicy().isDefault).toBe(true);
});

test("proxyProtocol of a rule: three words, on an allow only", () => {
  for (const proxyProtocol of ["off", "v1", "v2"] as const) {
    const { rules } = compilePolicy({ rules: [{ action: "allow", proxyProtocol }] });
    expect(rules).toEqual([{ action: "allow", proxyProtocol }]);
  }
  expect(problemsOf({ action: "allow", proxyProtocol: 2 })).toMatchObject([
    { path: "rules.0.proxyProtocol", expected: '"off", "v1" or "v2"' },
  ]);
  expect(problemsOf({ action: "deny", proxyProtocol: "v2" })).toMatchObject([
    { path: "rules.0.proxyProtocol", expected: "no proxyProtocol: a deny rule lets nothing through" },
  ]);
  expect(describeRule({ action: "allow", ports: [25], limit: { sessions: 1 }, proxyProtocol: "v2" })).toBe(
    "{ allow: { ports: [25] }, limit: { sessions: 1 }, proxyProtocol: v2 }",
  );
});
