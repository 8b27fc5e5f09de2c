import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "../../src/config/nearest.ts";
import { formatDuration, parseDuration, parseRate } from "../../src/config/values.ts";

test.each<[string, number | undefined]>([
  ["500ms", 500],
  ["10s", 10_000],
  ["1.5s", 1500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["24d", 2_073_600_000],
  ["0s", 0],
  ["25d", undefined],
  ["10", undefined],
  ["s", undefined],
  ["-1s", undefined],
  ["1 s", undefined],
  ["1S", undefined],
  ["1e3s", undefined],
  ["1w", undefined],
  ["1s ", undefined],
  ["1s\n", undefined],
  ["0x1s", undefined],
])("the duration %j is %s ms", (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each<[string, number | undefined]>([
  ["1B/s", 1],
  ["500kB/s", 500_000],
  ["500KB/s", 500_000],
  ["10MB/s", 10_000_000],
  ["1.5MB/s", 1_500_000],
  ["64KiB/s", 65_536],
  ["2GiB/s", 2_147_483_648],
  ["10000000000B/s", 10_000_000_000],
  ["999999999999999GB/s", undefined],
  ["10MB", undefined],
  ["0B/s", undefined],
  ["10Mb/s", undefined],
  ["10", undefined],
  ["MB/s", undefined],
  ["10kiB/s", undefined],
])("the rate %j is %s bytes per second", (text, expected) => {
  expect(parseRate(text)).toBe(expected);
});

test("a duration that is printed reads back as itself", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0x7f_ff_ff_ff }), (value) => {
      expect(parseDuration(formatDuration(value))).toBe(value);
    }),
  );
});

test.each<[string, string | undefined]>([
  ["port", "ports"],
  ["prots", "ports"],
  ["Ports", "ports"],
  ["clinet", "clients"],
  ["usres", "users"],
  ["xyzzy", undefined],
  ["", undefined],
  ["p".repeat(100_000), undefined],
])("%s is near %s", (word, expected) => {
  expect(nearest(word.slice(0, 200), ["clients", "users", "groups", "to", "ports"])).toBe(expected);
});
