import { arbitraryOctets, concat } from "@sockskit/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { WireError, decodeUdpDatagram, encodeUdpDatagram, encodeUdpDatagramInto } from "../../src/index.ts";

const datagram = fc
  .tuple(
    fc.nat({ max: 0xff }),
    fc.oneof(
      fc.tuple(fc.constant(0x01), fc.uint8Array({ minLength: 4, maxLength: 4 })),
      fc.tuple(fc.constant(0x03), fc.uint8Array({ minLength: 1, maxLength: 255 })),
      fc.tuple(fc.constant(0x04), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    ),
    fc.nat({ max: 0xffff }),
    arbitraryOctets({ maxLength: 2_000 }),
  )
  .map(([frag, [atyp, dstAddr], dstPort, data]) => ({ frag, atyp, dstAddr, dstPort, data }));

test("what is encoded is decoded again, into an array of one's own or at any place of another", () => {
  fc.assert(
    fc.property(datagram, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (value, before, after) => {
      const bytes = encodeUdpDatagram(value);
      expect(decodeUdpDatagram(bytes)).toEqual(value);
      expect(decodeUdpDatagram(Buffer.from(bytes), { copy: true })).toEqual(value);

      const target = new Uint8Array(before + bytes.length + after).fill(0xa5);
      expect(encodeUdpDatagramInto(target, before, value)).toBe(bytes.length);
      expect(target.subarray(before, before + bytes.length)).toEqual(bytes);
      expect(target.subarray(0, before).every((octet) => octet === 0xa5)).toBe(true);
      expect(target.subarray(before + bytes.length).every((octet) => octet === 0xa5)).toBe(true);
    }),
  );
});

test("arbitrary octets give a datagram or a WireError", () => {
  const plausible = fc
    .tuple(fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x04), arbitraryOctets({ maxLength: 300 }))
    .map(([atyp, rest]) => concat(Uint8Array.of(0x00, 0x00, 0x00, atyp), rest));
  fc.assert(
    fc.property(fc.oneof(plausible, arbitraryOctets()), (bytes) => {
      try {
        const value = decodeUdpDatagram(bytes);
        expect(value.data.length).toBeLessThanOrEqual(bytes.length - 7);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        expect(error).toMatchObject({ name: "WireError", side: "remote" });
      }
    }),
  );
});
