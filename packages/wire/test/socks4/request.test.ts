import { describe, expect, test } from "vitest";
import { decodeSocks4Request, encodeSocks4Request } from "../../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const octets = (length: number, octet = 0x61): Uint8Array => new Uint8Array(length).fill(octet);
const plain = { cd: 0x01, dstPort: 80, dstIp: Uint8Array.of(192, 0, 2, 10), userid: octets(0) };

describe("encodeSocks4Request", () => {
  const attempt = (fields: object) => () => encodeSocks4Request({ ...plain, ...fields });
  const name = Uint8Array.of(0, 0, 0, 1);

  test("a NUL cannot end a field early", () => {
    expect(attempt({ userid: Uint8Array.of(0x72, 0x00, 0x78) })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt({ dstIp: name, domain: Uint8Array.of(0x61, 0x00) })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  });

  test("DSTIP and name belong together", () => {
    expect(attempt({ dstIp: name })).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    expect(attempt({ domain: octets(1) })).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    expect(attempt({ dstIp: octets(4, 0), domain: octets(1) })).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    expect(attempt({ dstIp: octets(4, 0) })()).toHaveLength(9);
    expect(attempt({ dstIp: octets(5) })).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
  });

  test("bounds", () => {
    expect(attempt({ userid: octets(255), dstIp: name, domain: octets(255) })()).toHaveLength(8 + 256 + 256);
    expect(attempt({ userid: octets(256) })).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt({ dstIp: name, domain: octets(256) })).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(attempt({ dstIp: name, domain: octets(0) })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
  });
});

test("a limit that is no number lets nothing through", () => {
  const bytes = Uint8Array.of(0x04, 0x01, 0x00, 0x50, 192, 0, 2, 10, 0x61, 0x00);
  expect(() => decodeSocks4Request(bytes, 0, { maxUseridLength: Number.NaN })).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_OVERFLOW" }) as Error,
  );
});
