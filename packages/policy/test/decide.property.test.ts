import { embeddedIpv4, ipv6Address, parseAddress, parseIpAddress } from "@sockskit/wire";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compilePolicy, decideAddress, decideRequest, type RuleConfig } from "../src/index.ts";
import { ip, question } from "./questions.ts";

/** Four octets from each protected set. */
const protectedIpv4 = fc.oneof(
  fc.tuple(fc.constant(127), octet(), octet(), octet()),
  fc.tuple(fc.constant(169), fc.constant(254), octet(), octet()),
  fc.tuple(fc.integer({ min: 224, max: 239 }), octet(), octet(), octet()),
  fc.constantFrom([0, 0, 0, 0], [255, 255, 255, 255], [100, 100, 100, 200], [168, 63, 129, 16]),
);

function octet() {
  return fc.nat({ max: 255 });
}

const hex = (a: number, b: number): string => ((a << 8) | b).toString(16);

/** Every text by which the address, or a wrapping of it, can be asked for. */
function textsOf(octets: readonly number[], noise: number): readonly string[] {
  const [o0 = 0, o1 = 0, o2 = 0, o3 = 0] = octets;
  const dotted = [o0, o1, o2, o3].join(".");
  const high = hex(o0, o1);
  const low = hex(o2, o3);
  const subnet = noise.toString(16);
  const texts = [
    dotted,
    `::ffff:${dotted}`,
    `[::FFFF:${high}:${low}]`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `64:ff9b::${dotted}`,
    `64:FF9B:0:0:0:0:${high}:${low}`,
    `::ffff:0:${dotted}`,
    `2001:db8:${subnet}::5efe:${dotted}`,
    `2001:db8::${subnet}:200:5efe:${high}:${low}`,
    `2002:${high}:${low}:${subnet}::${subnet}`,
    `2001:0:${high}:${low}:${subnet}::`,
    `2001:0:808:808:${subnet}:0:${hex(o0 ^ 0xff, o1 ^ 0xff)}:${hex(o2 ^ 0xff, o3 ^ 0xff)}`,
  ];
  if (o0 === 0) return texts; // `::` itself, and padding
  return [
    ...texts,
    `::${dotted}`,
    // RFC 6052 section 2.2: prefixes of 96, 64, 56 and 48 bits; the u octet is 00.
    `64:ff9b:1:${subnet}::${dotted}`,
    `64:ff9b:1:${subnet}:${hex(0, o0)}:${hex(o1, o2)}:${hex(o3, 0)}:${subnet}`,
    `64:ff9b:1:${hex(noise & 0xff, o0)}:${hex(0, o1)}:${hex(o2, o3)}:${subnet}:0`,
    `64:ff9b:1:${high}:${hex(0, o2)}:${hex(o3, 0)}:${subnet}:0`,
  ];
}

