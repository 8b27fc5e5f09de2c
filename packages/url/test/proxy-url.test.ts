import { inspect } from "node:util";

import { formatNetwork } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import {
  ProxyUrlError,
  type ProxyUrlOptions,
  credentialsOf,
  formatProxyUrl,
  parseProxyUrl,
  withProxyScheme,
} from "../src/index.ts";
import { refusal } from "./refusal.ts";
import vectors from "./proxy-url-vectors.json" with { type: "json" };

describe("proxy URLs that are read", () => {
  test.each(vectors.accepted)(
    "$url $options",
    ({ url, options, host, port, username, password, direct, tls, ...rest }) => {
      const proxy = parseProxyUrl(url, options as ProxyUrlOptions | undefined);
      expect(proxy).toMatchObject({ ...rest, tls: tls ?? false, address: { host, port } });
      expect(proxy.username).toBe(username);
      expect(credentialsOf(proxy)).toEqual(username === undefined ? undefined : { username, password });
      expect(proxy.direct?.map(formatNetwork)).toEqual(direct);
    },
  );

  test("a zone travels percent-encoded, and bare as some programs write it", () => {
    for (const url of ["socks5://[fe80::1%25eth0]:1080", "socks5://[fe80::1%eth0]:1080"]) {
      const { address } = parseProxyUrl(url);
      expect(address).toMatchObject({ type: "ipv6", host: "fe80::1", zone: "eth0" });
      expect(formatProxyUrl(parseProxyUrl(url))).toBe("socks5://[fe80::1%25eth0]:1080");
    }
  });

  test("an international host name becomes ASCII", () => {
    expect(parseProxyUrl("socks5://B\u00dccher.example").address.host).toBe("xn--bcher-kva.example");
  });

  test("only the first colon divides user and password", () => {
    expect(credentialsOf(parseProxyUrl("socks5://u:p:q@h"))).toEqual({ username: "u", password: "p:q" });
    expect(credentialsOf(parseProxyUrl("socks5://u%3Ap@h"))).toEqual({ username: "u:p", password: "" });
  });

  test("an empty password is told from none", () => {
    expect(parseProxyUrl("socks5://u:@h").hasPassword).toBe(true);
    expect(parseProxyUrl("socks5://u@h").hasPassword).toBe(false);
  });

  test("a password for SOCKS 4 is dropped, with a warning", () => {
    const proxy = parseProxyUrl("socks4a://fred:secret@h");
    expect(proxy).toMatchObject({ username: "fred", hasPassword: false });
    expect(proxy.warnings).toHaveLength(1);
    expect(formatProxyUrl(proxy, { showSecrets: true })).toBe("socks4a://fred@h:1080");
    expect(parseProxyUrl("socks4a://fred@h").warnings).toBeUndefined();
  });
});

describe("options", () => {
  test.each([
    ["socks5://h", { remoteDns: true }, "socks5h"],
    ["socks4://h", { remoteDns: true }, "socks4a"],
    ["socks4+tls://h", { remoteDns: true }, "socks4a+tls"],
    ["socks5+tls://h", { remoteDns: true }, "socks5h+tls"],
    ["socks5s://h", { remoteDns: true }, "socks5s"],
    ["socks5://h", { remoteDns: false }, "socks5"],
    ["socks://h", { bareSocksVersion: 4 }, "socks4"],
    ["socks+tls://h", { bareSocksVersion: 4 }, "socks4+tls"],
    ["socks://h", { bareSocksVersion: 4, remoteDns: true }, "socks4a"],
    ["socks5h://h", { bareSocksVersion: 4 }, "socks5h"],
    ["socks://h", { bareSocksVersion: "auto" }, "auto"],
    ["socks+tls://h", { bareSocksVersion: "auto" }, "auto+tls"],
    ["socks4://h", { bareSocksVersion: "auto" }, "socks4"],
    ["auto://h", { remoteDns: true }, "auto"],
  ] as const)("%s with %o is the same as %s", (url, options, scheme) => {
    const proxy = parseProxyUrl(url, options);
    expect(proxy).toEqual(parseProxyUrl(`${scheme}://h`));
    expect(formatProxyUrl(proxy)).toBe(`${scheme}://h:1080`);
  });
});

