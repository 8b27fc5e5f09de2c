import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import { matchesBypassList, parseBypassList } from "../src/index.ts";
import { refusal } from "./refusal.ts";

describe("what a bypass list covers", () => {
  test.each([
    ["example.com", "example.com:80", true],
    ["example.com", "www.example.com:80", true],
    ["example.com", "EXAMPLE.com.:80", true],
    ["EXAMPLE.com.", "example.com:80", true],
    [".example.com", "example.com:80", true],
    [".example.com", "a.b.example.com:80", true],
    ["*.example.com", "example.com:80", true],
    ["*.example.com", "a.example.com:80", true],
    ["example.com", "notexample.com:80", false],
    [".example.com", "notexample.com:80", false],
    ["example.com", "example.com.evil.example:80", false],
    ["a.example.com", "example.com:80", false],
    ["com", "example.com:80", true],
    ["b\u00fccher.example", "xn--bcher-kva.example:80", true],
    ["xn--bcher-kva.example", "b\u00fccher.example:80", true],
    ["example.com:8080", "example.com:8080", true],
    ["example.com:8080", "example.com:80", false],
    ["*", "anything.example:1", true],
    ["*", "[2001:db8::1]:1", true],
    ["*:443", "anything.example:443", true],
    ["*:443", "anything.example:80", false],
    ["", "example.com:80", false],
    [" , ,, ", "example.com:80", false],
    ["a.example b.example,c.example", "b.example:80", true],
    ["a.example b.example,c.example", "c.example:80", true],
    ["10.0.0.0/8", "10.255.0.1:80", true],
    ["10.0.0.0/8", "11.0.0.1:80", false],
    ["10.1.2.3/8", "10.9.9.9:80", true],
    ["10.0.0.0/255.0.0.0", "10.9.9.9:80", true],
    ["10.0.0.0/8:22", "10.9.9.9:22", true],
    ["10.0.0.0/8:22", "10.9.9.9:80", false],
    ["127.0.0.1", "127.0.0.1:80", true],
    ["127.0.0.1", "127.0.0.2:80", false],
    ["10.0.0.0/8", "[::ffff:10.1.2.3]:80", true],
    ["::ffff:10.0.0.0/104", "10.1.2.3:80", true],
    ["0.0.0.0/0", "[2001:db8::1]:80", false],
    ["2001:db8::/32", "[2001:db8:1::1]:80", true],
    ["[2001:db8::]/32", "[2001:db8:1::1]:80", true],
    ["2001:db8::1", "[2001:db8::1]:80", true],
    ["[2001:db8::1]:80", "[2001:db8::1]:80", true],
    ["[2001:db8::1]:80", "[2001:db8::1]:81", false],
    // An address on the list says nothing about names: they are not resolved here.
    ["127.0.0.0/8", "localhost:80", false],
    // Loopback is not special.
    ["example.com", "127.0.0.1:80", false],
    ["example.com", "localhost:80", false],
    // CVE-2025-22870: the zone of an IPv6 address is no host name.
    ["example.com", "[fe80::1%25.example.com]:80", false],
    ["*.example.com", "[fe80::1%a.example.com]:80", false],
    ["fe80::/10", "[fe80::1%eth0]:80", true],
  ])("%j and %s: %s", (list, target, covered) => {
    const plain = target.replace("%25", "%");
    expect(matchesBypassList(parseBypassList(list), parseHostPort(plain))).toBe(covered);
  });
});

describe("what a bypass list may not hold", () => {
  test.each([
    // CVE-2021-28918: some programs read these as addresses, others as others.
    ["010.0.0.1", 0],
    ["0x7f.0.0.1", 0],
    ["127.1", 0],
    ["2130706433", 0],
    ["10.*", 0],
    ["127.0.0.*", 0],
    ["a*.example.com", 0],
    ["<local>", 0],
    ["http://example.com", 0],
    ["a.example, 10.0.0.0/33", 11],
    ["10.0.0.0/255.0.255.0", 0],
    ["10.0.0.0/08", 0],
    ["2001:db8::/129", 0],
    ["[127.0.0.1]", 0],
    ["fe80::1%eth0", 0],
    ["example.com/8", 0],
    ["example.com:0", 12],
    ["example.com:", 0],
    ["example.com:65536", 12],
    ["[2001:db8::1]:x", 0],
    ["..example.com", 0],
    [".", 0],
    ["*.", 0],
    ["a,".repeat(40_000), undefined],
  ])("%j", (text, position) => {
    expect(refusal(() => parseBypassList(text))).toMatchObject({ code: "ERR_SOCKS_BAD_BYPASS_LIST", position });
  });

  test("a URL that strayed into the list does not show its password", () => {
    const error = refusal(() => parseBypassList("a.example,http://u:hunter2@b"));
    expect(error.message).toContain('"a.example,http://***@b"');
  });
});
