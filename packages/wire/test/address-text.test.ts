import { isIPv4, isIPv6 } from "node:net";
import { checkNoSecrets } from "@sockskit/testing";
import { addressVectors, vectorOctets } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import {
  formatAddress,
  formatHost,
  parseAddress,
  parseHostPort,
  parseIpAddress,
  parsePort,
  toAsciiName,
} from "../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const BAD_ADDRESS = local("ERR_SOCKS_BAD_ADDRESS");
const BAD_PORT = local("ERR_SOCKS_BAD_PORT");
const vectors = addressVectors();

describe("IPv6 text", () => {
  test.each(vectors.ipv6)("$text", ({ text, hex, canonical }) => {
    const octets = vectorOctets(hex);
    expect(isIPv6(text), "Node agrees").toBe(true);
    expect(parseAddress(text, 80)).toEqual({ type: "ipv6", host: canonical, port: 80, octets });
    expect(parseAddress(`[${text}]`, 80)).toEqual(parseAddress(text, 80));
    expect(parseIpAddress(text, 80)).toEqual(parseAddress(text, 80));
    expect(parseIpAddress(canonical)?.octets).toEqual(octets);
    expect(parseHostPort(`[${text}]:80`)).toEqual(parseAddress(text, 80));
    const zoned = { ...parseAddress(text, 80), zone: "eth0.1" };
    expect(parseAddress(`${text}%eth0.1`, 80)).toEqual(zoned);
    expect(parseAddress(`[${text}%eth0.1]`, 80)).toEqual(zoned);
    expect(formatAddress(parseAddress(`${text}%eth0.1`, 80))).toBe(`[${canonical}%eth0.1]:80`);
  });
});

describe("IPv4 text", () => {
  test.each(vectors.ipv4)("$text", ({ text, hex }) => {
    expect(isIPv4(text), "Node agrees").toBe(true);
    expect(parseAddress(text, 80)).toEqual({ type: "ipv4", host: text, port: 80, octets: vectorOctets(hex) });
    expect(formatAddress(parseAddress(text, 80))).toBe(`${text}:80`);
  });
});

describe("names", () => {
  test.each(vectors.names)("$text", ({ text, ascii }) => {
    expect(toAsciiName(text)).toBe(ascii);
    expect(toAsciiName(ascii)).toBe(ascii);
    const octets = new TextEncoder().encode(ascii);
    expect(parseAddress(text, 443)).toEqual({ type: "domain", host: ascii, port: 443, octets });
    expect(parseIpAddress(text)).toBeUndefined();
    expect(formatAddress(parseAddress(text, 443))).toBe(`${ascii}:443`);
  });
});

