import { describe, expect, test } from "vitest";

import { type PacEntry, parsePacResult } from "../src/index.ts";
import { refusal } from "./refusal.ts";
import vectors from "./proxy-url-vectors.json" with { type: "json" };

function flat(entry: PacEntry): object {
  if (entry.type === "direct") return { type: "direct" };
  const { protocol, scheme, version, resolve, address } = entry.proxy;
  const where = { host: address.host, port: address.port };
  return protocol === "http" ? { type: scheme, ...where } : { type: protocol, version, resolve, ...where };
}

describe("PAC results", () => {
  test.each(vectors.pac)("$text", ({ text, entries }) => {
    expect(parsePacResult(text).map(flat)).toEqual(entries);
  });

  test("every type, and the port each one has by default", () => {
    const text = "direct; Proxy a; HTTP b; HTTPS c; SOCKS d; SOCKS4 e; SOCKS4A f; SOCKS5 g; QUIC h";
    expect(parsePacResult(text).map(flat)).toEqual([
      { type: "direct" },
      { type: "http", host: "a", port: 80 },
      { type: "http", host: "b", port: 80 },
      { type: "https", host: "c", port: 443 },
      { type: "socks", version: 4, resolve: "local", host: "d", port: 1080 },
      { type: "socks", version: 4, resolve: "local", host: "e", port: 1080 },
      { type: "socks", version: 4, resolve: "remote", host: "f", port: 1080 },
      { type: "socks", version: 5, resolve: "remote", host: "g", port: 1080 },
    ]);
  });

  test.each([
    [4, 4, "local"],
    ["4a", 4, "remote"],
    [5, 5, "remote"],
  ] as const)("bare SOCKS with pacSocks %s", (pacSocks, version, resolve) => {
    expect(parsePacResult("SOCKS a", { pacSocks }).map(flat)).toEqual([
      { type: "socks", version, resolve, host: "a", port: 1080 },
    ]);
  });

  test.each([
    ["", undefined],
    [" ; ;", undefined],
    ["bogus x:1", undefined],
    ["QUIC x:1", undefined],
    ["constructor x:1", undefined],
    ["SOCKS5 a:0; DIRECT", 9],
    ["SOCKS5 a:; DIRECT", 9],
    ["DIRECT; SOCKS5", 8],
    ["SOCKS5 a b", 0],
    ["DIRECT x", 7],
    ["SOCKS5 socks5://a:1080", 7],
    ["SOCKS5 user@a:1080", 7],
    ["SOCKS5 2001:db8::1", 7],
    ["PROXY 0x7f.1:80", 6],
    [`SOCKS5 a;${" ".repeat(65_536)}`, undefined],
  ])("%j is an error, not a direct connection", (text, position) => {
    expect(refusal(() => parsePacResult(text))).toMatchObject({ code: "ERR_SOCKS_BAD_PAC_RESULT", position });
  });

  test("an error shows no password, and the rest of the result", () => {
    const error = refusal(() => parsePacResult("SOCKS5 user:hunter2@a; DIRECT"));
    expect(error.input).toBe("***@a; DIRECT");
  });
});