describe("the same proxy under another scheme", () => {
  test.each([
    ["auto://fred:s%40fe@h:1/10.0.0.0/8", "socks5h", "socks5h://fred:s%40fe@h:1/10.0.0.0/8"],
    ["auto://fred@h", "socks5h", "socks5h://fred@h:1080"],
    ["auto://fred:@h", "socks5h", "socks5h://fred:@h:1080"],
    ["auto+tls://h", "socks4a+tls", "socks4a+tls://h:1080"],
    // There is no place for a password: it goes nowhere.
    ["auto://fred:safe@h", "socks4a", "socks4a://fred@h:1080"],
  ] as const)("%s as %s", (url, scheme, expected) => {
    const proxy = withProxyScheme(parseProxyUrl(url), scheme);
    expect({ ...proxy, warnings: undefined }).toEqual(parseProxyUrl(expected));
    expect(formatProxyUrl(proxy, { showSecrets: true })).toBe(expected);
  });

  test("dropping a password is said", () => {
    expect(withProxyScheme(parseProxyUrl("auto://fred:safe@h"), "socks4").warnings).toHaveLength(1);
  });

  test("a copy without its password is refused", () => {
    const copy = { ...parseProxyUrl("auto://fred:safe@h") };
    expect(refusal(() => withProxyScheme(copy, "socks5h"))).toMatchObject({ code: "ERR_SOCKS_CREDENTIALS_LOST" });
  });
});

describe("proxy URLs that are refused", () => {
  test.each(vectors.rejected)("$url", ({ url, code, position }) => {
    expect(refusal(() => parseProxyUrl(url))).toMatchObject({ name: "ProxyUrlError", code, position, side: "local" });
  });

  test.each([
    ["", 0, "no scheme"],
    ["proxy.example:1080", 0, "no scheme"],
    ["proxy.example", 0, "no scheme"],
    ["//proxy.example", 0, "no scheme"],
    ["socks5:proxy.example", 0, "no scheme"],
    ["socks5:/proxy.example", 0, "no scheme"],
    [" socks5://h", 0, "white space"],
    ["socks5://h ", 10, "percent-encoded"],
    ["socks5://a b", 10, "percent-encoded"],
    ["socks5://a\nb@h", 10, "percent-encoded"],
    ["socks5://h:", 11, "1 to 65535"],
    ["socks5://h:01080", 11, "1 to 65535"],
    ["socks5://h:+1", 11, "1 to 65535"],
    ["socks5://h:1e3", 11, "1 to 65535"],
    ["socks5://:1080", 9, "no host"],
    ["socks5://u@", 11, "no host"],
    ["socks5://@h", 9, "no user name"],
    ["socks5://:p@h", 9, "no user name"],
    ["socks5://a@b@h", 10, "%40"],
    ["socks5://u:pa/ss@h", 13, "%2F"],
    ["socks5://u:pa?ss@h", 13, "%2F"],
    ["socks5://u:pa#ss@h", 13, "%2F"],
    ["socks5://u%4@h", 10, "hexadecimal"],
    ["socks5://u:%@h", 11, "hexadecimal"],
    ["socks5://u%ff@h", 9, "UTF-8"],
    ["socks5://u:p%00@h", 11, "octet 00"],
    ["socks5://\ud800@h", 9, "surrogate"],
    [`socks5://${"u".repeat(256)}@h`, 9, "256 octets"],
    [`socks5://u:${"%C3%A9".repeat(128)}@h`, 11, "256 octets"],
    ["socks5://2001:db8::1", 9, "brackets"],
    ["socks5://h:1:2", 9, "brackets"],
    ["socks5://[::1", 9, "brackets"],
    ["socks5://[::1]x", 9, "brackets"],
    ["socks5://[127.0.0.1]", 9, "brackets"],
    ["socks5://[h]", 9, "brackets"],
    ["socks5://[::1%25]", 9, "brackets"],
    ["socks5://[::1%25a b]", 17, "percent-encoded"],
    ["socks5://0x7f.1", 9, "neither"],
    ["socks5://127.1", 9, "neither"],
    ["socks5://010.0.0.1", 9, "neither"],
    ["socks5://2130706433", 9, "neither"],
    ["socks5://a..b", 9, "neither"],
    ["socks5://a%62c", 9, "neither"],
    ["socks5://h?x", 11, "query"],
    ["socks5://h#x", 10, "fragment"],
    ["http://u%3Av:p@h", 7, "RFC 7617"],
    ["https://h/10.0.0.0/8", 9, "nothing may follow"],
    ["http://h:3128/proxy.pac", 13, "nothing may follow"],
    ["socks5://h/path", 11, "networks"],
    ["socks5://localhost/run/socks.sock", 19, "networks"],
    [`socks5://${"h".repeat(9000)}`, undefined, "8192"],
  ])("%j", (url, position, problem) => {
    const error = refusal(() => parseProxyUrl(url));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_PROXY_URL", position });
    expect(error.message).toContain(problem);
  });

  test.each([
    "http+tls://h",
    "socks5http://h",
    "ftp://h",
    "socks5t://h",
    "socks5+ssl://h",
    "__proto__://h",
    "constructor://h",
  ])("%s has a scheme that is not ours", (url) => {
    const error = refusal(() => parseProxyUrl(url));
    expect(error.code).toBe(url.startsWith("_") ? "ERR_SOCKS_BAD_PROXY_URL" : "ERR_SOCKS_UNKNOWN_SCHEME");
  });

  test("a mistake in the host keeps the reason as its cause", () => {
    expect(refusal(() => parseProxyUrl("socks5://a..b")).cause).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS" });
  });
});

