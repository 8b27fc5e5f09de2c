import { expect, test } from "vitest";
import { epollLayout, MEMORY } from "../../src/kernel/layout.ts";
import { putAddress, takeAddress } from "../../src/kernel/socket-address.ts";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";

test("struct epoll_event is packed on x86-64 only: 12 octets, data at 4; elsewhere 16, data at 8", () => {
  expect(epollLayout("x64")).toEqual({ stride: 3, data: 1 });
  expect(epollLayout("arm64")).toEqual({ stride: 4, data: 2 });
});

/** `struct sockaddr_in` and `sockaddr_in6` as the headers of Linux have them: family, port, (flow), address, (scope). */
const ADDRESSES: readonly (readonly [string, number, string])[] = [
  ["192.0.2.1", 1_080, "02000438c00002010000000000000000"],
  ["2001:db8::7", 65_535, "0a00ffff0000000020010db800000000000000000000000700000000"],
];

test.each(ADDRESSES)("%s port %d", (host, port, hex) => {
  const memory = new Uint8Array(MEMORY.size).fill(0xee);
  const address = parseIpAddress(host, port) as IpAddress;
  const length = putAddress(memory, address);
  const octets = memory.subarray(MEMORY.address, MEMORY.address + length);
  expect(Buffer.from(octets).toString("hex")).toBe(hex);
  expect(takeAddress(memory)).toEqual(address);
});

test("an IPv4-mapped address is the IPv4 address, and another family is none", () => {
  const memory = new Uint8Array(MEMORY.size);
  putAddress(memory, parseIpAddress("::ffff:192.0.2.1", 5) as IpAddress);
  expect(takeAddress(memory)).toMatchObject({ type: "ipv4", host: "192.0.2.1", port: 5 });
  memory[MEMORY.address] = 1;
  expect(takeAddress(memory)).toBe(undefined);
});
