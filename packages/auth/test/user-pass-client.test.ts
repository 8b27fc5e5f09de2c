import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { type UserPassClientOptions, userPassClient } from "../src/index.ts";

function request(options: UserPassClientOptions): Uint8Array | undefined {
  return userPassClient(options).start().begin();
}

describe("what is sent", () => {
  test.each([
    // RFC 1929 section 2; the first is the s5-userpass-ipv6 vector.
    { username: "alice", password: "s3cret", hex: "01 05 61 6c 69 63 65 06 73 33 63 72 65 74" },
    { username: "alice", password: undefined, hex: "01 05 61 6c 69 63 65 00" },
    { username: "é", password: "ß", hex: "01 02 c3 a9 02 c3 9f" },
    { username: octets("ff fe"), password: octets("80"), hex: "01 02 ff fe 01 80" },
    { username: "<torS0X>0", password: "123", hex: "01 09 3c 74 6f 72 53 30 58 3e 30 03 31 32 33" },
  ])("$username / $password", ({ username, password, hex }) => {
    expect(request({ username, password })).toEqual(octets(hex));
  });

  test("the longest fields, 255 octets each", () => {
    const sent = request({ username: "u".repeat(255), password: "é".repeat(127) + "p" });
    expect(sent).toHaveLength(1 + 1 + 255 + 1 + 255);
    expect(sent?.[1]).toBe(255);
    expect(sent?.[257]).toBe(255);
  });

  test("changing what was sent, or the array it came from, changes no later exchange", () => {
    const username = octets("61 62");
    const method = userPassClient({ username });
    username.fill(0);
    method.start().begin()?.fill(0xff);
    expect(method.start().begin()).toEqual(octets("01 02 61 62 00"));
  });
});

describe("credentials that cannot be sent", () => {
  test.each([
    { what: "empty user name", username: "", password: "pw" },
    { what: "user name of 256 octets", username: "u".repeat(256), password: "pw" },
    { what: "user name of 128 characters and 256 octets", username: "é".repeat(128), password: "pw" },
    { what: "password of 256 octets", username: "u", password: "p".repeat(256) },
    { what: "NUL in the user name", username: "root\0x", password: "pw" },
    { what: "NUL in the password", username: "u", password: "p\0w" },
    { what: "NUL in octets", username: octets("61 00"), password: "pw" },
    { what: "half a surrogate pair", username: "u\ud800", password: "pw" },
  ])("$what", ({ username, password }) => {
    expect(() => userPassClient({ username, password })).toThrow(
      expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_AUTH_CREDENTIALS", side: "local" }),
    );
  });

  test("the message says which field, how long it is and what fits", () => {
    expect(() => userPassClient({ username: "é".repeat(128) })).toThrow(
      "the user name has 256 octets; the method allows at most 255",
    );
  });
});

describe("the reply", () => {
  const strict = userPassClient({ username: "u", strictVersion: true });
  const lenient = userPassClient({ username: "u" });

  test("01 00 is success", () => {
    expect(strict.start().receive(octets("01 00"))).toEqual({ type: "done", consumed: 2 });
  });

  test.each(["05 00", "00 00"])("%s is success with a warning, unless strict", (hex) => {
    const version = `0x${hex.slice(0, 2)}`;
    expect(lenient.start().receive(octets(hex))).toEqual({
      type: "done",
      consumed: 2,
      warning: `user/password reply has VER ${version} instead of 0x01`,
    });
    expect(strict.start().receive(octets(hex))).toMatchObject({
      type: "failed",
      error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" },
    });
  });

  test("every STATUS but 00 is a rejection, and is named", () => {
    for (let status = 0x01; status <= 0xff; status++) {
      expect(lenient.start().receive(Uint8Array.of(0x01, status))).toMatchObject({
        type: "failed",
        consumed: 2,
        error: {
          code: "ERR_SOCKS_AUTH_REJECTED",
          side: "remote",
          message: `proxy rejected the user name or password (STATUS 0x${status.toString(16).padStart(2, "0")})`,
        },
      });
    }
  });

  test("octets behind it are left", () => {
    expect(lenient.start().receive(octets("01 00 05 00"))).toMatchObject({ type: "done", consumed: 2 });
  });
});
