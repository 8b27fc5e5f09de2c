import { checkAuthMethod } from "@sockskit/testing";
import { expect, test } from "vitest";
import { noneClient, noneServer } from "../src/index.ts";

test("none fulfils the contract of a method", () => {
  checkAuthMethod({ client: noneClient(), server: noneServer(), asks: false });
});

test("none is METHOD 0x00 and needs no octet", () => {
  for (const method of [noneClient(), noneServer()]) {
    expect(method).toMatchObject({ method: 0x00, name: "none", immediate: true });
  }
  expect(noneClient().start().begin()).toBeUndefined();
});

test("none has no verdict to give", () => {
  expect(() => noneServer().start().resolve({ accepted: true })).toThrow(
    expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }),
  );
});
