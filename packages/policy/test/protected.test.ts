import { describe, expect, test } from "vitest";
import { compilePolicy, decideAddress, decideRequest, type PolicyConfig, type RuleConfig } from "../src/index.ts";
import { type Asked, ip, question } from "./questions.ts";

const outcome = (config: PolicyConfig, asked: Asked): string =>
  decideRequest(compilePolicy(config), question(asked)).outcome;
const listening: PolicyConfig = { self: [ip("192.0.2.1", 1080), ip("127.0.0.1", 1081)] };

describe("without rules", () => {
  test.each<[string, Asked, string]>([
    ["a stranger", {}, "deny"],
    ["a stranger, by name", { to: "www.example" }, "deny"],
    ["a user", { user: "alice" }, "allow"],
    ["a user, by name", { user: "alice", to: "www.example" }, "resolve"],
    ["a user to a private network", { user: "alice", to: "10.0.0.1" }, "allow"],
    ["a user to loopback", { user: "alice", to: "127.0.0.1" }, "deny"],
    ["a user to the metadata name", { user: "alice", to: "metadata.google.internal" }, "deny"],
    ["a user to the metadata name, dotted", { user: "alice", to: "Metadata.Google.Internal." }, "deny"],
    ["this host", { from: "127.0.0.1" }, "allow"],
    ["this host over IPv6", { from: "::1" }, "allow"],
    ["this host, mapped", { from: "::ffff:127.0.0.1" }, "allow"],
    ["this host, another 127", { from: "127.3.2.1" }, "allow"],
    ["this host to loopback", { from: "127.0.0.1", to: "127.0.0.1" }, "allow"],
    ["this host to 0.0.0.0", { from: "127.0.0.1", to: "0.0.0.0" }, "allow"],
    ["this host to metadata", { from: "127.0.0.1", to: "169.254.169.254" }, "allow"],
    ["this host to multicast", { from: "127.0.0.1", to: "224.0.0.1" }, "deny"],
    ["this host to broadcast", { from: "127.0.0.1", to: "255.255.255.255" }, "deny"],
    ["this host to itself", { from: "127.0.0.1", to: "127.0.0.1", port: 1081 }, "deny"],
    ["this host to itself through 0.0.0.0", { from: "127.0.0.1", to: "0.0.0.0", port: 1081 }, "deny"],
    ["this host to itself through ::", { from: "127.0.0.1", to: "::", port: 1081 }, "deny"],
    ["this host to itself, mapped", { from: "127.0.0.1", to: "::ffff:127.0.0.1", port: 1081 }, "deny"],
    ["this host to the other listener", { from: "127.0.0.1", to: "192.0.2.1", port: 1080 }, "deny"],
    ["this host to another port", { from: "127.0.0.1", to: "192.0.2.1", port: 1081 }, "allow"],
    ["a user to the listener", { user: "alice", to: "192.0.2.1", port: 1080 }, "deny"],
    ["a user to another port of the host", { user: "alice", to: "192.0.2.1", port: 80 }, "allow"],
    ["a client that claims 0.0.0.0", { from: "0.0.0.0" }, "deny"],
    ["a client behind a translator from 127.0.0.1", { from: "64:ff9b::127.0.0.1" }, "deny"],
  ])("%s", (_, asked, expected) => {
    expect(outcome(listening, asked)).toBe(expected);
  });
});

describe("ways round, from elsewhere, refused by the default rules and by allow everything", () => {
  // Every protected host in every dress that reaches a dialler.
  const dressed = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "::", "::1", "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0.0.0.0", "::127.0.0.1", "::7f00:1",
    "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::0.0.0.0",
    "64:ff9b:1::127.0.0.1", "64:ff9b:1:abcd:7f:0:100:0", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:ff7f:0:1::",
    "2002:7f00:1::", "2002:7f00:1::1", "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::", "2001:0:c000:201:0:0:80ff:fffe",
    "::ffff:0:127.0.0.1", "::ffff:0:7f00:1", "::ffff:0:0.0.0.0", "::ffff:0:169.254.169.254",
    "2001:db8::5efe:127.0.0.1", "2001:db8::200:5efe:127.0.0.1", "::5efe:7f00:1", "2001:db8:1:2:200:5efe:a9fe:a9fe",
    "fd00::5efe:224.0.0.1", "2002:808:808::5efe:127.0.0.1", "64:ff9b:1:808:0:5efe:7f00:1",
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
    "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::100.100.100.200", "::168.63.129.16",
    "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1",
    "224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "255.255.255.255", "::ffff:255.255.255.255", "64:ff9b::224.0.0.1",
  ]; // prettier-ignore

  test.each(dressed)("%s", (to) => {
    for (const rules of [
      undefined,
      [{ action: "allow" }],
      [{ action: "allow", to: ["*", "0.0.0.0/0", "::/0"] }],
    ] as const) {
      const config = rules === undefined ? {} : { rules };
      expect(outcome(config, { user: "alice", to })).toBe("deny");
      // The same host behind a name.
      const policy = compilePolicy(config);
      expect(decideAddress(policy, question({ user: "alice", to: "www.example" }), ip(to)).outcome).toBe("deny");
    }
  });

  test.each([
    "64:ff9b:1::8.8.8.8",
    "64:ff9b:1:808:8:800::",
    "64:ff9b:1:8:8:808::",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
    "::ffff:0:8.8.8.8",
    "2001:db8::5efe:8.8.8.8",
    "2001:db8::100:5efe:127.0.0.1",
    "2001:db8::1:5efe:127.0.0.1",
    "2001:db8::ffff:0:127.0.0.1",
  ])("%s leads to a public host and is no way round", (to) => {
    expect(outcome({}, { user: "alice", to })).toBe("allow");
  });
});

