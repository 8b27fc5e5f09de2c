import { parseProxyUrl } from "@sockskit/url";
import { expect, test } from "vitest";

import { AuthPlan, type ProxyGssapi, type ProxyGssapiOptions } from "../../src/index.ts";

const started: ProxyGssapiOptions[] = [];
const gssapi: ProxyGssapi = {
  nec: false,
  start(options) {
    started.push(options);
    return {
      answer: () => Promise.resolve({ type: "gssapi", token: new Uint8Array(1), level: undefined }),
      protect: () => {
        throw new Error("nothing is protected here");
      },
      datagrams: () => {
        throw new Error("nothing is protected here");
      },
      dispose: () => undefined,
    };
  },
};
const withOptions = parseProxyUrl("socks5h://h?gssapi-service=socks&gssapi-protection=integrity&gssapi-nec=1");
const without = parseProxyUrl("socks5h://alice:s3cret@h");

const names = (plan: AuthPlan, proxy: typeof withOptions): readonly string[] =>
  plan.methodsFor(proxy).map(({ name }) => name);

test("a proxy whose URL has options of GSS-API is offered that alone, and others what they always are", () => {
  const plan = new AuthPlan({ gssapiForUrls: gssapi });
  expect(names(plan, withOptions)).toEqual(["gssapi"]);
  expect(names(plan, without)).toEqual(["none", "userpass"]);
});

test("methods that are named are offered as they are", () => {
  const plan = new AuthPlan({ methods: ["gssapi", "none"], gssapi });
  expect(names(plan, withOptions)).toEqual(["gssapi", "none"]);
  expect(names(plan, without)).toEqual(["gssapi", "none"]);
});

test.each([
  ["nothing that logs in", {}, "gssapiForUrls is missing"],
  ["methods without it", { methods: ["userpass"], gssapiForUrls: gssapi }, 'do not name "gssapi"'],
] as const)("with %s the options are an error, and not dropped", (_what, options, problem) => {
  const methods = (): unknown => new AuthPlan(options).methodsFor(withOptions);
  const message = expect.stringContaining(problem) as unknown;
  expect(methods).toThrow(expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", message }));
});

test("who logs in is told what the URL says", async () => {
  const plan = new AuthPlan({ gssapiForUrls: gssapi });
  const asking = { proxy: withOptions, reference: () => ({ index: 0, proxy: "socks5h://h" }) };
  await plan.answer({ type: "gssapi", step: "context", token: undefined }, asking, new AbortController().signal);
  expect(started).toEqual([{ host: "h", datagrams: false, service: "socks", protection: ["integrity"], nec: true }]);
});