test("no dress of a protected address gets a client from elsewhere past the default rules or an allow of everything", () => {
  const policies = [compilePolicy(), compilePolicy({ rules: [{ action: "allow", to: ["*", "0.0.0.0/0", "::/0"] }] })];
  fc.assert(
    fc.property(protectedIpv4, fc.nat({ max: 0xffff }), fc.integer({ min: 1, max: 65_535 }), (octets, noise, port) => {
      for (const text of textsOf(octets, noise)) {
        const destination = parseAddress(text, port);
        for (const policy of policies) {
          expect([text, decideRequest(policy, question({ user: "alice", to: destination })).outcome]).toEqual([
            text,
            "deny",
          ]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("an IPv4 text that inet_aton would read never becomes a name that a rule could let through", () => {
  fc.assert(
    fc.property(protectedIpv4, fc.constantFrom(8, 10, 16), fc.integer({ min: 1, max: 4 }), (octets, radix, parts) => {
      const prefix = radix === 16 ? "0x" : radix === 8 ? "0" : "";
      const shown = [...octets].slice(0, parts - 1);
      const last = [...octets].slice(parts - 1).reduce((sum, value) => sum * 256 + value, 0);
      const text = [...shown, last].map((value) => prefix + value.toString(radix)).join(".");
      if (parseIpAddress(text) !== undefined) return; // the plain dotted quad
      expect(() => parseAddress(text, 80)).toThrow(expect.objectContaining({ code: "ERR_SOCKS_BAD_ADDRESS" }));
      expect(() => compilePolicy({ rules: [{ action: "allow", to: [text] }] })).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_RULE" }),
      );
    }),
  );
});

test("a deny of an IPv4 address holds for every IPv6 address that wire says it is inside", () => {
  const wrapping = fc
    .tuple(fc.constantFrom("", "64ff9b0000000000000000", "2002"), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([prefix, octets]) => {
      if (prefix === "") octets.fill(0, 0, 12);
      for (let index = 0; index < prefix.length; index += 2)
        octets[index / 2] = Number.parseInt(prefix.slice(index, index + 2), 16);
      if (prefix.startsWith("64")) octets.set([0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]);
      return ipv6Address(octets, 443);
    });
  fc.assert(
    fc.property(wrapping, (address) => {
      const inside = embeddedIpv4(address);
      if (inside === undefined) return;
      const policy = compilePolicy({ rules: [{ action: "deny", to: [inside.host] }, { action: "allow" }] });
      expect(decideRequest(policy, question({ from: "127.0.0.1", to: address })).outcome).toBe("deny");
    }),
  );
});

const patterns = fc.constantFrom(
  "*",
  "loopback",
  "private",
  "metadata",
  "self",
  "10.0.0.0/8",
  "192.0.2.1",
  "2001:db8::/32",
  "*.example",
  "www.example",
);
const rule: fc.Arbitrary<RuleConfig> = fc.record(
  {
    action: fc.constantFrom("allow" as const, "deny" as const),
    clients: fc.array(fc.constantFrom("loopback", "private", "203.0.113.0/24", "*"), { minLength: 1, maxLength: 2 }),
    users: fc.constant(["alice"]),
    authenticated: fc.boolean(),
    commands: fc.constantFrom(["connect" as const], ["bind" as const]),
    to: fc.array(patterns, { minLength: 1, maxLength: 3 }),
    ports: fc.constantFrom([80], ["400-500"]),
  },
  { requiredKeys: ["action"] },
);
const asked = fc.record(
  {
    from: fc.constantFrom("127.0.0.1", "203.0.113.9", "192.168.1.1", "2001:db8::9"),
    user: fc.constantFrom("alice", "bob"),
    to: fc.constantFrom(
      "www.example",
      "www.test",
      "10.0.0.1",
      "127.0.0.1",
      "192.0.2.1",
      "64:ff9b::10.0.0.1",
      "2001:db8::1",
      "metadata.google.internal",
    ),
    port: fc.constantFrom(80, 443),
  },
  { requiredKeys: ["from", "to", "port"] },
);
const dialled = fc
  .constantFrom("10.0.0.1", "127.0.0.1", "192.0.2.1", "169.254.169.254", "2001:db8::1", "198.51.100.7")
  .map((text) => ip(text));

test("deciding is pure: the same answer again, from a clone too, and nothing is changed", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 6 }), asked, dialled, (rules, who, address) => {
      const policy = compilePolicy({ rules, self: [ip("192.0.2.1", 80)] });
      const before = structuredClone(policy);
      const clone = structuredClone(policy);
      const q = question(who);
      const first = [decideRequest(policy, q), decideAddress(policy, q, address)];
      expect([decideRequest(policy, q), decideAddress(policy, q, address)]).toEqual(first);
      expect([decideRequest(clone, q), decideAddress(clone, q, address)]).toEqual(first);
      expect(policy).toEqual(before);
    }),
  );
});

test("what is denied before the look-up is denied for every address", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 6 }), asked, dialled, (rules, who, address) => {
      const policy = compilePolicy({ rules });
      const q = question(who);
      if (q.destination.type !== "domain" || decideRequest(policy, q).outcome !== "deny") return;
      expect(decideAddress(policy, q, address).outcome).toBe("deny");
    }),
    { numRuns: 2000 },
  );
});