describe("formatting", () => {
  test("hides the password unless asked", () => {
    const proxy = parseProxyUrl("socks5h://us%40er:p%3As%2Fs@[2001:DB8::1]");
    expect(formatProxyUrl(proxy)).toBe("socks5h://us%40er:***@[2001:db8::1]:1080");
    expect(formatProxyUrl(proxy, { showSecrets: true })).toBe("socks5h://us%40er:p%3As%2Fs@[2001:db8::1]:1080");
  });

  test("writes the networks of the Tectia form", () => {
    const proxy = parseProxyUrl("socks://s.example/10.1.2.3/255.0.0.0,[2001:db8::1]/32,0.0.0.0/0");
    expect(formatProxyUrl(proxy)).toBe("socks://s.example:1080/10.0.0.0/8,[2001:db8::]/32,0.0.0.0/0");
  });
});

describe("credentials", () => {
  test("do not travel with a copy, and the loss is an error", () => {
    const proxy = parseProxyUrl("socks5://alice:opensesame@h");
    for (const copy of [{ ...proxy }, structuredClone(proxy)]) {
      const error = refusal(() => credentialsOf(copy));
      expect(error.code).toBe("ERR_SOCKS_CREDENTIALS_LOST");
      expect(error.message).toContain("socks5://alice:***@h:1080");
      expect(refusal(() => formatProxyUrl(copy, { showSecrets: true })).code).toBe("ERR_SOCKS_CREDENTIALS_LOST");
    }
  });

  test("of a copy without password are in its fields", () => {
    expect(credentialsOf({ ...parseProxyUrl("socks5://alice@h") })).toEqual({ username: "alice", password: "" });
  });

  test("cannot be changed on the way", () => {
    expect(Object.isFrozen(parseProxyUrl("socks5://alice:opensesame@h"))).toBe(true);
  });
});

test("ProxyUrlError shows itself as an error with its code", () => {
  const error = new ProxyUrlError("ERR_SOCKS_BAD_PROXY_URL", "is wrong", {
    input: "x",
    position: 2,
    variable: "all_proxy",
  });
  expect(error.message).toBe('all_proxy: "x": is wrong (at character 3)');
  expect(inspect(error)).toContain("ERR_SOCKS_BAD_PROXY_URL");
});
