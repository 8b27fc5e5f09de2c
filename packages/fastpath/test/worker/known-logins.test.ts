import { inspect } from "node:util";
import { expect, test } from "vitest";
import { KnownLogins } from "../../src/worker/known-logins.ts";

const octets = (text: string): Uint8Array => Buffer.from(text);
const alice = { name: "alice", groups: ["staff"] };

test("a log-in is known for its time, to clients in no doubt, until everything is forgotten", () => {
  const known = new KnownLogins();
  const digest = known.digest(octets("alice"), octets("secret"));
  expect(known.get(digest, "192.0.2.1", 0)).toBe(undefined);
  known.add(digest, alice, 100);
  expect(known.get(digest, "192.0.2.1", 99)).toBe(alice);
  expect(known.get(digest, "192.0.2.1", 100)).toBe(undefined);
  known.doubt("192.0.2.1", 0);
  expect(known.get(digest, "192.0.2.1", 99)).toBe(undefined);
  expect(known.get(digest, "192.0.2.2", 99)).toBe(alice);
  known.add(digest, alice, 700_000);
  expect(known.get(digest, "192.0.2.1", 599_999)).toBe(undefined);
  expect(known.get(digest, "192.0.2.1", 600_000)).toBe(alice);
  known.clear();
  expect(known.get(digest, "192.0.2.2", 0)).toBe(undefined);
});

test("no two pairs share a digest, two objects none, and none holds a password", () => {
  const known = new KnownLogins();
  const digest = known.digest(octets("ab"), octets("c"));
  expect(known.digest(octets("a"), octets("bc"))).not.toBe(digest);
  expect(new KnownLogins().digest(octets("ab"), octets("c"))).not.toBe(digest);
  known.add(known.digest(octets("alice"), octets("canary-4711")), alice, 1);
  expect(inspect(known, { showHidden: true, depth: 9 })).not.toContain("canary-4711");
});

test("it is bounded: the oldest is forgotten first", () => {
  const known = new KnownLogins();
  for (let i = 0; i <= 10_000; i++) known.add(`digest ${i}`, alice, 1);
  expect(known.get("digest 0", "192.0.2.1", 0)).toBe(undefined);
  expect(known.get("digest 1", "192.0.2.1", 0)).toBe(alice);
});
