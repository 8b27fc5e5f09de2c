import { checkNoSecrets } from "@sockskit/testing";
import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import {
  credentialsOf,
  formatProxyUrl,
  parseBypassList,
  parsePacResult,
  parseProxyChain,
  parseProxyUrl,
  proxyFromEnvironment,
  redactProxyUrl,
} from "../src/index.ts";
import { refusal } from "./refusal.ts";

const CANARY = "cAnArY-7f3a91";
const target = parseHostPort("example.com:80");

describe("a password never comes to light by itself", () => {
  test("in what was parsed", () => {
    const proxy = parseProxyUrl(`socks5h://alice:${CANARY}@h`);
    const environment = { SOCKS_SERVER: "h", SOCKS_USERNAME: "alice", SOCKS_PASSWORD: CANARY };
    expect(credentialsOf(proxy)?.password).toBe(CANARY);
    const values = [
      proxy,
      { ...proxy },
      structuredClone(proxy),
      parseProxyChain(`socks5://alice:${CANARY}@a socks5://b:${CANARY}@b`),
      proxyFromEnvironment({ environment, target }),
      proxyFromEnvironment({ environment: { all_proxy: `socks5://a:${CANARY}@h` }, target }),
      parseProxyUrl(`socks4://alice:${CANARY}@h`),
      formatProxyUrl(proxy),
    ];
    for (const value of values) checkNoSecrets(value, [CANARY]);
    checkNoSecrets(Object.values(proxy), [CANARY]);
  });

  test.each([
    `socks5://u:${CANARY}@h:0`,
    `socks5://u:${CANARY}@h:${CANARY}`,
    `socks5://u:${CANARY}@a@h`,
    `socks5://u:${CANARY}/x@h`,
    `socks5://u:x/${CANARY}@h`,
    `socks5://u:x?${CANARY}@h`,
    `socks5://u:x#${CANARY}@h`,
    `socks5://u:x ${CANARY}@h`,
    `socks5://u:${CANARY} x@h`,
    `socks5://u:%zz${CANARY}@h`,
    `socks5://u:%ff${CANARY}@h`,
    `socks5://u:%00${CANARY}@h`,
    `socks5://u:${CANARY}${"x".repeat(256)}@h`,
    `socks5://u:${CANARY}@`,
    `socks5://:${CANARY}@h`,
    `socks5://u:${CANARY}`,
    `socks5://u:1080:${CANARY}`,
    `socks5://u:${CANARY}@[::1`,
    `socks5://u:${CANARY}@a..b`,
    `socks5://h?password=${CANARY}`,
    `socks5://h/${CANARY}`,
    `socks6://u:${CANARY}@h`,
    `ftp://u:${CANARY}@h`,
    `http://u%3A:${CANARY}@h`,
    `socks5:u:${CANARY}@h`,
    `u:${CANARY}@h:1080`,
    `socks5://u:${"x".repeat(9000)}${CANARY}@h`,
  ])("in the error about %j", (text) => {
    const errors = [
      refusal(() => parseProxyUrl(text)),
      refusal(() => parseProxyChain(`socks5://a:${CANARY}@a ${text}`)),
      refusal(() => parsePacResult(`SOCKS5 ${text}`)),
      refusal(() => parseBypassList(`example.com ${text}`)),
      refusal(() => proxyFromEnvironment({ environment: { all_proxy: text }, target })),
    ];
    for (const error of errors) checkNoSecrets(error, [CANARY]);
    expect(redactProxyUrl(text)).not.toContain(CANARY);
  });

  test("in errors about variables", () => {
    const base = { SOCKS_SERVER: "h", SOCKS_PASSWORD: `${CANARY}${"x".repeat(300)}` };
    for (const environment of [base, { ...base, SOCKS_USERNAME: "u" }]) {
      checkNoSecrets(
        refusal(() => proxyFromEnvironment({ environment, target })),
        [CANARY],
      );
    }
  });
});
