import { networkInterfaces } from "node:os";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { expect, test } from "vitest";
import { facingAddress } from "../../src/bind/facing-address.ts";

const ip = (text: string): IpAddress => parseIpAddress(text) as IpAddress;

test("loopback faces loopback", async () => {
  expect(await facingAddress(ip("127.0.0.1"))).toMatchObject({ type: "ipv4", host: "127.0.0.1" });
  expect(await facingAddress(ip("::1"))).toMatchObject({ type: "ipv6", host: "::1" });
});

test("another host is faced by an address of this one, or there is no way to it", async () => {
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []);
  for (const peer of ["192.0.2.1", "2001:db8::1"]) {
    const address = await facingAddress(ip(peer));
    if (address !== undefined) expect(own).toContain(address.host);
  }
});

test("where the system knows no way there is no address", async () => {
  // A link-local address without the link.
  expect(await facingAddress(ip("fe80::1"))).toBeUndefined();
});
