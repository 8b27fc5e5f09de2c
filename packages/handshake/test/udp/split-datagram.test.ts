import { decodeUdpDatagram, encodeUdpDatagram } from "@sockskit/wire";
import { conversations, messageOctets } from "@sockskit/vectors";
import { expect, test } from "vitest";

import { MAX_FRAGMENT_COUNT, splitDatagram } from "../../src/index.ts";

const target = { frag: 0x00, atyp: 0x01, dstAddr: Uint8Array.of(192, 0, 2, 7), dstPort: 7 };
const HEADER = 10;

test("the sequence of the vectors is what splitting gives", () => {
  const steps = conversations().find(({ name }) => name === "s5-udp-frag")?.steps ?? [];
  const expected = steps.flatMap(({ messages }) => messages).map((message) => messageOctets(message));
  const data = new TextEncoder().encode("hello");
  expect(splitDatagram({ ...target, data }, HEADER + 3).map((fragment) => encodeUdpDatagram(fragment))).toEqual(
    expected,
  );
});

test("what fits stays whole", () => {
  const data = new Uint8Array(90);
  expect(splitDatagram({ ...target, frag: 0x05, data }, HEADER + 90)).toEqual([{ ...target, data }]);
  expect(splitDatagram({ ...target, data: new Uint8Array(0) }, 100)).toHaveLength(1);
});

test("no fragment is longer than asked, and the data is not copied", () => {
  const data = new Uint8Array(1000);
  const fragments = splitDatagram({ ...target, data }, 100);
  expect(fragments.map(({ frag }) => frag)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x80 | 12]);
  for (const fragment of fragments) {
    expect(encodeUdpDatagram(fragment).length).toBeLessThanOrEqual(100);
    expect(fragment.data.buffer).toBe(data.buffer);
    expect(decodeUdpDatagram(encodeUdpDatagram(fragment))).toEqual(fragment);
  }
});

test("the header of a name counts", () => {
  const name = { frag: 0x00, atyp: 0x03, dstAddr: new TextEncoder().encode("ns.example.com"), dstPort: 53 };
  const fragments = splitDatagram({ ...name, data: new Uint8Array(30) }, 7 + 14 + 10);
  expect(fragments.map(({ data }) => data.length)).toEqual([10, 10, 10]);
});

test("127 fragments at most", () => {
  expect(splitDatagram({ ...target, data: new Uint8Array(MAX_FRAGMENT_COUNT) }, HEADER + 1)).toHaveLength(127);
  const tooMuch = { ...target, data: new Uint8Array(128) };
  expect(() => splitDatagram(tooMuch, HEADER + 1)).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW", side: "local" }),
  );
});

test("no more data than one datagram carries", () => {
  expect(splitDatagram({ ...target, data: new Uint8Array(65507) }, 65507)).toHaveLength(2);
  expect(() => splitDatagram({ ...target, data: new Uint8Array(65508) }, 65507)).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW" }),
  );
});

test.each([0, HEADER, 65528, 20.5, Number.NaN])("a length of %s is refused", (maxLength) => {
  expect(() => splitDatagram({ ...target, data: new Uint8Array(1) }, maxLength)).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
  );
});

test("a destination that has no form is refused", () => {
  const broken = { ...target, dstAddr: new Uint8Array(3), data: new Uint8Array(1) };
  expect(() => splitDatagram(broken, 100)).toThrow(expect.objectContaining({ code: "ERR_SOCKS_BAD_ADDRESS" }));
});
