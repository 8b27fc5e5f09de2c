import { expect, test } from "vitest";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { clientKey } from "../../src/limits/client-key.ts";
import { KeyedCount } from "../../src/limits/keyed-count.ts";

const keyOf = (text: string): string => clientKey(parseIpAddress(text, 1) as IpAddress);

test("an IPv4 address is one client, and so is a /64 of IPv6", () => {
  expect(keyOf("192.0.2.1")).toBe(keyOf("192.0.2.1"));
  expect(keyOf("192.0.2.1")).not.toBe(keyOf("192.0.2.2"));
  expect(keyOf("2001:db8:1:2::1")).toBe(keyOf("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  expect(keyOf("2001:db8:1:2::1")).not.toBe(keyOf("2001:db8:1:3::1"));
});

test("a count holds only keys that have some", () => {
  const count = new KeyedCount();
  count.add("a");
  count.add("a");
  count.remove("a");
  expect([count.get("a"), count.get("b")]).toEqual([1, 0]);
  count.remove("a");
  count.remove("a");
  expect(count.get("a")).toBe(0);
});
