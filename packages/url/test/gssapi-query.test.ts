import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import {
  formatProxyUrl,
  parsePacResult,
  parseProxyChain,
  parseProxyUrl,
  proxyFromEnvironment,
  type ProxyUrlGssapi,
  redactProxyUrl,
  withProxyScheme,
} from "../src/index.ts";
import { refusal } from "./refusal.ts";

const target = parseHostPort("www.example.com:80");

describe("options of GSS-API", () => {
  test.each<[string, ProxyUrlGssapi]>([
    ["socks5h://h?gssapi-service=socks", { service: "socks" }],
    ["socks5h://h:1080/?gssapi-service=rcmd%40proxy.example", { service: "rcmd@proxy.example" }],
    ["socks5://h?gssapi-service=rcmd%2Fh%40EXAMPLE.COM", { service: "rcmd/h@EXAMPLE.COM" }],
    ["socks5://h?gssapi-service=rcmd/h", { service: "rcmd/h" }],
    ["socks://h?gssapi-principal=al+ice", { principal: "al+ice" }],
    ["socks5s://h?gssapi-protection=confidentiality", { protection: ["confidentiality"] }],
    ["socks5+tls://[::1]?gssapi-protection=integrity,none", { protection: ["integrity", "none"] }],
    ["SOCKS5://h?gssapi-nec=1", { nec: true }],
    [
      "socks5h://h?gssapi-nec=1&gssapi-service=a&gssapi-protection=integrity&gssapi-principal=b%26c%3D",
      { service: "a", principal: "b&c=", protection: ["integrity"], nec: true },
    ],
  ])("%s", (url, gssapi) => {
    const proxy = parseProxyUrl(url);
    expect(proxy.gssapi).toEqual(gssapi);
    expect(Object.isFrozen(proxy.gssapi)).toBe(true);
    expect(parseProxyUrl(formatProxyUrl(proxy))).toEqual(proxy);
  });

  test("are written in one form", () => {
    const written = "socks5h://h?gssapi-nec=1&gssapi-protection=none,integrity&gssapi-service=rcmd/a%40B";
    expect(formatProxyUrl(parseProxyUrl(written))).toBe(
      "socks5h://h:1080?gssapi-service=rcmd%2Fa%40B&gssapi-protection=none,integrity&gssapi-nec=1",
    );
  });

  test("stand behind networks to reach directly", () => {
    const proxy = parseProxyUrl("socks5h://h:1080/10.0.0.0/8?gssapi-nec=1");
    expect(proxy).toMatchObject({ gssapi: { nec: true }, direct: [{ prefixLength: 8 }] });
    expect(formatProxyUrl(proxy)).toBe("socks5h://h:1080/10.0.0.0/8?gssapi-nec=1");
  });

  test("belong to one proxy of a chain", () => {
    const chain = parseProxyChain("socks5://a?gssapi-service=socks socks5h://u:p@b http://c");
    expect(chain.map(({ gssapi }) => gssapi)).toEqual([{ service: "socks" }, undefined, undefined]);
  });

  test.each<[string, number, string]>([
    ["socks5://h?", 11, "gssapi-service"],
    ["socks5://h?service=rcmd", 11, "gssapi-service"],
    ["socks5://h?GSSAPI-NEC=1", 11, "gssapi-service"],
    ["socks5://h?gssapi-nec=1&", 24, "gssapi-service"],
    ["socks5://h?gssapi-nec=1&x=2", 24, "gssapi-service"],
    ["socks5://h?gssapi-nec=1;gssapi-nec=1", 22, "expected 1"],
    ["socks5://h?gssapi-nec=1&gssapi-nec=1", 24, "twice"],
    ["socks5://h?gssapi-nec", 11, "no value"],
    ["socks5://h?gssapi-nec=0", 22, "expected 1"],
    ["socks5://h?gssapi-nec=true", 22, "expected 1"],
    ["socks5://h?gssapi-service=", 11, "no value"],
    ["socks5://h?gssapi-service=a%00", 26, "octet 00"],
    ["socks5://h?gssapi-service=a%0Ab", 26, "control character"],
    ["socks5://h?gssapi-service=%zz", 26, "hexadecimal"],
    ["socks5://h?gssapi-service=%ff", 26, "UTF-8"],
    [`socks5://h?gssapi-service=${"a".repeat(256)}`, 26, "256 octets"],
    ["socks5://h?gssapi-service=rcmd@h", 10, "%40"],
    ["socks5://h?gssapi-protection=strong", 29, "confidentiality, integrity, none"],
    ["socks5://h?gssapi-protection=integrity,", 29, "confidentiality, integrity, none"],
    ["socks5://h?gssapi-protection=none,none", 29, "each once"],
    ["socks5://h?gssapi-nec=1#x", 23, "fragment"],
    ["socks5://u:p@h?gssapi-nec=1", 9, "no user name"],
    ["socks4://h?gssapi-nec=1", 10, "SOCKS 5"],
    ["socks4a://h?gssapi-nec=1", 11, "SOCKS 5"],
    ["auto://h?gssapi-nec=1", 8, "SOCKS 5"],
    ["http://h?gssapi-nec=1", 8, "SOCKS 5"],
    ["https://h?x", 9, "SOCKS 5"],
  ])("%s is refused", (url, position, problem) => {
    const error = refusal(() => parseProxyUrl(url));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_PROXY_URL", position });
    expect(error.message).toContain(problem);
  });

  test("are no place where a password could hide", () => {
    for (const url of [
      "socks5://u:pa?gssapi-service=ss@h",
      "socks5://u:1080?gssapi-service=s3cret@h",
      "socks5://h?s3cret",
    ]) {
      const error = refusal(() => parseProxyUrl(url));
      expect(error.message).not.toMatch(/s3cret|pa\?/u);
      expect(redactProxyUrl(url)).not.toMatch(/s3cret|pa\?/u);
    }
  });

  test("follow the version that options choose, and are never dropped", () => {
    const url = "socks://h?gssapi-nec=1";
    expect(refusal(() => parseProxyUrl(url, { bareSocksVersion: 4 })).message).toContain("SOCKS 5");
    expect(refusal(() => parseProxyUrl(url, { bareSocksVersion: "auto" })).message).toContain("SOCKS 5");
    expect(parseProxyUrl("socks5://h?gssapi-nec=1", { remoteDns: true })).toMatchObject({
      scheme: "socks5h",
      gssapi: {},
    });
    expect(withProxyScheme(parseProxyUrl(url), "socks5h")).toMatchObject({ scheme: "socks5h", gssapi: { nec: true } });
    expect(refusal(() => withProxyScheme(parseProxyUrl(url), "socks4a")).code).toBe("ERR_SOCKS_BAD_PROXY_URL");
  });
});

