import { afterEach, describe, expect, test, vi } from "vitest";

import { createResolver } from "../../src/index.ts";
import { LookupPool } from "../../src/resolver/lookup-pool.ts";
import { failureOf } from "../support/failure.ts";
import { manualLookup } from "../support/manual-lookup.ts";

afterEach(() => {
  vi.useRealTimers();
});

const auto = { family: "auto" } as const;
const hosts = (found: readonly { host: string }[]) => found.map(({ host }) => host);

describe("when the system is busy", () => {
  test("asks the name servers itself, and a slow domain holds nobody up", async () => {
    vi.useFakeTimers();
    const { lookup, asked } = manualLookup();
    const queries: string[] = [];
    const resolver = new LookupPool({ lookup, concurrency: 2 }, (name, family) => {
      queries.push(`${name} ${family}`);
      return createResolver().resolve("192.0.2.9", { family });
    });
    for (const name of ["slow1.example", "slow2.example"]) resolver.resolve(name, auto).catch(() => undefined);
    const quick = resolver.resolve("quick.example", auto);
    await vi.advanceTimersByTimeAsync(249);
    expect(queries).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(hosts(await quick)).toEqual(["192.0.2.9"]);
    expect(queries).toEqual(["quick.example auto"]);
    expect(asked).toEqual(["slow1.example", "slow2.example"]);
    resolver.close();
  });

  test("nothing found there proves nothing: the system's answer is awaited", async () => {
    vi.useFakeTimers();
    const { lookup, answer } = manualLookup();
    const resolver = new LookupPool({ lookup, concurrency: 1 }, () => Promise.resolve([]));
    const slow = resolver.resolve("slow.example", auto);
    const local = resolver.resolve("host.intranet", auto);
    await vi.advanceTimersByTimeAsync(1000);
    answer("slow.example", "192.0.2.1");
    await slow;
    await vi.advanceTimersByTimeAsync(0);
    answer("host.intranet", "10.0.0.1");
    expect(hosts(await local)).toEqual(["10.0.0.1"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("the system's late answer does no harm", async () => {
    vi.useFakeTimers();
    const { lookup, asked, answer } = manualLookup();
    const resolver = new LookupPool({ lookup, concurrency: 1 }, () =>
      createResolver().resolve("192.0.2.9", { family: "auto" }),
    );
    resolver.resolve("slow.example", auto).catch(() => undefined);
    const quick = resolver.resolve("quick.example", auto);
    await vi.advanceTimersByTimeAsync(250);
    await quick;
    answer("slow.example", "192.0.2.1");
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(["slow.example"]);
  });

  test("does not ask when told to wait", async () => {
    vi.useFakeTimers();
    const { lookup } = manualLookup();
    let queryCount = 0;
    const resolver = new LookupPool({ lookup, concurrency: 1, whenBusy: "wait" }, () => {
      queryCount += 1;
      return Promise.resolve([]);
    });
    const all = ["a.example", "b.example"].map((name) => failureOf(resolver.resolve(name, auto)));
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all(all);
    expect(queryCount).toBe(0);
  });
});