describe("refused", () => {
  test.each(vectors.refused.map(({ text, source }) => [JSON.stringify(text), text, source] as const))(
    "%s",
    (_shown, text) => {
      expect(isIPv4(text), "Node agrees").toBe(false);
      expect(() => parseAddress(text, 80)).toThrow(BAD_ADDRESS);
      expect(parseIpAddress(text)).toBeUndefined();
    },
  );

  test("what is no string", () => {
    for (const wrong of [undefined, null, 1, {}, ["127.0.0.1"]] as unknown as string[]) {
      expect(() => parseAddress(wrong, 80)).toThrow(BAD_ADDRESS);
      expect(() => parseHostPort(wrong, 80)).toThrow(BAD_ADDRESS);
    }
  });

  test("a megabyte of text, at once", () => {
    for (const long of ["ü", "a", "a.", "1.", ":", "[", "0:"]) {
      const start = performance.now();
      expect(() => parseAddress(long.repeat(1_000_000), 80)).toThrow(BAD_ADDRESS);
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });
});

describe("ports", () => {
  test.each(["0", "1", "80", "1080", "65535"])("%s", (text) => {
    expect(parsePort(text)).toBe(Number(text));
    expect(parseHostPort(`a:${text}`).port).toBe(Number(text));
  });

  test.each([
    "",
    " ",
    "-1",
    "+1",
    "65536",
    "99999",
    "080",
    "00",
    "0x50",
    "8e1",
    "80 ",
    " 80",
    "80.",
    "８０",
    "80\n",
    "a",
  ])("%j is none", (text) => {
    expect(() => parsePort(text)).toThrow(BAD_PORT);
    expect(() => parseHostPort(`a:${text}`)).toThrow(BAD_PORT);
  });

  test("a port as a number", () => {
    for (const port of [-1, 65_536, 1.5, Number.NaN, Infinity, "80", undefined, null] as number[]) {
      expect(() => parseAddress("a", port)).toThrow(BAD_PORT);
      expect(() => parseAddress("::1", port)).toThrow(BAD_PORT);
      expect(() => parseAddress("127.0.0.1", port)).toThrow(BAD_PORT);
    }
    expect(parseAddress("a", 0).port).toBe(0);
    expect(parseAddress("a", 65_535).port).toBe(65_535);
  });
});

describe("host and port", () => {
  test.each([
    ["127.0.0.1:80", "127.0.0.1:80"],
    ["Example.COM.:443", "example.com:443"],
    ["[::1]:1080", "[::1]:1080"],
    ["[fe80::1%eth0]:1", "[fe80::1%eth0]:1"],
    ["localhost", "localhost:1080"],
    ["127.0.0.1", "127.0.0.1:1080"],
    ["[::1]", "[::1]:1080"],
    ["bücher.example:1", "xn--bcher-kva.example:1"],
  ])("%s", (text, formatted) => {
    expect(formatAddress(parseHostPort(text, 1080))).toBe(formatted);
    expect(formatAddress(parseHostPort(formatted))).toBe(formatted);
  });

  test.each(["127.0.0.1", "localhost", "[::1]"])("%s has no port and no default", (text) => {
    expect(() => parseHostPort(text)).toThrow(BAD_PORT);
  });

  test.each([
    "::1",
    "::1:80",
    "2001:db8::1",
    "a:b:c",
    "a:1:2",
    "1:2",
    ":80",
    "",
    "[::1",
    "[::1]80",
    "[::1]:80:90",
    "[]:80",
    "[::1]]:80",
    "[a]:80",
    "user:pass@host:80",
    "http://a:80",
  ])("%s is none", (text) => {
    const error = expect.objectContaining({
      code: expect.stringMatching(/^ERR_SOCKS_BAD_(?:ADDRESS|PORT)$/) as string,
    });
    expect(() => parseHostPort(text, 1080)).toThrow(error as Error);
  });

  test("an IPv6 address without brackets is told how to be written", () => {
    expect(() => parseHostPort("2001:db8::1", 80)).toThrow(/"\[2001:db8::1\]"/);
  });
});

test("the host alone", () => {
  expect(formatHost(parseAddress("127.0.0.1", 1))).toBe("127.0.0.1");
  expect(formatHost(parseAddress("::1", 1))).toBe("[::1]");
  expect(formatHost(parseAddress("fe80::1%3", 1))).toBe("[fe80::1%3]");
  expect(formatHost(parseAddress("A.example", 1))).toBe("a.example");
});

test("an error quotes what was given, and nothing of it can act on a terminal or tell a password", () => {
  expect(() => parseAddress("a\u001b[31m\r\n\u202eb", 80)).toThrow(/"a\\u001b\[31m\\u000d\\u000a\\u202eb"/);
  expect(() => parseAddress('a"b\\', 80)).toThrow(/"a\\u0022b\\u005c"/);
  expect(() => parseAddress("a".repeat(5_000), 80)).toThrow(/^"a{100}\.\.\."/);
  const secret = "canary-51c9";
  for (const text of [`socks5://user:${secret}@host:80`, `user:${secret}@host`, `${secret}@`, `a@${secret}@host:1`]) {
    for (const parse of [() => parseAddress(text, 80), () => parseHostPort(text, 80), () => toAsciiName(text)]) {
      try {
        parse();
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ name: "WireError" });
        checkNoSecrets(error, [secret]);
      }
    }
  }
});
