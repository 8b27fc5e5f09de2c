import { formatNetwork, parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import { isReachedDirectly, parseProxyUrl } from "../src/index.ts";
import { refusal } from "./refusal.ts";

describe("the Tectia form", () => {
  test.each(["socks", "socks4", "socks4a", "socks5", "socks5h"])("is read with %s", (scheme) => {
    const proxy = parseProxyUrl(`${scheme}://s.example/10.9.8.7/8,192.0.2.0/255.255.255.128,[2001:db8::1]/32`);
    expect(proxy.direct?.map(formatNetwork)).toEqual(["10.0.0.0/8", "192.0.2.0/25", "2001:db8::/32"]);
  });

  test.each([
    ["socks5s://h/10.0.0.0/8", 11],
    ["socks+tls://h/10.0.0.0/8", 13],
    ["socks://h//", 10],
    ["socks://h/10.0.0.0", 10],
    ["socks://h/10.0.0.0/", 10],
    ["socks://h/10.0.0.0/8,", 21],
    ["socks://h/10.0.0.0/8,,11.0.0.0/8", 21],
    ["socks://h/10.0.0.0/33", 10],
    ["socks://h/10.0.0.0/255.0.255.0", 10],
    ["socks://h/2001:db8::/32", 10],
    ["socks://h/[10.0.0.0]/8", 10],
    ["socks://h/[fe80::1%25eth0]/64", 10],
    ["socks://h/example.com/8", 10],
    ["socks://h/010.0.0.0/8", 10],
  ])("%s is refused", (url, position) => {
    expect(refusal(() => parseProxyUrl(url))).toMatchObject({ code: "ERR_SOCKS_BAD_PROXY_URL", position });
  });

  test.each([
    ["203.123.255.1:22", true],
    ["203.124.0.1:22", false],
    ["[::ffff:198.74.23.9]:22", true],
    ["[2001:db8::1]:22", false],
    ["example.com:22", false],
  ])("%s is reached directly: %s", (target, direct) => {
    const proxy = parseProxyUrl("socks://fred@socks.ssh.com:1080/203.123.0.0/16,198.74.23.0/24");
    expect(isReachedDirectly(proxy, parseHostPort(target))).toBe(direct);
    expect(isReachedDirectly(parseProxyUrl("socks://h"), parseHostPort(target))).toBe(false);
  });
});
