import { expect, test } from "vitest";
import { parseIpAddress } from "@sockskit/wire";
import { ServerError } from "../../src/index.ts";
import { upstreamPlans } from "../../src/upstream/upstream-plan.ts";

const LISTENERS = ["127.0.0.1", "0.0.0.0"].map((host, index) => {
  const address = parseIpAddress(host, 1080 + index);
  if (address === undefined) throw new TypeError("no address");
  return address;
});

function problemOf(upstreams: unknown): string {
  try {
    upstreamPlans(upstreams, LISTENERS);
  } catch (error) {
    if (error instanceof ServerError && error.code === "ERR_SOCKS_BAD_OPTION") return error.message;
    throw error;
  }
  return "none";
}

test.each<[unknown, string]>([
  [5, "upstreams: expected an object"],
  [[], "upstreams: expected an object"],
  [{ "a b": [["socks5h://a"]] }, "upstreams.a b: expected a name of 1 to 64"],
  [{ "": [["socks5h://a"]] }, "expected a name of"],
  [JSON.parse('{ "__proto__": [["socks5h://a"]] }'), "upstreams.__proto__: expected a name"],
  [{ a: "socks5h://a" }, "upstreams.a: expected a list of alternatives"],
  [{ a: [] }, "upstreams.a: expected a list of 1 to 16 alternatives"],
  [{ a: Array.from({ length: 17 }, () => ["socks5h://a"]) }, "upstreams.a: expected a list of 1 to 16 alternatives"],
  [{ a: ["socks5h://a"] }, "upstreams.a[0]: expected a chain"],
  [{ a: [[]] }, "upstreams.a[0]: expected a chain"],
  [{ a: [Array.from({ length: 17 }, () => "socks5h://a")] }, "upstreams.a[0]: expected a chain: a list of 1 to 16"],
  [{ a: [["socks5h://b", 5]] }, "upstreams.a[0][1]: expected the URL of a proxy"],
  [{ a: [[{}]] }, "upstreams.a[0][0]: expected the URL of a proxy"],
  [{ a: [["ftp://b"]] }, "upstreams.a[0][0]: "],
  [{ a: { alternatives: [["b:1080"]] } }, "upstreams.a.alternatives[0][0]: "],
  [{ a: { alternatives: [["socks5h://b"]], forwardCredentials: "yes" } }, "upstreams.a.forwardCredentials: expected"],
  [{ a: { alternative: [["socks5h://b"]] } }, "upstreams.a.alternative: there is no such option"],
  [{ a: [["auto://b"]] }, "upstreams.a[0][0]: expected a scheme that says the version"],
  [{ a: [["socks5://b/10.0.0.0/8"]] }, "upstreams.a[0][0]: networks to reach directly"],
  [{ a: [["socks5://b?gssapi-nec=1"]] }, "upstreams.a[0][0]: upstreams are not logged in to with GSS-API"],
  [{ a: [["socks5h://127.0.0.1:1080"]] }, "upstreams.a[0][0]: 127.0.0.1:1080 is a listener of this server"],
  [{ a: [["socks5h://b", "socks5h://127.0.0.1"]] }, "upstreams.a[0][1]: 127.0.0.1:1080 is a listener"],
  [{ a: [["socks5h://localhost:1081"]] }, "upstreams.a[0][0]: 0.0.0.0:1081 is a listener"],
  [{ a: [["socks5h://0.0.0.0:1081"]] }, "upstreams.a[0][0]: 0.0.0.0:1081 is a listener"],
  [{ a: [["socks5h://127.0.0.1:1082"]] }, "none"],
])("%j: %s", (upstreams, expected) => {
  expect(problemOf(upstreams)).toContain(expected);
});

test("names are looked up here as soon as one alternative cannot take them", () => {
  const plans = upstreamPlans(
    {
      remote: [["socks5://a", "socks5h://b"], ["socks4a://c"]],
      local: [["socks5h://a"], ["socks5h://b", "socks4://c"]],
    },
    [],
  );
  expect([...plans.values()].map(({ name, names }) => [name, names])).toEqual([
    ["remote", "remote"],
    ["local", "local"],
  ]);
});

test("alternatives are known by all that they say, and tell none of it", () => {
  const keyOf = (url: string): string | undefined => upstreamPlans({ a: [[url]] }, []).get("a")?.alternatives[0]?.key;
  expect(keyOf("socks5h://user:canary@a")).toBe(keyOf("socks5h://user:canary@a:1080"));
  expect(keyOf("socks5h://user:canary@a")).not.toBe(keyOf("socks5h://user:other@a"));
  const plans = upstreamPlans({ a: [["socks5h://user:canary@a"]] }, []);
  expect(JSON.stringify([...plans])).not.toContain("canary");
  expect(plans.get("a")?.alternatives[0]?.proxies).toEqual(["socks5h://user:***@a:1080"]);
  expect(problemOf({ a: [["socks5h://user:canary@@a"]] })).not.toContain("canary");
});
