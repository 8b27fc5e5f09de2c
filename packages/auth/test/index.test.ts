import { expect, test } from "vitest";
import * as auth from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(auth).toSorted()).toEqual([
    "AuthError",
    "MAX_CRAM_ROUNDS",
    "chapClient",
    "chapResponse",
    "chapServer",
    "chapVerdict",
    "cramClient",
    "cramServer",
    "grantProtection",
    "gssapiClient",
    "gssapiServer",
    "levelOf",
    "mafClient",
    "mafServer",
    "noneClient",
    "noneServer",
    "protectionOf",
    "requestProtection",
    "sslClient",
    "sslServer",
    "userPassClient",
    "userPassServer",
  ]);
});

test("an error has name, code, side and cause", () => {
  const cause = new TypeError("why");
  const error = new auth.AuthError("ERR_SOCKS_AUTH_PROTOCOL", "what", { side: "remote", cause });
  expect(error).toMatchObject({ name: "AuthError", code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote", message: "what" });
  expect(error.cause).toBe(cause);
  expect(new auth.AuthError("ERR_SOCKS_AUTH_PROTOCOL", "what", { side: "local" })).not.toHaveProperty("cause");
});
