import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import { type EnvironmentQuery, credentialsOf, formatProxyUrl, proxyFromEnvironment } from "../src/index.ts";
import { refusal } from "./refusal.ts";

type Environment = EnvironmentQuery["environment"];

function choose(environment: Environment, target = "example.com:80", scheme?: string): string | undefined {
  const choice = proxyFromEnvironment({ environment, target: parseHostPort(target), scheme });
  if (choice === undefined) return undefined;
  if (choice.direct) return `direct: ${choice.reason}`;
  return `${choice.variable}: ${formatProxyUrl(choice.proxy, { showSecrets: true })}`;
}

describe("which variable counts", () => {
  const all: Environment = {
    http_proxy: "socks5://http-lower",
    HTTP_PROXY: "socks5://http-upper",
    https_proxy: "socks5://https-lower",
    all_proxy: "socks5://all-lower",
    ALL_PROXY: "socks5://all-upper",
    SOCKS_SERVER: "server",
    SOCKS5_SERVER: "server5",
    SOCKS4_SERVER: "server4",
  };
  const without = (...names: string[]): Environment =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));

  test.each([
    [all, "http", "http_proxy: socks5://http-lower:1080"],
    [all, "HTTP", "http_proxy: socks5://http-lower:1080"],
    [all, "https", "https_proxy: socks5://https-lower:1080"],
    [all, "ssh", "all_proxy: socks5://all-lower:1080"],
    [all, undefined, "all_proxy: socks5://all-lower:1080"],
    [without("http_proxy"), "http", "HTTP_PROXY: socks5://http-upper:1080"],
    [without("http_proxy", "HTTP_PROXY"), "http", "all_proxy: socks5://all-lower:1080"],
    [without("all_proxy"), undefined, "ALL_PROXY: socks5://all-upper:1080"],
    [without("all_proxy", "ALL_PROXY"), undefined, "SOCKS_SERVER: socks5h://server:1080"],
    [{ SOCKS5_SERVER: "server5", SOCKS4_SERVER: "server4" }, undefined, "SOCKS5_SERVER: socks5h://server5:1080"],
    [{ SOCKS4_SERVER: "server4" }, undefined, "SOCKS4_SERVER: socks4://server4:1080"],
    [{}, "http", undefined],
    [{ no_proxy: "!!" }, "http", undefined],
    [{ https_proxy: "socks5://h" }, "http", undefined],
    [{ all_proxy: "", ALL_PROXY: " ", SOCKS_SERVER: undefined }, undefined, undefined],
    [{ all_proxy: "", ALL_PROXY: "socks5://all-upper" }, undefined, "ALL_PROXY: socks5://all-upper:1080"],
    [{ all_proxy: " socks5://h\n" }, undefined, "all_proxy: socks5://h:1080"],
  ])("%o for %s", (environment, scheme, choice) => {
    expect(choose(environment, "example.com:80", scheme)).toBe(choice);
  });

  test("HTTP_PROXY is ignored in a CGI program, under either name of Windows", () => {
    const cgi = { REQUEST_METHOD: "GET", HTTP_PROXY: "socks5://attacker" };
    expect(choose(cgi, "example.com:80", "http")).toBeUndefined();
    expect(choose({ ...cgi, all_proxy: "socks5://own" }, "example.com:80", "http")).toBe(
      "all_proxy: socks5://own:1080",
    );
    expect(choose({ ...cgi, http_proxy: "socks5://own" }, "example.com:80", "http")).toBe(
      "http_proxy: socks5://own:1080",
    );
    // A look-up that ignores case, as the environment has on Windows.
    const windows = new Proxy(cgi, {
      get: (target, name) => Reflect.get(target, String(name).toUpperCase()) as unknown,
      has: (target, name) => String(name).toUpperCase() in target,
    });
    expect(choose(windows, "example.com:80", "http")).toBeUndefined();
  });

  test("HTTPS_PROXY is not affected by CGI", () => {
    const environment = { REQUEST_METHOD: "GET", HTTPS_PROXY: "socks5://h" };
    expect(choose(environment, "example.com:80", "https")).toBe("HTTPS_PROXY: socks5://h:1080");
  });

  test("inherited properties are no variables", () => {
    expect(choose(Object.create({ all_proxy: "socks5://attacker" }) as Environment)).toBeUndefined();
  });

  test("the options reach the URL", () => {
    const query = { environment: { all_proxy: "socks://h" }, target: parseHostPort("example.com:80") };
    expect(proxyFromEnvironment({ ...query, bareSocksVersion: 4 })).toMatchObject({ proxy: { scheme: "socks4" } });
    const server = { ...query, environment: { SOCKS4_SERVER: "h" } };
    expect(proxyFromEnvironment({ ...server, remoteDns: true })).toMatchObject({ proxy: { scheme: "socks4a" } });
  });
});

