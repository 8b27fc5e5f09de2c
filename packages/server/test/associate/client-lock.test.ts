import { type IpAddress, parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { ClientLock } from "../../src/associate/client-lock.ts";

const at = (host: string, port: number): IpAddress => parseAddress(host, port) as IpAddress;
const lock = (client: string, hint: string, hintPort: number): ClientLock =>
  new ClientLock(at(client, 50_000), parseAddress(hint, hintPort));

describe("the port", () => {
  test("is anyone's until one is pinned", () => {
    const open = lock("192.0.2.1", "0.0.0.0", 0);
    expect([open.admits("192.0.2.1", 1), open.admits("192.0.2.1", 2)]).toEqual([true, true]);
    open.pin("192.0.2.1", 2);
    expect([open.admits("192.0.2.1", 1), open.admits("192.0.2.1", 2)]).toEqual([false, true]);
  });

  test.each([
    ["zeros", "0.0.0.0"],
    ["zeros of IPv6", "::"],
    ["the client's address", "192.0.2.1"],
    ["the client's address, mapped", "::ffff:192.0.2.1"],
  ])("is the one of the request, which names %s", (_what, hint) => {
    const named = new ClientLock(at("192.0.2.1", 50_000), hintOf(hint, 7000));
    expect([named.admits("192.0.2.1", 7000), named.admits("192.0.2.1", 7001)]).toEqual([true, false]);
  });

  test.each([["198.51.100.7"], ["dns.example"], ["2001:db8::1"]])(
    "is not the one of a request that names another host: %s",
    (hint) => {
      expect(lock("192.0.2.1", hint, 53).admits("192.0.2.1", 4444)).toBe(true);
    },
  );
});

/** As the handshake gives it: a mapped address is the IPv4 address. */
function hintOf(host: string, port: number): IpAddress {
  return at(host.replace("::ffff:", ""), port);
}

describe("the host", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "::ffff:192.0.2.1", true],
    ["192.0.2.1", "::ffff:c000:201", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["192.0.2.1", "::192.0.2.1", false],
    ["192.0.2.1", "64:ff9b::192.0.2.1", false],
    ["2001:db8::1", "2001:db8:0:0::1", true],
    ["2001:db8::1", "2001:db8::2", false],
    ["fe80::1", "fe80::1%lo", true],
    ["192.0.2.1", "", false],
    ["192.0.2.1", "rubbish", false],
  ])("%s is %s: %s", (client, from, same) => {
    expect(lock(client, "0.0.0.0", 0).admits(from, 1)).toBe(same);
  });
});