describe("a protected set opens only by its name or an exact address", () => {
  test.each<[string, readonly string[], string, boolean]>([
    ["the set", ["loopback"], "127.0.0.1", true],
    ["the set, IPv6", ["loopback"], "::1", true],
    ["the set, 0.0.0.0 is loopback", ["loopback"], "0.0.0.0", true],
    ["unspecified", ["unspecified"], "0.0.0.0", true],
    ["the address", ["127.0.0.1"], "127.0.0.1", true],
    ["the address, mapped in the rule", ["::ffff:127.0.0.1"], "127.0.0.1", true],
    ["the address, mapped in the request", ["127.0.0.1"], "::ffff:127.0.0.1", true],
    ["the address as a network of one", ["127.0.0.1/32"], "127.0.0.1", true],
    ["another address", ["127.0.0.1"], "127.0.0.2", false],
    ["a network inside", ["127.0.0.0/31"], "127.0.0.1", false],
    ["a network around", ["127.0.0.0/8"], "127.0.0.1", false],
    ["another set", ["linklocal"], "127.0.0.1", false],
    ["everything and the set", ["*", "loopback"], "127.0.0.1", true],
    ["everything and another set", ["*", "multicast"], "127.0.0.1", false],
    ["metadata", ["metadata"], "169.254.169.254", true],
    ["metadata, IPv6", ["metadata"], "fd00:ec2::254", true],
    ["linklocal is not metadata", ["linklocal"], "169.254.169.254", false],
    ["linklocal", ["linklocal"], "169.254.1.1", true],
    ["private is not metadata", ["private"], "fd00:ec2::254", false],
    ["multicast", ["multicast"], "255.255.255.255", true],
    ["a wrapped address, rule on what is inside", ["127.0.0.1"], "64:ff9b::127.0.0.1", false],
    ["a wrapped address, rule on the set", ["loopback"], "64:ff9b::127.0.0.1", false],
    ["a wrapped address, rule on itself", ["64:ff9b::127.0.0.1"], "64:ff9b::7f00:1", true],
    ["a wrapped address, everything and the set", ["*", "loopback"], "64:ff9b::7f00:1", true],
    ["two wrapped addresses, one set named", ["*", "loopback"], "2001:0:7f00:1:0:0:1fff:fffe", false],
    ["two wrapped addresses, both named", ["*", "loopback", "multicast"], "2001:0:7f00:1:0:0:1fff:fffe", true],
  ])("%s", (_, to, target, expected) => {
    expect(outcome({ rules: [{ action: "allow", to }] }, { to: target })).toBe(expected ? "allow" : "deny");
    // Named in a later rule, it opens as well: the earlier one only does not apply.
    const rules: RuleConfig[] = [{ action: "allow" }, { action: "allow", to }];
    expect(outcome({ rules }, { to: target })).toBe(expected ? "allow" : "deny");
  });

  test("a name does not open what it resolves to", () => {
    const rules: RuleConfig[] = [{ action: "allow", to: ["www.example", "*.example", "localhost"] }];
    const policy = compilePolicy({ rules });
    for (const to of ["www.example", "localhost"]) {
      expect(decideAddress(policy, question({ to }), ip("127.0.0.1"))).toEqual({
        outcome: "deny",
        rule: undefined,
        reason: "no rule opens the protected set that the address is in",
      });
      expect(decideAddress(policy, question({ to }), ip("198.51.100.7")).outcome).toBe("allow");
    }
  });

  test("the metadata name opens with the set", () => {
    const to = "metadata.google.internal";
    expect(outcome({ rules: [{ action: "allow" }] }, { to })).toBe("deny");
    expect(outcome({ rules: [{ action: "allow", to: ["*.google.internal", to] }] }, { to })).toBe("deny");
    expect(outcome({ rules: [{ action: "allow", to: ["metadata"] }] }, { to })).toBe("resolve");
    // Naming the set opens it for the name; it does not open what the name may resolve to.
    const named = compilePolicy({ rules: [{ action: "allow", to: ["metadata"] }] });
    expect(decideAddress(named, question({ to }), ip("169.254.169.254")).outcome).toBe("allow");
    expect(decideAddress(named, question({ to }), ip("127.0.0.1")).outcome).toBe("deny");
    expect(decideAddress(named, question({ to }), ip("169.254.1.1")).outcome).toBe("deny");
    const exact = compilePolicy({ rules: [{ action: "allow", to: [to, "169.254.169.254"] }] });
    expect(decideRequest(exact, question({ to })).outcome).toBe("resolve");
    expect(decideAddress(exact, question({ to }), ip("169.254.169.254")).outcome).toBe("allow");
    expect(decideAddress(exact, question({ to }), ip("169.254.170.2")).outcome).toBe("deny");
  });
});

