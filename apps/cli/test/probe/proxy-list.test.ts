import { describe, expect, test } from "vitest";

import { parseProxyList } from "../../src/probe/proxy-list.ts";

/** Host and port of each, and the lines that are wrong. */
function read(text: string) {
  const { proxies, mistakes } = parseProxyList(text, "list");
  return {
    proxies: proxies.map(({ address: { host, port } }) => `${host}:${port}`),
    mistakes: mistakes.map(({ message }) => message.slice(0, message.indexOf(":"))),
  };
}

describe("a list of proxies", () => {
  test.each([
    ["", [], []],
    ["a\nb:1\n", ["a:1080", "b:1"], []],
    ["a\r\n\r\n  b\t\r\n", ["a:1080", "b:1080"], []],
    ["# a\na # b\n#\n \t# c\n", ["a:1080"], []],
    // Only behind a blank: elsewhere it is part of what is written, and wrong there.
    ["a#b", [], ["list, line 1"]],
    ["a b\nc", ["c:1080"], ["list, line 1"]],
    ["socks5://u:p%23@a\nsocks5://u:p@x@a\n", ["a:1080"], ["list, line 2"]],
    ["\uFEFFa", ["a:1080"], []],
    ["\u0000\n\u001b[2J\na", ["a:1080"], ["list, line 1", "list, line 2"]],
    ["x".repeat(100_000), [], ["list, line 1"]],
  ])("%j", (text, proxies, mistakes) => {
    expect(read(text)).toEqual({ proxies, mistakes });
  });

  test("is read in time proportional to its length", () => {
    const text = " ".repeat(200_000) + "#".repeat(200_000);
    const startedAt = performance.now();
    for (let i = 0; i < 5; i++) parseProxyList(text, "list");
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test("shows no password of a line that is wrong", () => {
    const [mistake] = parseProxyList("socks5://alice:opensesame@host:99999", "list").mistakes;
    expect(mistake?.message).not.toContain("opensesame");
  });
});
