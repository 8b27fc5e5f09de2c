import { FragmentReassembly } from "@sockskit/handshake";
import { decodeIdentReply } from "@sockskit/identd";
import type { UdpDatagram } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { datagramDecoder, streamDecoders } from "../src/decoders.ts";
import { fragmentMachine, type Reassembly } from "../src/fragments.ts";
import { probe } from "../src/fuzz.ts";
import { identQueries, identReplies } from "../src/ident.ts";
import { clientMachines, serverMachines } from "../src/machines.ts";
import { cut, mutate } from "../src/mutate.ts";
import { Random } from "../src/random.ts";
import type { Target } from "../src/target.ts";

const targets = [
  ...streamDecoders(),
  datagramDecoder(),
  ...serverMachines(),
  ...clientMachines(),
  fragmentMachine(),
  identQueries(),
  identReplies(),
];

describe.each(targets)("$name", (target) => {
  test("has vectors to begin with", () => {
    expect(target.corpus.length).toBeGreaterThan(0);
  });

  test("keeps its promises for 500 inputs", () => {
    for (let seed = 1; seed <= 500; seed += 1) expect(probe(target, seed)).toBeUndefined();
  });
});

test("an answer whose user id is taken as it is would be found", () => {
  // What a regular expression over a line of text makes of it: octets of an escape sequence get through.
  const careless = identReplies((bytes, offset = 0) => {
    const end = bytes.indexOf(0x0a, offset);
    if (end === -1) return decodeIdentReply(bytes, offset);
    const line = Buffer.from(bytes.subarray(offset, end)).toString("latin1");
    const found = /^(\d{1,5}),(\d{1,5}):USERID:(\w+):(.{1,512})\r$/.exec(line);
    if (found === null) return decodeIdentReply(bytes, offset);
    const [portOnServer, portOnClient] = [Number(found[1]), Number(found[2])];
    const userId = new Uint8Array(Buffer.from(found[4] ?? "", "latin1"));
    const opsys = found[3] ?? "";
    return { value: { type: "userid", portOnServer, portOnClient, opsys, userId }, byteLength: end + 1 - offset };
  });
  const seeds = Array.from({ length: 5000 }, (_, seed) => seed);
  const finding = seeds.map((seed) => probe(careless, seed)).find((found) => found !== undefined);
  expect(finding?.error).toBeInstanceOf(Error);
});

describe("the fuzzer", () => {
  const corpus = [Uint8Array.of(0x05, 0x01, 0x00), Uint8Array.of(0x04, 0x01, 0x00, 0x50)];

  test("makes the same input for the same seed, and many different ones", () => {
    const inputs = Array.from({ length: 200 }, (_, seed) => mutate(corpus, new Random(seed)).join());
    expect(Array.from({ length: 200 }, (_, seed) => mutate(corpus, new Random(seed)).join())).toEqual(inputs);
    expect(new Set(inputs).size).toBeGreaterThan(120);
  });

  test("cuts without losing an octet", () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const pieces = cut(bytes, new Random(7));
    expect(pieces.flatMap((piece) => [...piece])).toEqual([...bytes]);
    expect(pieces.length).toBeGreaterThan(30);
  });

  test("finds a planted fault and says how to get it again", () => {
    const planted: Target = {
      name: "planted",
      corpus,
      check(input) {
        if (input[0] === 0x05 && input.length === 2) throw new TypeError("read past the end");
      },
    };
    const seeds = Array.from({ length: 5000 }, (_, seed) => seed);
    const finding = seeds.map((seed) => probe(planted, seed)).find((found) => found !== undefined);
    expect(finding).toMatchObject({ target: "planted", input: expect.stringMatching(/^05 [0-9a-f]{2}$/) });
    expect(probe(planted, finding?.seed ?? -1)).toEqual(finding);
  });

  test.each<[string, () => Reassembly]>([
    ["forgets that a whole datagram abandons a sequence", () => new KeepsSequence()],
    ["takes a fragment for any destination", () => new AnyDestination()],
  ])("finds a reassembly that %s", (_, create) => {
    const target = fragmentMachine(create);
    const seeds = Array.from({ length: 20_000 }, (_value, seed) => seed);
    expect(seeds.some((seed) => probe(target, seed) !== undefined)).toBe(true);
  });
});

class KeepsSequence extends FragmentReassembly {
  override receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    return datagram.frag === 0x00 ? datagram : super.receive(datagram, nowMs);
  }
}

class AnyDestination extends FragmentReassembly {
  override receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    return super.receive({ ...datagram, dstPort: 0 }, nowMs);
  }
}
