import { inspect } from "node:util";

import { expect, test } from "vitest";

import type * as errors from "../src/errors.ts";
import { isSocksError, SocksError } from "../src/index.ts";

test("carries what a program matches on", () => {
  const cause = new Error("below");
  const hop = { index: 1, proxy: "socks5h://proxy.example:1080" };
  const error = new SocksError("ERR_SOCKS_TIMEOUT", "too late", {
    side: "remote",
    stage: "request",
    hop,
    reply: 5,
    httpStatus: 403,
    earlyOctetsSent: 7,
    cause,
  });
  expect(error).toBeInstanceOf(Error);
  expect(Object.fromEntries(Object.entries(error))).toEqual({
    name: "SocksError",
    code: "ERR_SOCKS_TIMEOUT",
    side: "remote",
    stage: "request",
    hop,
    reply: 5,
    httpStatus: 403,
    earlyOctetsSent: 7,
  });
  expect(error.cause).toBe(cause);
  expect(String(error)).toBe("SocksError: too late");
  expect(inspect(error)).toContain("ERR_SOCKS_TIMEOUT");
});

test("has no cause where there is none", () => {
  const error = new SocksError("ERR_SOCKS_BAD_OPTION", "no", { side: "local" });
  expect("cause" in error).toBe(false);
});

test("is recognised, also when another copy of the package made it", async () => {
  const path = new URL("../src/errors.ts?another-copy", import.meta.url).href;
  const other = (await import(path)) as typeof errors;
  const foreign = new other.SocksError("ERR_SOCKS_TIMEOUT", "too late", { side: "remote" });
  expect(foreign).not.toBeInstanceOf(SocksError);
  for (const guard of [isSocksError, SocksError.isSocksError]) {
    expect(guard(foreign)).toBe(true);
    expect(guard(new SocksError("ERR_SOCKS_TIMEOUT", "too late", { side: "remote" }))).toBe(true);
    for (const other of [
      undefined,
      null,
      "ERR_SOCKS_TIMEOUT",
      {},
      new Error("x"),
      Object.create(SocksError.prototype) as unknown,
    ]) {
      expect(guard(other)).toBe(typeof other === "object" && other instanceof SocksError);
    }
  }
});
