import { hex, octets } from "@sockskit/testing";
import { expect, test } from "vitest";

import { maskSecrets } from "../../src/chain/mask-secrets.ts";

test.each([
  ["RFC 1929: the user name stays", "01 03 62 6f 62 04 70 61 73 73", 5, "01 03 62 6f 62"],
  ["no password: nothing tells that it is empty", "01 03 62 6f 62 00", 5, "01 03 62 6f 62"],
  ["another method: nothing is known about it", "7f 01 02 03", 0, ""],
  ["cut off", "01 03 62 6f 62 04 70", 0, ""],
])("%s", (_title, given, maskedFrom, shown) => {
  const masked = maskSecrets(octets(given));
  expect(masked.maskedFrom).toBe(maskedFrom);
  expect(hex(masked.octets)).toBe(`${shown} 2a 2a 2a 2a 2a 2a 2a 2a`.trim());
});
