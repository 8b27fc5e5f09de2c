import { expect, test } from "vitest";

import * as url from "../src/index.ts";

test("the public surface", () => {
  expect(Object.keys(url).toSorted()).toEqual([
    "DEFAULT_PROXY_PORT",
    "MAX_BYPASS_LIST_LENGTH",
    "MAX_CREDENTIAL_LENGTH",
    "MAX_PAC_RESULT_LENGTH",
    "MAX_PROXY_CHAIN_HOPS",
    "MAX_PROXY_CHAIN_LENGTH",
    "MAX_PROXY_URL_LENGTH",
    "PROXY_SCHEMES",
    "ProxyUrlError",
    "credentialsOf",
    "formatProxyUrl",
    "isReachedDirectly",
    "matchesBypassList",
    "parseBypassList",
    "parsePacResult",
    "parseProxyChain",
    "parseProxyUrl",
    "proxyFromEnvironment",
    "redactProxyUrl",
    "withProxyScheme",
  ]);
});
