import { describe, expect, test } from "vitest";

import { credentialsOf, formatProxyUrl, parseProxyChain } from "../src/index.ts";
import { refusal } from "./refusal.ts";

describe("chains", () => {
  test("the example of AnyEvent::HTTP::Socks", () => {
    const chain = parseProxyChain(
      "socks4://10.0.0.1:1080  socks5://root:123@10.0.0.2:1080  socks4a://85.224.100.1:9010",
    );
    expect(chain.map((proxy) => formatProxyUrl(proxy))).toEqual([
      "socks4://10.0.0.1:1080",
      "socks5://root:***@10.0.0.2:1080",
      "socks4a://85.224.100.1:9010",
    ]);
    expect(chain.map(({ version, resolve }) => `${version} ${resolve}`)).toEqual(["4 local", "5 local", "4 remote"]);
    expect(chain.map(credentialsOf)).toEqual([undefined, { username: "root", password: "123" }, undefined]);
  });

  test("white space around and between entries, options for all", () => {
    const chain = parseProxyChain("\t socks://a\n\tsocks5://b \n", { remoteDns: true, bareSocksVersion: 4 });
    expect(chain.map(({ scheme }) => scheme)).toEqual(["socks4a", "socks5h"]);
  });

  test.each([
    ["socks5://a bogus", "ERR_SOCKS_BAD_PROXY_URL", 11],
    ["socks5://a ftp://b", "ERR_SOCKS_UNKNOWN_SCHEME", 11],
    ["socks5://a socks5://b:0", "ERR_SOCKS_BAD_PROXY_URL", 22],
    ["socks5://a,socks5://b", "ERR_SOCKS_BAD_PROXY_URL", undefined],
    ["", "ERR_SOCKS_BAD_PROXY_URL", undefined],
    [" \t\n", "ERR_SOCKS_BAD_PROXY_URL", undefined],
  ])("%j is refused: no entry is skipped", (text, code, position) => {
    const error = refusal(() => parseProxyChain(text));
    expect(error.code).toBe(code);
    if (position !== undefined) expect(error.position).toBe(position);
  });

  test("an error in one entry shows no password of another", () => {
    const error = refusal(() => parseProxyChain("socks5://u:hunter2@a socks5://b:0"));
    expect(error.message).toContain('"socks5://***@a socks5://b:0"');
  });

  test("networks to reach directly belong to a single proxy", () => {
    expect(parseProxyChain("socks://a/10.0.0.0/8")[0]?.direct).toHaveLength(1);
    expect(refusal(() => parseProxyChain("socks://a/10.0.0.0/8 socks://b")).message).toContain("single proxy");
    expect(refusal(() => parseProxyChain("socks://a socks://b/10.0.0.0/8")).message).toContain("single proxy");
  });

  test("lengths are bounded", () => {
    const hop = "socks5://h ";
    expect(parseProxyChain(hop.repeat(16))).toHaveLength(16);
    expect(refusal(() => parseProxyChain(hop.repeat(17))).message).toContain("at most 16");
    expect(refusal(() => parseProxyChain(" ".repeat(65_537))).message).toContain("65536");
  });
});
