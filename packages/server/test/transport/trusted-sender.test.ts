import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { expect, test } from "vitest";
import { announcedClient } from "../../src/transport/trusted-sender.ts";

const at = (host: string): IpAddress => parseIpAddress(host, 5_000) as IpAddress;

test.each([
  ["203.0.113.5", "10.0.0.2", "203.0.113.5"],
  ["203.0.113.5", "127.0.0.1", "203.0.113.5"],
  ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
  ["127.0.0.1", "10.0.0.2", "10.0.0.2"],
  ["127.9.9.9", "10.0.0.2", "10.0.0.2"],
  ["::1", "2001:db8::2", "2001:db8::2"],
  ["::ffff:127.0.0.1", "10.0.0.2", "10.0.0.2"],
])("a header that announces %s and comes from %s means %s", (announced, sender, client) => {
  expect(announcedClient(at(announced), at(sender))).toEqual(at(client));
});

test("a header that announces nobody means its sender", () => {
  expect(announcedClient(undefined, at("10.0.0.2"))).toEqual(at("10.0.0.2"));
});
