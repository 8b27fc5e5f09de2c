import { expect, test } from "vitest";
import { WireError } from "../src/index.ts";

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
