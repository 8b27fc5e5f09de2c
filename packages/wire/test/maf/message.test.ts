import { describe, expect, test } from "vitest";
import { MAX_MAF_MESSAGE_LENGTH, type MafMessage, decodeMafMessage, encodeMafMessage } from "../../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number, octet = 0x61): Uint8Array => new Uint8Array(length).fill(octet);
const attempt = (value: unknown) => () => encodeMafMessage(value as MafMessage);
const process = (data: Uint8Array): MafMessage => ({ instr: 0x05, method: octets(3), data });

describe("encodeMafMessage", () => {
  test("the longest message fits, and comes back", () => {
    // INSTR VER FLAGS MLEN METHOD(3) DLEN(4): 12 octets before DATA.
    const bytes = encodeMafMessage(process(octets(65_536 - 12)));
    expect(bytes).toHaveLength(MAX_MAF_MESSAGE_LENGTH);
    expect(decodeMafMessage(bytes)).toEqual({ value: process(octets(65_524)), byteLength: 65_536 });
    expect(decodeMafMessage(bytes.subarray(0, -1))).toBeUndefined();
    expect(attempt(process(octets(65_525)))).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt(process(octets(65_537)))).toThrow(local("ERR_SOCKS_OVERFLOW"));
  });

  test("ids of one length travel together, those of the first length first", () => {
    const ids = [octets(4, 1), octets(2, 2), octets(4, 3)];
    expect(encodeMafMessage({ instr: 0x01, ids })).toEqual(
      Uint8Array.of(0x01, 0x01, 0, 0, 2, 4, 1, 1, 1, 1, 3, 3, 3, 3, 1, 2, 2, 2, 0),
    );
  });

  test("ids that do not fit are refused", () => {
    const ids = (count: number, length: number): readonly Uint8Array[] =>
      Array.from({ length: count }, () => octets(length));
    expect(attempt({ instr: 0x01, ids: ids(255, 4) })()).toHaveLength(4 + 2 + 1020 + 1);
    expect(attempt({ instr: 0x01, ids: ids(256, 4) })).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt({ instr: 0x01, ids: [...ids(255, 255), ...ids(10, 254)] })).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt({ instr: 0x01, ids: [octets(0)] })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt({ instr: 0x01, ids: [octets(256)] })).toThrow(local("ERR_SOCKS_OVERFLOW"));
  });

  test.each([
    { instr: 0x08 },
    { instr: 0xfe },
    { instr: undefined },
    { instr: 0x02, flags: 0x10000 },
    { instr: 0x02, flags: -1 },
    { instr: 0x02 },
    { instr: 0x03, method: octets(0) },
    { instr: 0x03 },
    { instr: 0x05, method: octets(4), data: "ab" },
    { instr: 0x07, oemId: octets(0), data: octets(0) },
  ])("refuses %o", (value) => {
    expect(attempt(value)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  });

  test.each([
    { instr: 0x03, method: octets(256) },
    { instr: 0x07, oemId: octets(256), data: octets(0) },
  ])("refuses ids of 256 octets", (value) => {
    expect(attempt(value)).toThrow(local("ERR_SOCKS_OVERFLOW"));
  });
});

test("a limit that is no number lets nothing through", () => {
  expect(() => decodeMafMessage(Uint8Array.of(0x04), 0, { maxLength: Number.NaN })).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW", side: "remote" }),
  );
});
