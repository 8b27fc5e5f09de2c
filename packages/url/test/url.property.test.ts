import * as fc from "fast-check";
import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import {
  PROXY_SCHEMES,
  ProxyUrlError,
  credentialsOf,
  formatProxyUrl,
  matchesBypassList,
  parseBypassList,
  parsePacResult,
  parseProxyChain,
  parseProxyUrl,
  proxyFromEnvironment,
  redactProxyUrl,
} from "../src/index.ts";

const target = parseHostPort("www.example.com:80");

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  parseProxyUrl,
  parseProxyChain,
  parsePacResult,
  parseBypassList: (text) => matchesBypassList(parseBypassList(text), target),
  proxyFromEnvironment: (text) => proxyFromEnvironment({ environment: { all_proxy: text, no_proxy: text }, target }),
  classicEnvironment: (text) =>
    proxyFromEnvironment({
      environment: { SOCKS_SERVER: text, SOCKS_VERSION: text, SOCKS_USERNAME: text, SOCKS_PASSWORD: text },
      target,
    }),
  redactProxyUrl,
};

/** Text that gets past the first checks more often than arbitrary characters do. */
const nearMiss = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "socks5://",
        "socks",
        "SOCKS5 ",
        "DIRECT",
        "http://",
        "u:p@",
        "h",
        "[::1]",
        ":1080",
        "%25",
        "%",
        "/",
        "?gssapi-service=",
        "&gssapi-nec=1",
      ),
      fc.constantFrom(
        "10.0.0.0/8",
        ",",
        ";",
        " ",
        "*",
        ".",
        "@",
        "?",
        "#",
        "\0",
        "\ud800",
        "\u00fc",
        "e\u0301",
        "4",
        "5",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

const credential = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) => !text.includes("\0"));
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
  fc.constant("[fe80::1%25eth0.1]"),
);
const network = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, length]) => `${ip}/${length}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, length]) => `[${ip}]/${length}`),
);
const proxyUrl = fc
  .record({
    meaning: fc.constantFrom(...PROXY_SCHEMES),
    username: fc.option(credential, { nil: undefined }),
    password: fc.option(credential, { nil: undefined }),
    host,
    port: fc.integer({ min: 1, max: 65_535 }),
    networks: fc.array(network, { maxLength: 3 }),
    service: fc.option(credential, { nil: undefined }),
  })
  .filter(({ meaning, username }) => meaning.protocol === "socks" || username?.includes(":") !== true)
  .map(({ meaning, username, password, host, port, networks, service }) => {
    const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
    const userinfo = username === undefined ? "" : `${encodeURIComponent(username)}${secret}@`;
    const path = meaning.tls || meaning.protocol === "http" || networks.length === 0 ? "" : `/${networks.join(",")}`;
    const hasQuery = meaning.version === 5 && username === undefined && service?.search(/\p{Cc}/u) === -1;
    const query = hasQuery ? `?gssapi-service=${encodeURIComponent(service)}` : "";
    const text = `${meaning.scheme}://${userinfo}${host}:${port}${path}${query}`;
    return { text, username, password, service: hasQuery ? service : undefined };
  });

describe("properties", () => {
  test.each(Object.keys(readers))("%s: arbitrary text raises nothing but ProxyUrlError", (name) => {
    const read = readers[name] as (text: string) => unknown;
    fc.assert(
      fc.property(fc.oneof(nearMiss, fc.string({ unit: "binary" })), (text) => {
        try {
          read(text);
        } catch (error) {
          if (!(error instanceof ProxyUrlError)) throw error;
          // One line, without anything that could forge another.
          expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          if (error.position !== undefined) expect(error.position).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("what is formatted reads back as the same proxy", () => {
    fc.assert(
      fc.property(proxyUrl, ({ text, username, password, service }) => {
        const proxy = parseProxyUrl(text);
        const again = parseProxyUrl(formatProxyUrl(proxy, { showSecrets: true }));
        // The warning is about a password that is gone after the first reading.
        const { warnings: _, ...expected } = proxy;
        expect(again).toEqual(expected);
        expect(credentialsOf(again)).toEqual(credentialsOf(proxy));
        expect(again.username).toBe(username);
        expect(again.gssapi?.service).toBe(service);
        if (username !== undefined && proxy.version === 5) expect(credentialsOf(again)?.password).toBe(password ?? "");
        expect(parseProxyChain(formatProxyUrl(proxy, { showSecrets: true }))).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });

  test("redaction leaves nothing of a password, wherever the text is cut", () => {
    const secret = fc.stringMatching(/^[A-Z]{12}$/);
    fc.assert(
      fc.property(secret, nearMiss, nearMiss, fc.boolean(), (password, before, after, scheme) => {
        const text = `${scheme ? "socks5://" : ""}${before}user:${password}${after}@host`;
        fc.pre(!/\s[a-z][a-z0-9+.-]*:\/\//i.test(text));
        expect(redactProxyUrl(text)).not.toContain(password);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("time grows with the length of the text, not with its square", () => {
  const parts = [
    "a",
    ":",
    "@",
    "%",
    "%25",
    "/",
    ".",
    "[",
    "]",
    " ",
    "\t",
    ",",
    ";",
    "*",
    "-",
    "+",
    "1",
    "a.",
    "a ",
    "::",
    "a://",
    " a:/",
    "\u0000",
  ];
  test.each(Object.keys(readers))("%s reads or refuses 100 kB at once", (name) => {
    const read = readers[name] as (text: string) => unknown;
    const start = performance.now();
    let calls = 0;
    for (const part of parts) {
      for (const prefix of ["", "socks5://", "SOCKS5 ", "socks5://u:p@h/"]) {
        calls += 1;
        try {
          read(prefix + part.repeat(Math.ceil(100_000 / part.length)));
        } catch (error) {
          if (!(error instanceof ProxyUrlError)) throw error;
        }
      }
    }
    // A quadratic step over 100,000 characters takes seconds each; these take about a millisecond.
    expect((performance.now() - start) / calls).toBeLessThan(100);
  });
});