describe("the classic variables", () => {
  test.each([
    [{ SOCKS_SERVER: "h:9050" }, "SOCKS_SERVER: socks5h://h:9050"],
    [{ SOCKS_SERVER: "[2001:db8::1]:9050" }, "SOCKS_SERVER: socks5h://[2001:db8::1]:9050"],
    [{ SOCKS_SERVER: "h", SOCKS_VERSION: "4" }, "SOCKS_SERVER: socks4://h:1080"],
    [{ SOCKS_SERVER: "h", SOCKS_VERSION: "5" }, "SOCKS_SERVER: socks5h://h:1080"],
    [{ SOCKS_SERVER: "h", SOCKS_VERSION: "auto" }, "SOCKS_SERVER: auto://h:1080"],
    [{ SOCKS_SERVER: "socks://h", SOCKS_VERSION: "auto" }, "SOCKS_SERVER: auto://h:1080"],
    [{ SOCKS_SERVER: "socks5://h" }, "SOCKS_SERVER: socks5://h:1080"],
    [{ SOCKS_SERVER: "socks5://h", SOCKS_VERSION: "4" }, "SOCKS_SERVER: socks5://h:1080"],
    [{ SOCKS_SERVER: "socks://h", SOCKS_VERSION: "4" }, "SOCKS_SERVER: socks4://h:1080"],
    [{ SOCKS5_SERVER: "h", SOCKS_VERSION: "4" }, "SOCKS5_SERVER: socks5h://h:1080"],
    [{ SOCKS5_SERVER: "h", SOCKS5_PORT: "1081" }, "SOCKS5_SERVER: socks5h://h:1081"],
    [{ SOCKS5_SERVER: "h:1082", SOCKS5_PORT: "1081" }, "SOCKS5_SERVER: socks5h://h:1082"],
    [{ SOCKS_SERVER: "h", SOCKS5_PORT: "1081" }, "SOCKS_SERVER: socks5h://h:1080"],
    [
      { SOCKS_SERVER: "h", SOCKS_USERNAME: "a b", SOCKS_PASSWORD: " p@" },
      "SOCKS_SERVER: socks5h://a%20b:%20p%40@h:1080",
    ],
    [{ SOCKS_SERVER: "h", SOCKS_USERNAME: "a" }, "SOCKS_SERVER: socks5h://a@h:1080"],
    [{ SOCKS_SERVER: "c:d@h", SOCKS_USERNAME: "a", SOCKS_PASSWORD: "b" }, "SOCKS_SERVER: socks5h://c:d@h:1080"],
    [{ SOCKS4_SERVER: "h", SOCKS_USERNAME: "a", SOCKS_PASSWORD: "b" }, "SOCKS4_SERVER: socks4://a@h:1080"],
    [{ all_proxy: "socks5://h", SOCKS_USERNAME: "a", SOCKS_PASSWORD: "b" }, "all_proxy: socks5://h:1080"],
  ])("%o", (environment, choice) => {
    expect(choose(environment)).toBe(choice);
  });

  test("SOCKS_PASSWORD is a password like any other", () => {
    const environment = { SOCKS_SERVER: "h", SOCKS_USERNAME: "alice", SOCKS_PASSWORD: "hunter2" };
    const choice = proxyFromEnvironment({ environment, target: parseHostPort("example.com:80") });
    if (choice === undefined || choice.direct) throw new Error("no proxy");
    expect(credentialsOf(choice.proxy)).toEqual({ username: "alice", password: "hunter2" });
    expect(JSON.stringify(choice)).not.toContain("hunter2");
  });
});

