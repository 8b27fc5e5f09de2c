import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { PROXY_SCHEMES, ProxyUrlError, parseProxyUrl } from "../src/index.ts";

const page = readFileSync(new URL("../../../docs/proxy-urls.md", import.meta.url), "utf8");

describe("docs/proxy-urls.md", () => {
  test("has the table of schemes that the code has", () => {
    const rows = [...page.matchAll(/^\| `([a-z0-9+]+):\/\/` +\| (\S+) +\| (\S+) .*?\| (\S+) +\|$/gm)];
    const documented = rows.map(([, scheme, version, resolver, tls]) => ({
      scheme,
      ...(version === "HTTP"
        ? { protocol: "http" }
        : { protocol: "socks", version: version === "auto" ? "auto" : Number(version) }),
      resolve: resolver === "proxy" ? "remote" : "local",
      tls: tls === "yes",
    }));
    expect(documented).toEqual(PROXY_SCHEMES);
  });

  test("lists every error code", () => {
    const listed = [...page.matchAll(/^\| `(ERR_SOCKS_\w+)`/gm)].map(([, code]) => code);
    expect(listed).toEqual([
      "ERR_SOCKS_BAD_PROXY_URL",
      "ERR_SOCKS_UNKNOWN_SCHEME",
      "ERR_SOCKS_BAD_PAC_RESULT",
      "ERR_SOCKS_BAD_BYPASS_LIST",
      "ERR_SOCKS_BAD_ENVIRONMENT",
      "ERR_SOCKS_CREDENTIALS_LOST",
    ]);
  });

  test("shows the messages that are printed", () => {
    const examples = [...page.matchAll(/^parseProxyUrl\((".*")\)\n {2}(.*)$/gm)];
    expect(examples.length).toBeGreaterThan(2);
    for (const [, text = "", message] of examples) {
      let shown = "";
      try {
        parseProxyUrl(JSON.parse(text) as string);
      } catch (error) {
        if (error instanceof ProxyUrlError) shown = `${error.code} ${error.message}`;
      }
      expect(shown).toBe(message);
    }
  });
});
