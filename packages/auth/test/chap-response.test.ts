import { createHmac } from "node:crypto";
import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { type ChapEvidence, chapResponse, chapVerdict } from "../src/index.ts";
import { md5 } from "./md5.ts";

const HMAC_MD5 = 0x85;
const MD5 = 0x05;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("HMAC-MD5, the cases of RFC 2202 section 2", () => {
  test.each([
    ["0b{16}", "48 69 20 54 68 65 72 65", "92 94 72 7a 36 38 bb 1c 13 f4 8e f8 15 8b fc 9d"],
    ["4a 65 66 65", text("what do ya want for nothing?"), "75 0c 78 3e 6a b0 b5 03 ea a8 6e 31 0a 5d b7 38"],
    ["aa{16}", "dd{50}", "56 be 34 52 1d 14 4c 88 db b8 c7 33 f0 e8 b3 f6"],
    ["0c{16}", text("Test With Truncation"), "56 46 1e f2 34 2e dc 00 f9 ba b9 95 69 0e fd 4c"],
    [
      "aa{80}",
      text("Test Using Larger Than Block-Size Key - Hash Key First"),
      "6b 1a b7 fe 4b d7 bf 8f 0b 62 e6 ce 61 b9 d0 cd",
    ],
  ])("%s", (key, data, expected) => {
    const password = repeated(key);
    const challenge = typeof data === "string" ? repeated(data) : data;
    expect(chapResponse({ algorithm: HMAC_MD5, password, challenge, md5 })).toEqual(octets(expected));
  });
});

/** Octets from hexadecimal text in which `aa{80}` stands for 80 octets. */
function repeated(hex: string): Uint8Array {
  return octets(hex.replaceAll(/([0-9a-f]{2})\{([0-9]+)\}/g, (_, octet: string, count) => octet.repeat(Number(count))));
}

test("MD5 of RFC 1994 section 4.1, with the value of the vector chap-md5", () => {
  const challenge = octets("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
  const response = chapResponse({ algorithm: MD5, identifier: 0x2a, password: "secret", challenge, md5 });
  expect(response).toEqual(octets("03 dc 98 c5 a8 32 69 2b 49 df 73 cf 48 fc b4 e9"));
});

test("what cannot be computed throws", () => {
  const challenge = octets("00");
  const error = (code: string): Error => expect.objectContaining({ name: "AuthError", code, side: "local" }) as Error;
  const attempt = (options: object) => () =>
    chapResponse({ algorithm: HMAC_MD5, password: "secret", challenge, md5, ...options });
  expect(attempt({ password: "" })).toThrow(error("ERR_SOCKS_AUTH_CREDENTIALS"));
  expect(attempt({ password: new Uint8Array(0) })).toThrow(error("ERR_SOCKS_AUTH_CREDENTIALS"));
  expect(attempt({ password: "\ud800" })).toThrow(error("ERR_SOCKS_AUTH_CREDENTIALS"));
  expect(attempt({ algorithm: 0x06 })).toThrow(error("ERR_SOCKS_BAD_OPTION"));
  expect(attempt({ algorithm: MD5 })).toThrow(error("ERR_SOCKS_BAD_OPTION"));
  expect(attempt({ md5: () => octets("00") })).toThrow(error("ERR_SOCKS_BAD_OPTION"));
});

describe("the verdict", () => {
  const challenge = octets("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
  const response = octets("e7 40 94 24 47 4a 33 01 bd c9 bb 88 46 c8 63 62"); // of "secret"
  const evidence: ChapEvidence = {
    type: "chap",
    username: text("alice"),
    algorithm: HMAC_MD5,
    identifier: undefined,
    challenge,
    response,
    clientChallenge: undefined,
  };
  const verdict = (changed: Partial<ChapEvidence>, password: string | Uint8Array | undefined = "secret"): unknown =>
    chapVerdict({ evidence: { ...evidence, ...changed }, password, identity: "alice", md5 });

  test("accepts the right response, with the name that it was given", () => {
    expect(verdict({})).toEqual({ accepted: true, identity: "alice" });
    expect(verdict({}, text("secret"))).toEqual({ accepted: true, identity: "alice" });
    expect(chapVerdict({ evidence, password: "secret", md5 })).toEqual({ accepted: true, identity: undefined });
  });

  test("rejects everything else", () => {
    const rejected = { accepted: false };
    expect(verdict({}, "Secret")).toEqual(rejected);
    for (let at = 0; at < 16; at++) {
      const changed = response.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(verdict({ response: changed })).toEqual(rejected);
    }
    for (const length of [0, 15]) expect(verdict({ response: response.slice(0, length) })).toEqual(rejected);
    expect(verdict({ response: Uint8Array.of(...response, 0) })).toEqual(rejected);
    expect(verdict({ challenge: challenge.slice(1) })).toEqual(rejected);
  });

  test("knows no empty password, and nobody's password is none", () => {
    // What somebody would send who takes the password for empty: HMAC-MD5 with an empty key, which is one of zeros.
    const ofNothing = new Uint8Array(createHmac("md5", "").update(challenge).digest());
    for (const password of ["", new Uint8Array(0)]) {
      for (const sent of [response, ofNothing]) {
        expect(verdict({ response: sent }, password)).toEqual({ accepted: false });
        expect(chapVerdict({ evidence: { ...evidence, response: sent }, password: undefined, md5 })).toEqual({
          accepted: false,
        });
      }
    }
  });

  test("takes as many steps for an unknown user as for a known one", () => {
    const steps = (password: string | undefined): number => {
      let count = 0;
      const counting = (data: Uint8Array): Uint8Array => {
        count++;
        return md5(data);
      };
      const wrong = { ...evidence, response: challenge };
      chapVerdict({ evidence: wrong, password, md5: counting });
      return count;
    };
    expect(steps(undefined)).toBe(steps("secret"));
    expect(steps("")).toBe(steps("secret"));
  });

  test("proves the server to a client that asked, and to nobody else", () => {
    const clientChallenge = octets("10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f");
    expect(verdict({ clientChallenge })).toEqual({
      accepted: true,
      identity: "alice",
      response: octets("c5 8f be 63 09 15 23 1e 76 f4 b6 73 00 f5 d4 ed"), // of the vector chap-mutual
    });
    expect(verdict({ clientChallenge, response: challenge })).toEqual({ accepted: false });
  });
});
