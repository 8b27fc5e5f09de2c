import { expect, test } from "vitest";
import { WireError, decodeMethodRequest, decodeSocks5Reply, decodeSocks5Request } from "../src/index.ts";

test("carries code, side, rep and cause", () => {
  const cause = new TypeError("x");
  const error = new WireError("ERR_SOCKS_BAD_ATYP", "message", { side: "remote", rep: 0x08, cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "WireError", code: "ERR_SOCKS_BAD_ATYP", message: "message", side: "remote" });
  expect(error.rep).toBe(0x08);
  expect(error.cause).toBe(cause);
});

test("what it does not have is not there", () => {
  const error = new WireError("ERR_SOCKS_BAD_PORT", "message", { side: "local" });
  expect("rep" in error).toBe(false);
  expect("cause" in error).toBe(false);
  expect(String(error)).toBe("WireError: message");
});

test("numbers of the protocol are told as they are written", () => {
  expect(() => decodeMethodRequest(Uint8Array.of(0x47))).toThrow("greeting begins with 0x47; expected 0x05");
  expect(() => decodeSocks5Request(Uint8Array.of(0x05, 0x01, 0x00, 0x0f))).toThrow(/^ATYP is 0x0f; expected 0x01 /);
  expect(() => decodeSocks5Reply(Uint8Array.of(0x05, 0x00, 0x1a), 0, { strictReserved: true })).toThrow(
    "RSV of the reply is 0x1a; expected 0x00",
  );
});
