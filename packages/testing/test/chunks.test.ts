import * as fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryChunks, arbitraryOctets, concat, everySplit, hex, octets, singleOctets } from "../src/index.ts";

test("every way of cutting keeps every octet in its order", () => {
  fc.assert(
    fc.property(
      arbitraryOctets({ maxLength: 40 }).chain((bytes) => fc.tuple(fc.constant(bytes), arbitraryChunks(bytes))),
      ([bytes, chunks]) => {
        expect(concat(...chunks)).toEqual(bytes);
        expect(concat(...singleOctets(bytes))).toEqual(bytes);
        const splits = [...everySplit(bytes)];
        expect(splits).toHaveLength(bytes.length + 1);
        for (const split of splits) expect(concat(...split)).toEqual(bytes);
      },
    ),
  );
});

test("hexadecimal text is read and written", () => {
  expect(octets("05 01\n 00")).toEqual(Uint8Array.of(5, 1, 0));
  expect(hex(Uint8Array.of(5, 255))).toBe("05 ff");
  expect(() => octets("5")).toThrow();
  expect(() => octets("zz")).toThrow();
});
