import { octets } from "@sockskit/testing";
import { expect, test, vi } from "vitest";
import { MAX_DESTINATIONS } from "../../src/associate/destinations.ts";
import { world, type World } from "./association-world.ts";

const CLIENT = { address: "192.0.2.200", port: 40_000 };
const HOST = "203.0.113.1";

const portHex = (port: number): string => port.toString(16).padStart(4, "0");

/** A datagram of the client to a port of 203.0.113.1 (RFC 1928 section 7). */
function write({ association }: World, port: number): void {
  association.fromClient(Buffer.from(octets(`00 00 00 01 cb 00 71 01 ${portHex(port)} 78`)), CLIENT);
}

function answer({ events }: World, port: number): void {
  events.onDatagram(Buffer.from("answer"), { address: HOST, port, family: "IPv4", size: 6 });
}

test("whoever is written to is heard, also after more destinations than are remembered", () => {
  const one = world();
  write(one, 53);
  write(one, 53);
  for (let port = 1_000; port < 1_000 + 2 * MAX_DESTINATIONS; port++) write(one, port);
  write(one, 53);
  answer(one, 53);
  expect(one.back).toHaveLength(1);
  expect(one.association.datagrams.dropped).toMatchObject({ unsolicited: 0 });
});

test("the one that answered last is forgotten like any other", () => {
  const one = world();
  write(one, 53);
  answer(one, 53);
  for (let port = 1_000; port < 1_000 + 2 * MAX_DESTINATIONS; port++) write(one, port);
  answer(one, 53);
  expect(one.back).toHaveLength(1);
  expect(one.association.datagrams.dropped).toMatchObject({ unsolicited: 1 });
});

test("a name that the rules deny whatever its address is, is not looked up", async () => {
  const one = world();
  const ask = (name: string): void => {
    const length = name.length.toString(16).padStart(2, "0");
    const header = octets(`00 00 00 03 ${length} ${Buffer.from(name).toString("hex")} 00 35`);
    one.association.fromClient(Buffer.concat([header, Buffer.from("x")]), CLIENT);
  };
  ask("tell.secret.example");
  ask("www.example");
  await vi.waitFor(() => expect(one.association.datagrams.dropped).toMatchObject({ denied: 1, unresolved: 1 }));
  expect(one.asked).toEqual(["www.example"]);
});

test.each([
  ["with data", "79"],
  ["without data", ""],
])("a whole datagram abandons a fragment %s, also to the same destination as the one before", (_what, data) => {
  const one = world();
  const fragment = (frag: string, data: string): void => {
    one.association.fromClient(Buffer.from(octets(`00 00 ${frag} 01 cb 00 71 02 00 35 ${data}`)), CLIENT);
  };
  // Known, then remembered.
  write(one, 53);
  write(one, 53);
  fragment("01", data);
  write(one, 53);
  // A new sequence: had the old one been kept, its first fragment would be taken for a duplicate.
  fragment("01", "61");
  fragment("82", "62");
  expect(one.out.map((sent) => Buffer.from(sent.data).toString())).toEqual(["x", "x", "x", "ab"]);
  expect(one.association.datagrams.dropped).toMatchObject({ fragment: 1 });
});
