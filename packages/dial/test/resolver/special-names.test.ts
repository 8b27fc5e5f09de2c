import { formatHost } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import { createResolver } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { manualLookup } from "../support/manual-lookup.ts";

const auto = { family: "auto" } as const;
const hosts = (found: readonly { host: string }[]) => found.map(({ host }) => host);

describe("what is known without asking", () => {
  test.each(["localhost", "localhost.", "LOCALHOST", "a.localhost", "x.y.localhost."])(
    "%s is loopback",
    async (name) => {
      const { lookup, asked } = manualLookup();
      const found = await createResolver({ lookup }).resolve(name, auto);
      expect(found.map(formatHost)).toEqual(["127.0.0.1", "[::1]"]);
      expect(asked).toEqual([]);
    },
  );

  test("localhost by family", async () => {
    const resolver = createResolver(manualLookup());
    expect(hosts(await resolver.resolve("localhost", { family: 4 }))).toEqual(["127.0.0.1"]);
    expect(hosts(await resolver.resolve("localhost", { family: 6 }))).toEqual(["::1"]);
  });

  test("a literal is itself, and only of its own family", async () => {
    const { lookup, asked } = manualLookup();
    const resolver = createResolver({ lookup });
    expect(hosts(await resolver.resolve("192.0.2.1", auto))).toEqual(["192.0.2.1"]);
    expect(hosts(await resolver.resolve("[2001:db8::1]", auto))).toEqual(["2001:db8::1"]);
    const error = await failureOf(resolver.resolve("192.0.2.1", { family: 6 }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve" });
    expect(asked).toEqual([]);
  });

  test.each(["", "*", ".", "a..b", "127.1", "0x7f.1", "2130706433", "1.2.3.04", "a b", "a\0b", "%", "x".repeat(64)])(
    "%j is no host name and is not asked for",
    async (name) => {
      const { lookup, asked } = manualLookup();
      const error = await failureOf(createResolver({ lookup }).resolve(name, auto));
      expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS", side: "local", stage: "resolve" });
      expect(asked).toEqual([]);
    },
  );

  test.each(["onion", "abc.onion", "abc.onion."])(
    "%s is not asked for: that would tell where Tor's user goes",
    async (name) => {
      const { lookup, asked } = manualLookup();
      const error = await failureOf(createResolver({ lookup }).resolve(name, auto));
      expect(error.code).toBe("ERR_SOCKS_RESOLVE_FAILED");
      expect(error.message).toContain("socks5h");
      expect(asked).toEqual([]);
    },
  );
});