describe("self", () => {
  const allow = (to: readonly string[], self: PolicyConfig["self"], target: string, port = 1080): string =>
    outcome(
      { rules: [{ action: "allow", to }], self: self ?? [], localAddresses: [ip("192.0.2.1"), ip("2001:db8::1")] },
      { to: target, port },
    );

  test("an unspecified listener is every address of the host on its port", () => {
    for (const listener of [ip("0.0.0.0", 1080), ip("::", 1080)]) {
      for (const to of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::"]) {
        expect(allow(["*"], [listener], to)).toBe("deny");
        expect(allow(["*"], [listener], to, 1081)).toBe("allow");
      }
      for (const to of ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"]) {
        expect(allow(["*", "loopback", "unspecified"], [listener], to)).toBe("deny");
        expect(allow(["*", "loopback", "unspecified"], [listener], to, 1081)).toBe("allow");
      }
      expect(allow(["*"], [listener], "192.0.2.2")).toBe("allow");
    }
  });

  test("a listener on loopback is reached through 0.0.0.0 and ::", () => {
    for (const to of ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"]) {
      expect(allow(["loopback"], [ip("127.0.0.1", 1080)], to)).toBe("deny");
      expect(allow(["self"], [ip("127.0.0.1", 1080)], to)).toBe("allow");
    }
    expect(allow(["loopback"], [ip("127.0.0.1", 1080)], "127.0.0.2")).toBe("allow");
  });

  test("only its name opens it, not the exact address", () => {
    const self = [ip("192.0.2.1", 1080), ip("::ffff:192.0.2.3", 1080), ip("127.0.0.1", 1080)];
    expect(allow(["*", "192.0.2.0/24", "private"], self, "192.0.2.1")).toBe("deny");
    for (const to of ["192.0.2.1", "::ffff:192.0.2.1", "127.0.0.1", "64:ff9b::127.0.0.1"]) {
      expect(allow([to, "loopback"], self, to)).toBe("deny");
      expect(allow([to, "loopback"], self, to, 1081)).toBe("allow");
      expect(allow([to, "self"], self, to)).toBe("allow");
    }
    expect(allow(["self"], self, "192.0.2.1")).toBe("allow");
    expect(allow(["*"], self, "192.0.2.3")).toBe("deny");
  });
});

test("a deny by IPv4 address holds for the address in any wrapping, an allow does not", () => {
  const wrapped = [
    "::ffff:10.1.2.3",
    "::10.1.2.3",
    "64:ff9b::10.1.2.3",
    "64:ff9b:1::10.1.2.3",
    "2002:a01:203::",
    "2001:0:a01:203::",
    "::ffff:0:10.1.2.3",
    "2001:db8::5efe:10.1.2.3",
    "2001:db8::200:5efe:10.1.2.3",
  ];
  for (const to of wrapped) {
    for (const pattern of ["10.0.0.0/8", "10.1.2.3", "private"]) {
      expect(outcome({ rules: [{ action: "deny", to: [pattern] }, { action: "allow" }] }, { to })).toBe("deny");
      const mapped = to === "::ffff:10.1.2.3";
      expect(outcome({ rules: [{ action: "allow", to: [pattern] }] }, { to })).toBe(mapped ? "allow" : "deny");
    }
  }
});
