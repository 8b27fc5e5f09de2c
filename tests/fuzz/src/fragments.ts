import assert from "node:assert/strict";
import { FragmentReassembly, MAX_REASSEMBLED_LENGTH } from "@sockskit/handshake";
import { concat, hex } from "@sockskit/testing";
import { messageOctets, messages } from "@sockskit/vectors";
import { decodeUdpDatagram, type UdpDatagram, WireError } from "@sockskit/wire";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** What is fuzzed: {@link FragmentReassembly}, or something that should behave like it. */
export type Reassembly = Pick<FragmentReassembly, "receive" | "bufferedLength">;

const TIMEOUT_MS = 5000;

/** The machine that puts fragments together, beside the table of the specification followed line by line. */
export function fragmentMachine(create: () => Reassembly = () => new FragmentReassembly()): Target {
  return {
    name: "FragmentReassembly",
    corpus: corpus(),
    check(input: Uint8Array, random: Random) {
      const machine = create();
      const table = new FragmentTable();
      let nowMs = 0;
      for (const datagram of datagramsOf(input)) {
        nowMs += random.below(8) === 0 ? random.below(2 * TIMEOUT_MS) : random.below(10);
        const expected = table.receive(datagram, nowMs);
        const delivered = machine.receive(datagram, nowMs);
        assert.equal(
          delivered && hex(delivered.data),
          expected && hex(expected.data),
          "delivers something else than the table says",
        );
        assert.equal(delivered && destination(delivered), expected && destination(expected), "delivers it elsewhere");
        assert.equal(delivered?.frag ?? 0x00, 0x00, "delivers a fragment");
        assert.ok(machine.bufferedLength <= MAX_REASSEMBLED_LENGTH, "holds more than it may");
        if (delivered !== undefined) assert.equal(machine.bufferedLength, 0, "holds on to what it has delivered");
      }
    },
  };
}

/** An input is a row of datagrams, each behind an octet with its length. What cannot be decoded never gets to the machine. */
function* datagramsOf(input: Uint8Array): Generator<UdpDatagram> {
  for (let offset = 0; offset < input.length; offset += 1 + (input[offset] ?? 0)) {
    try {
      yield decodeUdpDatagram(input.subarray(offset + 1, offset + 1 + (input[offset] ?? 0)));
    } catch (error) {
      assert.ok(error instanceof WireError);
    }
  }
}

/** RFC 1928 section 7, as a list of what to do. */
export class FragmentTable {
  #queue: UdpDatagram[] = [];
  #sinceMs = 0;

  /** The datagram that is whole now, with the header of its first fragment. */
  receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    if (nowMs - this.#sinceMs >= TIMEOUT_MS) this.#queue = [];
    const last = datagram.frag >= 0x80;
    const position = datagram.frag % 0x80;
    const highest = this.#queue.length;
    const [first] = this.#queue;
    if (datagram.frag === 0) {
      this.#queue = [];
      return datagram;
    }
    if (position === 0 || position === highest) return undefined;
    if (position === 1) {
      this.#queue = [datagram];
      this.#sinceMs = nowMs;
    } else if (position !== highest + 1 || first === undefined || destination(first) !== destination(datagram)) {
      this.#queue = [];
      return undefined;
    } else {
      this.#queue.push(datagram);
    }
    if (!last) return undefined;
    const whole = this.#queue;
    this.#queue = [];
    return { ...(whole[0] ?? datagram), data: concat(...whole.map((fragment) => fragment.data)) };
  }
}

function destination({ atyp, dstAddr, dstPort }: UdpDatagram): string {
  return `${atyp} ${hex(dstAddr)} ${dstPort}`;
}

/** Sequences of every kind that the vectors have, whole ones among them. */
function corpus(): Uint8Array[] {
  const datagrams = messages()
    .filter(({ type, error }) => type === "UdpDatagram" && error === undefined)
    .map(messageOctets)
    .filter(({ length }) => length <= 0xff)
    .map((datagram) => concat(Uint8Array.of(datagram.length), datagram));
  const [whole = new Uint8Array(0)] = datagrams;
  const sequence = [0x01, 0x02, 0x03, 0x84].map((frag) =>
    Uint8Array.from(whole, (octet, at) => (at === 3 ? frag : octet)),
  );
  return [...datagrams, concat(...datagrams), concat(...sequence), concat(...sequence, whole, ...sequence)];
}
