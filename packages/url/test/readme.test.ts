import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import * as url from "../src/index.ts";

const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README lists every limit with its value", () => {
  const listed = [...page.matchAll(/^\| `(MAX_\w+)` +\| (\d+)/gm)].map(([, name, value]) => [name, Number(value)]);
  const limits = Object.entries(url).filter(([name]) => name.startsWith("MAX_"));
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(limits));
});

test("the example of the README prints what it says", () => {
  const proxy = url.parseProxyUrl("socks5h://alice:s%40fe@[2001:db8::1]");
  const lines = [
    `${proxy.version} ${proxy.resolve} ${proxy.address.port}`,
    url.formatProxyUrl(proxy),
    url.credentialsOf(proxy)?.password,
  ];
  const promised = [...page.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  expect(promised).toEqual(lines);
});