describe("where proxies come from", () => {
  const from = (environment: Record<string, string>) => proxyFromEnvironment({ environment, target });

  test.each([
    [{ all_proxy: "socks5h://h?gssapi-service=socks" }],
    [{ SOCKS_SERVER: "socks5://h?gssapi-service=socks" }],
    [{ SOCKS_SERVER: "h:1080?gssapi-service=socks" }],
    [{ SOCKS5_SERVER: "h?gssapi-service=socks", SOCKS5_PORT: "1081" }],
  ])("the environment: %j", (environment) => {
    expect(from(environment)).toMatchObject({ proxy: { gssapi: { service: "socks" } } });
  });

  test("a user name of the environment does not go with a ticket", () => {
    const environment = { SOCKS_SERVER: "h?gssapi-nec=1", SOCKS_USERNAME: "alice", SOCKS_PASSWORD: "s3cret" };
    const error = refusal(() => from(environment));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_ENVIRONMENT", variable: "SOCKS_USERNAME" });
    expect(error.message).not.toMatch(/alice|s3cret/u);
    expect(refusal(() => from({ SOCKS4_SERVER: "h?gssapi-nec=1" })).code).toBe("ERR_SOCKS_BAD_PROXY_URL");
  });

  test("a PAC script cannot give any", () => {
    const error = refusal(() => parsePacResult("SOCKS5 h:1080?gssapi-nec=1; DIRECT"));
    expect(error.code).toBe("ERR_SOCKS_BAD_PAC_RESULT");
  });
});