describe("no_proxy", () => {
  const proxy = { all_proxy: "socks5://h" };

  test.each([
    [{ no_proxy: "other.example, example.com" }, 'direct: no_proxy lists "example.com"'],
    [{ NO_PROXY: "*" }, 'direct: NO_PROXY lists "*"'],
    [{ no_proxy: "other.example", NO_PROXY: "*" }, "all_proxy: socks5://h:1080"],
    [{ no_proxy: "", NO_PROXY: "*" }, 'direct: NO_PROXY lists "*"'],
    [{ no_proxy: "example.com:443" }, "all_proxy: socks5://h:1080"],
  ])("%o", (environment, choice) => {
    expect(choose({ ...proxy, ...environment }, "www.example.com:80")).toBe(choice);
  });

  test.each([
    { all_proxy: "ftp://h:3128" },
    { all_proxy: "bogus" },
    { SOCKS_SERVER: "h:x" },
    { SOCKS_SERVER: "h", SOCKS_PASSWORD: "x" },
  ])("%o is not used for what is listed, and so not read", (environment) => {
    expect(choose({ ...environment, no_proxy: "example.com" })).toBe('direct: no_proxy lists "example.com"');
  });

  test("holds for the classic variables too", () => {
    expect(choose({ SOCKS_SERVER: "h", no_proxy: "10.0.0.0/8" }, "10.1.2.3:80")).toBe(
      'direct: no_proxy lists "10.0.0.0/8"',
    );
  });
});

test("an HTTP proxy is one like the others", () => {
  const environment = { https_proxy: "http://proxy.example:3128", all_proxy: "https://gate.example" };
  expect(choose(environment, "example.com:443", "https")).toBe("https_proxy: http://proxy.example:3128");
  expect(choose(environment, "example.com:22")).toBe("all_proxy: https://gate.example:443");
});

describe("a variable that is set and cannot be used is an error that names it", () => {
  test.each([
    [{ all_proxy: "proxy.example:1080" }, "all_proxy", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ all_proxy: "ftp://proxy.example:3128" }, "all_proxy", "ERR_SOCKS_UNKNOWN_SCHEME"],
    [{ ALL_PROXY: "socks5://h:0" }, "ALL_PROXY", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ all_proxy: "socks5://a socks5://b" }, "all_proxy", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ all_proxy: "bogus", ALL_PROXY: "socks5://h" }, "all_proxy", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ all_proxy: "bogus", no_proxy: "other.example" }, "all_proxy", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ all_proxy: "bogus", no_proxy: "10.*" }, "no_proxy", "ERR_SOCKS_BAD_BYPASS_LIST"],
    [{ all_proxy: "socks5://h", no_proxy: "10.*" }, "no_proxy", "ERR_SOCKS_BAD_BYPASS_LIST"],
    [{ all_proxy: "socks5://h", NO_PROXY: "10.*" }, "NO_PROXY", "ERR_SOCKS_BAD_BYPASS_LIST"],
    [{ SOCKS_SERVER: "h:x" }, "SOCKS_SERVER", "ERR_SOCKS_BAD_PROXY_URL"],
    [{ SOCKS_SERVER: "http://h" }, "SOCKS_SERVER", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS5_SERVER: "https://h" }, "SOCKS5_SERVER", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS_SERVER: "h", SOCKS_VERSION: "4a" }, "SOCKS_VERSION", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS5_SERVER: "h", SOCKS5_PORT: "0" }, "SOCKS5_PORT", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS5_SERVER: "socks4://h" }, "SOCKS5_SERVER", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS4_SERVER: "socks5://h" }, "SOCKS4_SERVER", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS_SERVER: "h".repeat(9000) }, "SOCKS_SERVER", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS_SERVER: "h", SOCKS_PASSWORD: "hunter2" }, "SOCKS_PASSWORD", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [{ SOCKS_SERVER: "h", SOCKS_USERNAME: "u".repeat(256) }, "SOCKS_USERNAME", "ERR_SOCKS_BAD_ENVIRONMENT"],
    [
      { SOCKS_SERVER: "h", SOCKS_USERNAME: "u", SOCKS_PASSWORD: "hunter2\0" },
      "SOCKS_PASSWORD",
      "ERR_SOCKS_BAD_ENVIRONMENT",
    ],
  ])("%o", (environment, variable, code) => {
    const error = refusal(() => choose(environment));
    expect(error).toMatchObject({ variable, code });
    expect(error.message.startsWith(`${variable}: "`)).toBe(true);
    expect(error.message).not.toContain("hunter2");
  });
});
