import * as fc from "fast-check";
import { expect, test } from "vitest";

import { recogniseOctets } from "../../src/probe/recognise.ts";

const PRINTABLE = /^[\x20-\x7e]*$/;

test("whatever a server says, what is told of it is printable and short", () => {
  const words = fc.constantFrom(
    "HTTP/1.1 200 OK\r\n",
    "Server:",
    " \t",
    "\r\n",
    "SSH-2.0-",
    "\u001b[2J",
    "<html",
    "x".repeat(200),
  );
  const text = fc.array(fc.oneof(words, fc.string())).map((parts) => Buffer.from(parts.join(""), "latin1"));
  fc.assert(
    fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 300 })), (octets) => {
      const { protocol, firstLine = "", software = "" } = recogniseOctets(octets);
      expect(["http", "tls", "ssh", "other", "unknown"]).toContain(protocol);
      for (const told of [firstLine, software]) {
        expect(told).toMatch(PRINTABLE);
        expect(told.length).toBeLessThanOrEqual(120);
      }
    }),
  );
});
