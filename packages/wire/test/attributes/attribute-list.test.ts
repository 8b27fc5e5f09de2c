import { describe, expect, test } from "vitest";
import {
  type Attribute,
  MAX_ATTRIBUTE_LIST_LENGTH,
  decodeAttributeList,
  encodeAttributeList,
} from "../../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number, octet = 0x61): Uint8Array => new Uint8Array(length).fill(octet);
const text = (length: number): Attribute => ({ att: 0x01, val: octets(length) });

/** Fifteen of the longest attributes and one that fills the message up to 4096 octets, or one octet more. */
const full = (more: number): readonly Attribute[] => [...Array.from({ length: 15 }, () => text(255)), text(237 + more)];

describe("encodeAttributeList", () => {
  const attempt = (attributes: readonly Attribute[]) => () => encodeAttributeList({ attributes });

  test("the longest message fits, and comes back", () => {
    const bytes = attempt(full(0))();
    expect(bytes).toHaveLength(4096);
    expect(MAX_ATTRIBUTE_LIST_LENGTH).toBe(4096);
    expect(decodeAttributeList(bytes)?.value.attributes).toEqual(full(0));
  });

  test("what does not fit is refused", () => {
    expect(attempt(full(1))).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt([text(256)])).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt([])).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt(Array.from({ length: 255 }, () => text(1)))()).toHaveLength(2 + 255 * 3);
    expect(attempt(Array.from({ length: 256 }, () => text(1)))).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  });

  test("one attribute occurs once, but for texts", () => {
    const challenge = { att: 0x03, val: octets(1) };
    expect(attempt([challenge, text(1), challenge])).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt([text(1), challenge, text(1)])()).toHaveLength(11);
  });

  test("numbers and values are checked", () => {
    for (const att of [-1, 256, 1.5, Number.NaN]) {
      expect(attempt([{ att, val: octets(1) }])).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
    for (const val of ["a", undefined, [1]] as unknown as readonly Uint8Array[]) {
      expect(attempt([{ att: 0x02, val }])).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
  });
});

test("a message that cannot end within 4096 octets is refused before it has arrived", () => {
  const bytes = Uint8Array.of(0x01, 0xff, ...Array.from({ length: 14 }, () => [0x01, 0xff, ...octets(255)]).flat());
  // 240 attributes are left, two octets each at the least: 2 + 14 * 257 + 241 * 2 is 4082, and with 15 more 4097.
  expect(decodeAttributeList(Uint8Array.of(...bytes, 0x01))).toBeUndefined();
  expect(decodeAttributeList(Uint8Array.of(...bytes, 0x01, 0x0e))).toBeUndefined();
  expect(() => decodeAttributeList(Uint8Array.of(...bytes, 0x01, 0x0f))).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW", side: "remote" }),
  );
});

test("a limit that is no number lets nothing through", () => {
  expect(() => decodeAttributeList(Uint8Array.of(0x01, 0x01), 0, { maxLength: Number.NaN })).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW" }),
  );
});
