import { expect, test } from "vitest";
import { checkAccepted, checkRejected } from "../src/index.ts";
import type { Decoder } from "../src/index.ts";

class FakeError extends Error {
  override readonly name = "WireError";
  readonly code = "ERR_SOCKS_BAD_VERSION";
  readonly side = "remote";
}

/** A message of one length octet and that many octets, decoded as it should be. */
const right: Decoder<Uint8Array> = (bytes, offset = 0) => {
  if (bytes[offset] === 0xee) throw new FakeError("ee is no length");
  const length = bytes[offset];
  if (length === undefined || bytes.length < offset + 1 + length) return undefined;
  return { value: Uint8Array.from(bytes.subarray(offset + 1, offset + 1 + length)), byteLength: 1 + length };
};

const message = Uint8Array.of(0x02, 0x61, 0x62);

test("a right decoder passes and its value is returned", () => {
  expect(checkAccepted(right, message)).toEqual(Uint8Array.of(0x61, 0x62));
  checkRejected(right, Uint8Array.of(0xee, 0x00), { code: "ERR_SOCKS_BAD_VERSION", afterOctets: 1 });
});

const wrongDecoders: Record<string, Decoder<Uint8Array>> = {
  "takes a whole message for incomplete": () => undefined,
  "ignores the offset": (bytes) => right(bytes),
  "counts the length from the start of the input": (bytes, offset = 0) => {
    const decoded = right(bytes, offset);
    return decoded && { ...decoded, byteLength: decoded.byteLength + offset };
  },
  "takes a prefix for a message": (bytes, offset = 0) =>
    bytes.length > offset ? { value: bytes.slice(offset + 1, offset + 3), byteLength: 3 } : undefined,
  "reads the memory behind its input": (bytes, offset = 0) =>
    right(new Uint8Array(bytes.buffer, bytes.byteOffset), offset),
  "takes octets behind the message along": (bytes, offset = 0) =>
    right(bytes, offset) && { value: bytes.slice(offset + 1), byteLength: 3 },
  "keeps a view of the input": (bytes, offset = 0) =>
    right(bytes, offset) && { value: bytes.subarray(offset + 1, offset + 3), byteLength: 3 },
  "keeps a view of a Buffer, whose slice is one": (bytes, offset = 0) => {
    const slice = right(bytes, offset) && bytes.slice(offset + 1, offset + 3);
    return slice && { value: new Uint8Array(slice.buffer, slice.byteOffset, 2), byteLength: 3 };
  },
  "changes its input": (bytes, offset = 0) => {
    const decoded = right(bytes, offset);
    if (decoded !== undefined) bytes[offset] = 0x01;
    return decoded;
  },
};

for (const [name, decode] of Object.entries(wrongDecoders)) {
  test(`a decoder that ${name} is found out`, () => {
    expect(() => checkAccepted(decode, message.slice())).toThrow();
  });
}

test("a rejection that comes late, early, with another code or not at all is found out", () => {
  const bytes = Uint8Array.of(0xee, 0x00);
  const code = "ERR_SOCKS_BAD_VERSION";
  expect(() => checkRejected(right, bytes, { code, afterOctets: 2 })).toThrow();
  expect(() => checkRejected(right, bytes, { code, afterOctets: 0 })).toThrow();
  expect(() => checkRejected(right, bytes, { code: "ERR_SOCKS_BAD_ATYP", afterOctets: 1 })).toThrow();
  expect(() => checkRejected(right, bytes, { code, rep: 0x01, afterOctets: 1 })).toThrow();
  expect(() => checkRejected(right, message, { code, afterOctets: 1 })).toThrow();
});
