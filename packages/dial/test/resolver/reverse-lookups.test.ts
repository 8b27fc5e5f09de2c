import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { afterAll, beforeAll, expect, test } from "vitest";

import { createResolver } from "../../src/index.ts";
import { ReverseLookups } from "../../src/resolver/reverse-lookups.ts";
import { failureOf } from "../support/failure.ts";
import { type NameServer, startNameServer } from "../support/name-server.ts";
import { expectReleased, heldResources } from "../support/resources.ts";

/** A name as DNS carries it. */
function labels(name: string): number[] {
  return [...name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
}

const ip = (text: string): IpAddress => parseIpAddress(text) as IpAddress;

let server: NameServer;
beforeAll(async () => {
  server = await startNameServer({
    "10.2.0.192.in-addr.arpa PTR": labels("Www.Example"),
    "11.2.0.192.in-addr.arpa PTR": labels("not a name.example"),
    "12.2.0.192.in-addr.arpa PTR": labels("127.0.0.1"),
    "13.2.0.192.in-addr.arpa PTR": "silent",
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR": labels("six.example"),
  });
});
afterAll(() => server.close());

const lookUps = (timeoutMs = 5000): ReverseLookups => new ReverseLookups(timeoutMs, [server.address]);

test("asks for IPv4 and IPv6, and gives names as rules compare them", async () => {
  expect(await lookUps().look(ip("192.0.2.10"), undefined)).toEqual(["www.example"]);
  expect(await lookUps().look(ip("2001:db8::7"), undefined)).toEqual(["six.example"]);
});

test.each([
  ["192.0.2.11", "it has no usable name"],
  ["192.0.2.12", "it has no usable name"],
  ["192.0.2.99", "no name is known for it (ENOTFOUND)"],
])("%s: %s", async (address, problem) => {
  const error = await failureOf(lookUps().look(ip(address), undefined));
  expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve", side: "remote" });
  expect(error.message).toBe(`cannot find the name of ${address}: ${problem}`);
});

test("gives up after its time, when told to, and when it is closed; nothing is left", async () => {
  const before = heldResources();
  const silent = ip("192.0.2.13");
  expect(await failureOf(lookUps(60).look(silent, undefined))).toMatchObject({ code: "ERR_SOCKS_TIMEOUT" });
  const signal = AbortSignal.timeout(50);
  expect(await failureOf(lookUps().look(silent, signal))).toMatchObject({ code: "ERR_SOCKS_ABORTED" });
  expect(await failureOf(lookUps().look(silent, signal))).toMatchObject({ code: "ERR_SOCKS_ABORTED" });
  const closing = lookUps();
  const waiting = failureOf(closing.look(silent, undefined));
  closing.close();
  expect(await waiting).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED" });
  expect(await failureOf(closing.look(silent, undefined))).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED" });
  await expectReleased(before);
});

test("no more than 64 at a time", async () => {
  const bounded = lookUps();
  const waiting = Array.from({ length: 64 }, () => bounded.look(ip("192.0.2.13"), undefined).catch(() => undefined));
  const { message } = await failureOf(bounded.look(ip("192.0.2.10"), undefined));
  expect(message).toContain("64 such look-ups run already");
  bounded.close();
  await Promise.all(waiting);
});

test("loopback is localhost, whatever the hosts file says", async () => {
  const resolver = createResolver();
  for (const address of ["127.0.0.1", "127.255.0.9", "::1"]) {
    expect(await resolver.reverse?.(ip(address))).toEqual(["localhost"]);
  }
  resolver.close?.();
});
