import { describe, expect, test } from "vitest";

import { ProxyUrlError, parseBypassList, redactProxyUrl } from "../src/index.ts";

describe("redaction", () => {
  test.each([
    ["socks5://proxy.example:1080", "socks5://proxy.example:1080"],
    ["socks5://[2001:db8::1%25eth0]:1080", "socks5://[2001:db8::1%25eth0]:1080"],
    ["socks://h:1/10.0.0.0/8,[2001:db8::]/32", "socks://h:1/10.0.0.0/8,[2001:db8::]/32"],
    ["socks5://alice:secret@h:1080", "socks5://***@h:1080"],
    ["socks5://alice@h", "socks5://***@h"],
    ["alice:secret@h:1080", "***@h:1080"],
    ["socks5:alice:secret@h", "***@h"],
    ["socks5://u:pa@ss@h", "socks5://***@h"],
    ["socks5://u:pa/ss@h", "socks5://***@h"],
    ["socks5://u:pa ss@h", "socks5://***@h"],
    ["socks5://u:secret", "socks5://u:***"],
    ["socks5://u:123/secret", "socks5://u:***"],
    ["socks5://u%3Asecret%40h", "socks5://***"],
    ["socks5://h?secret", "socks5://h?***"],
    ["socks5://h#secret", "socks5://h#***"],
    ["socks5://h/secret", "socks5://h/***"],
    ["socks5://u:s1@a socks5://u:s2@b", "socks5://***@a socks5://***@b"],
    ["socks5://u:s1@a\tsocks5://b", "socks5://***@a socks5://b"],
    ["socks5://u:a s3cret://b@h", "socks5://u:*** ***://***@h"],
    ["socks5://u:a s3cret://b c://d@h", "socks5://u:*** ***://*** ***://***@h"],
    ["socks5://u:s1@a HTTP://u:s2@b", "socks5://***@a HTTP://***@b"],
    ["", ""],
    ["@", "***@"],
    ["socks5://@", "socks5://***@"],
  ])("%j becomes %j", (text, shown) => {
    expect(redactProxyUrl(text)).toBe(shown);
  });

  test("in a bypass list, a comma in a password gives nothing of it away", () => {
    const read = (): unknown => parseBypassList("socks5://u:a,s3cret://b@h");
    expect(read).toThrow(ProxyUrlError);
    expect(read).toThrow(/socks5:\/\/u:\*\*\*,\*\*\*:\/\/\*\*\*@h/);
  });

  test("what would forge a log line or turn the text round is escaped", () => {
    expect(redactProxyUrl("socks5://a\r\nb\u001b[2J\u202e\ud800")).toBe(
      "socks5://a\\u{d}\\u{a}b\\u{1b}[2J\\u{202e}\\u{d800}",
    );
  });

  test("a long text is cut after its secrets are gone", () => {
    const shown = redactProxyUrl(`socks5://u:${"s".repeat(500)}@${"h".repeat(500)}`);
    expect(shown).toMatch(/^socks5:\/\/\*\*\*@h+\.\.\.$/);
    expect(shown.length).toBeLessThan(220);
  });
});
