import { hex } from "@sockskit/testing";
import { type IpAddress, parseAddress } from "@sockskit/wire";
import { expect, test } from "vitest";
import { Destination, Destinations, MAX_DESTINATIONS } from "../../src/associate/destinations.ts";

const VERDICT = { policy: undefined, drop: undefined, bucket: undefined, via: undefined };

function destination(host: string, port: number): Destination {
  const address = parseAddress(host, port) as IpAddress;
  return new Destination(address, address, VERDICT);
}

test("what stands before an answer is its sender (RFC 1928 section 7)", () => {
  expect(hex(destination("192.0.2.53", 53).header)).toBe("00 00 00 01 c0 00 02 35 00 35");
  expect(hex(destination("2001:db8::53", 53).header)).toBe(
    "00 00 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 53 00 35",
  );
});

test("one is found by what the client calls it, and by where it is", () => {
  const destinations = new Destinations();
  const one = destination("192.0.2.1", 53);
  destinations.add("one", one);
  expect(destinations.named("one")).toBe(one);
  expect(destinations.at("192.0.2.1", 53)).toBe(one);
  expect(destinations.at("192.0.2.1", 54)).toBeUndefined();
});

test("two names of one address: answers belong to the one that was written to last", () => {
  const destinations = new Destinations();
  const [a, b] = [destination("192.0.2.1", 53), destination("192.0.2.1", 53)];
  destinations.add("a", a);
  destinations.add("b", b);
  expect(destinations.at("192.0.2.1", 53)).toBe(b);
  destinations.named("a");
  expect(destinations.at("192.0.2.1", 53)).toBe(a);
});

test("there is a most; the one in use stays, the one that was not used for longest goes", () => {
  const destinations = new Destinations();
  const busy = destination("192.0.2.1", 1);
  destinations.add("busy", busy);
  for (let port = 2; port <= 3 * MAX_DESTINATIONS; port++) {
    const next = destination("192.0.2.1", port);
    destinations.add(`port ${port}`, next);
    next.isRecent = false;
    busy.isRecent = true;
  }
  expect(destinations.named("busy")).toBe(busy);
  let known = 0;
  for (let port = 2; port <= 3 * MAX_DESTINATIONS; port++) {
    const isKnown = destinations.at("192.0.2.1", port) !== undefined;
    expect(destinations.named(`port ${port}`) !== undefined).toBe(isKnown);
    if (isKnown) known += 1;
  }
  expect(known).toBe(MAX_DESTINATIONS - 1);
});

test("when all are in use, one goes nevertheless", () => {
  const destinations = new Destinations();
  for (let port = 1; port <= MAX_DESTINATIONS + 1; port++)
    destinations.add(`port ${port}`, destination("192.0.2.1", port));
  expect(destinations.named("port 1")).toBeUndefined();
  expect(destinations.at("192.0.2.1", 1)).toBeUndefined();
  expect(destinations.named(`port ${MAX_DESTINATIONS + 1}`)).toBeDefined();
});
