import { type UdpDatagram, decodeUdpDatagram } from "@sockskit/wire";
import { conversations, messageOctets } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";

import { FragmentReassembly, MAX_REASSEMBLED_LENGTH } from "../../src/index.ts";

const text = (data: Uint8Array | undefined): string | undefined =>
  data === undefined ? undefined : new TextDecoder().decode(data);

function fragment(frag: number, data: string | Uint8Array, dstPort = 7, dstAddr = [192, 0, 2, 7]): UdpDatagram {
  const octets = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return { frag, atyp: dstAddr.length === 4 ? 0x01 : 0x04, dstAddr: Uint8Array.from(dstAddr), dstPort, data: octets };
}

/** What each of these fragments delivers. */
function deliver(machine: FragmentReassembly, ...fragments: readonly [frag: number, data: string][]) {
  return fragments.map(([frag, data]) => text(machine.receive(fragment(frag, data), 0)?.data));
}

test("the sequence of the vectors becomes one datagram", () => {
  const steps = conversations().find(({ name }) => name === "s5-udp-frag")?.steps ?? [];
  const machine = new FragmentReassembly();
  const delivered = steps
    .flatMap(({ messages }) => messages)
    .map((message) => machine.receive(decodeUdpDatagram(messageOctets(message)), 0));
  expect(delivered).toHaveLength(2);
  expect(delivered[0]).toBeUndefined();
  expect(delivered[1]).toEqual({
    frag: 0x00,
    atyp: 0x01,
    dstAddr: Uint8Array.of(192, 0, 2, 7),
    dstPort: 7,
    data: new TextEncoder().encode("hello"),
  });
  expect(machine.bufferedLength).toBe(0);
  expect(machine.droppedCount).toBe(0);
});

describe("each line of the table", () => {
  test("a whole datagram passes and abandons the queue", () => {
    const machine = new FragmentReassembly();
    const whole = fragment(0x00, "whole");
    expect(deliver(machine, [0x01, "a"])).toEqual([undefined]);
    expect(machine.receive(whole, 0)).toBe(whole);
    expect(machine.bufferedLength).toBe(0);
    expect(deliver(machine, [0x82, "b"])).toEqual([undefined]);
    expect(machine.droppedCount).toBe(2);
  });

  test("FRAG 80 is dropped and leaves the queue alone", () => {
    const machine = new FragmentReassembly();
    expect(deliver(machine, [0x01, "a"], [0x80, "x"], [0x82, "b"])).toEqual([undefined, undefined, "ab"]);
    expect(deliver(machine, [0x80, "x"])).toEqual([undefined]);
    expect(machine.droppedCount).toBe(2);
  });

  test("a sequence of one is delivered at once", () => {
    expect(deliver(new FragmentReassembly(), [0x81, "a"])).toEqual(["a"]);
  });

  test("a duplicate is dropped and leaves the queue alone", () => {
    const machine = new FragmentReassembly();
    const fragments: [number, string][] = [
      [0x01, "a"],
      [0x01, "x"],
      [0x02, "b"],
      [0x02, "x"],
      [0x82, "x"],
      [0x83, "c"],
    ];
    expect(deliver(machine, ...fragments).at(-1)).toBe("abc");
    expect(machine.droppedCount).toBe(3);
  });

  test("a step back abandons the queue and drops the datagram", () => {
    const machine = new FragmentReassembly();
    deliver(machine, [0x01, "a"], [0x02, "b"], [0x03, "c"]);
    expect(deliver(machine, [0x02, "x"], [0x84, "d"])).toEqual([undefined, undefined]);
    expect(machine.bufferedLength).toBe(0);
    expect(machine.droppedCount).toBe(5);
  });

  test("a first fragment abandons a longer queue and begins anew", () => {
    const machine = new FragmentReassembly();
    expect(deliver(machine, [0x01, "a"], [0x02, "b"], [0x01, "c"], [0x82, "d"]).at(-1)).toBe("cd");
    expect(machine.droppedCount).toBe(2);
  });

  test("a gap abandons the queue and drops the datagram", () => {
    const machine = new FragmentReassembly();
    expect(deliver(machine, [0x01, "a"], [0x83, "x"], [0x82, "b"])).toEqual([undefined, undefined, undefined]);
    expect(deliver(machine, [0x02, "x"])).toEqual([undefined]);
    expect(machine.bufferedLength).toBe(0);
  });

  test.each([
    ["port", fragment(0x82, "x", 8)],
    ["address", fragment(0x82, "x", 7, [192, 0, 2, 8])],
    ["type", { ...fragment(0x82, "x"), atyp: 0x03 }],
    [
      "length",
      fragment(
        0x82,
        "x",
        7,
        Array.from({ length: 16 }, () => 0),
      ),
    ],
  ])("another destination (%s) abandons the queue", (_, other) => {
    const machine = new FragmentReassembly();
    machine.receive(fragment(0x01, "a"), 0);
    expect(machine.receive(other, 0)).toBeUndefined();
    expect(machine.bufferedLength).toBe(0);
    expect(deliver(machine, [0x82, "b"])).toEqual([undefined]);
  });

  test("more data than a datagram carries abandons the queue", () => {
    const machine = new FragmentReassembly();
    const most = new Uint8Array(MAX_REASSEMBLED_LENGTH - 1);
    machine.receive(fragment(0x01, most), 0);
    expect(machine.receive(fragment(0x82, "1"), 0)?.data).toHaveLength(65507);
    machine.receive(fragment(0x01, most), 0);
    expect(machine.receive(fragment(0x02, "12"), 0)).toBeUndefined();
    expect(machine.bufferedLength).toBe(0);
  });
});

describe("time", () => {
  test("a sequence is kept for five seconds and no longer", () => {
    const machine = new FragmentReassembly();
    machine.receive(fragment(0x01, "a"), 1000);
    expect(machine.nextTimeoutMs(2000)).toBe(4000);
    machine.receive(fragment(0x02, "b"), 5999);
    expect(machine.nextTimeoutMs(5999)).toBe(1);
    machine.tick(5999);
    expect(machine.bufferedLength).toBe(2);
    machine.tick(6000);
    expect(machine.bufferedLength).toBe(0);
    expect(machine.nextTimeoutMs(6000)).toBeUndefined();
    expect(machine.droppedCount).toBe(2);
  });

  test("a fragment that comes too late completes nothing, though nobody called tick", () => {
    const machine = new FragmentReassembly({ timeoutMs: 7000 });
    machine.receive(fragment(0x01, "a"), 0);
    expect(machine.receive(fragment(0x82, "b"), 7000)).toBeUndefined();
    expect(machine.bufferedLength).toBe(0);
  });

  test.each([0, 4999, 60_001, Number.NaN])("a timeout of %s ms is refused", (timeoutMs) => {
    expect(() => new FragmentReassembly({ timeoutMs })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
    );
  });
});

test("127 fragments fit, in one sequence", () => {
  const machine = new FragmentReassembly();
  for (let position = 1; position < 0x7f; position++) machine.receive(fragment(position, "x"), 0);
  expect(machine.receive(fragment(0xff, "y"), 0)?.data).toHaveLength(127);
});

test("nothing of the caller's memory is kept", () => {
  const machine = new FragmentReassembly();
  const first = fragment(0x01, "a");
  machine.receive(first, 0);
  first.data.fill(0);
  first.dstAddr.fill(0);
  const whole = machine.receive(fragment(0x82, "b"), 0);
  expect(text(whole?.data)).toBe("ab");
  expect(whole?.dstAddr).toEqual(Uint8Array.of(192, 0, 2, 7));
});
