import { afterEach, describe, expect, test, vi } from "vitest";

import { createResolver } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { manualLookup } from "../support/manual-lookup.ts";

afterEach(() => {
  vi.useRealTimers();
});

const auto = { family: "auto" } as const;
const hosts = (found: readonly { host: string }[]) => found.map(({ host }) => host);

describe("asking", () => {
  test("gives addresses with port 0, in the order of the system", async () => {
    const { lookup, answer } = manualLookup();
    const found = createResolver({ lookup }).resolve("Example.COM.", auto);
    await Promise.resolve();
    answer("example.com", "2001:db8::1", "192.0.2.1", "fe80::1%lo");
    expect(await found).toMatchObject([
      { type: "ipv6", host: "2001:db8::1", port: 0 },
      { type: "ipv4", host: "192.0.2.1", port: 0 },
      { type: "ipv6", host: "fe80::1", zone: "lo" },
    ]);
  });

  test("passes family and order on", async () => {
    const options: unknown[] = [];
    const resolver = createResolver({
      order: "ipv4first",
      lookup: (_name, given, callback) => {
        options.push(given);
        callback(null, [{ address: "192.0.2.1", family: 4 }]);
      },
    });
    await resolver.resolve("a.example", auto);
    await resolver.resolve("a.example", { family: 4 });
    await resolver.resolve("a.example", { family: 6 });
    expect(options).toEqual([
      { all: true, family: 0, order: "ipv4first" },
      { all: true, family: 4, order: "ipv4first" },
      { all: true, family: 6, order: "ipv4first" },
    ]);
  });

  test.each([
    ["ENOTFOUND", "no address is known"],
    ["EAI_AGAIN", "name servers did not answer"],
    ["EAI_FAIL", "EAI_FAIL"],
  ])("%s fails with its cause and a reason", async (code, reason) => {
    const { lookup, fail } = manualLookup();
    const pending = failureOf(createResolver({ lookup }).resolve("a.example", auto));
    fail("a.example", code);
    const error = await pending;
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve", cause: { code } });
    expect(error.message).toContain(reason);
    expect(error.message).toContain('"a.example"');
  });

  test("an answer without addresses is a failure", async () => {
    const { lookup, answer } = manualLookup();
    const pending = failureOf(createResolver({ lookup }).resolve("a.example", auto));
    answer("a.example");
    expect((await pending).code).toBe("ERR_SOCKS_RESOLVE_FAILED");
  });

  test("a name with more addresses than anybody needs is cut", async () => {
    const { lookup, answer } = manualLookup();
    const found = createResolver({ lookup }).resolve("a.example", auto);
    answer("a.example", ...Array.from({ length: 200 }, (_, n) => `192.0.2.${n}`));
    expect((await found).length).toBe(64);
  });

  test("the system's own look-up answers", async () => {
    // Every system maps its loopback address to something; only the form is checked.
    const error = await failureOf(createResolver().resolve("no-such-name.invalid", auto));
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", cause: { syscall: "getaddrinfo" } });
  });
});

describe("sharing", () => {
  test("callers for the same name share one look-up, spelled as they like", async () => {
    const { lookup, asked, answer } = manualLookup();
    const resolver = createResolver({ lookup });
    const all = ["a.example", "A.EXAMPLE", "a.example."].map((name) => resolver.resolve(name, auto));
    answer("a.example", "192.0.2.1");
    for (const found of await Promise.all(all)) expect(hosts(found)).toEqual(["192.0.2.1"]);
    expect(asked).toEqual(["a.example"]);
  });

  test("another family is another question", async () => {
    const { lookup, asked } = manualLookup();
    const resolver = createResolver({ lookup, concurrency: 3 });
    for (const family of ["auto", 4, 6] as const) void resolver.resolve("a.example", { family });
    await Promise.resolve();
    expect(asked).toEqual(["a.example", "a.example", "a.example"]);
  });

  test("one that gives up does not disturb the others", async () => {
    const { lookup, answer } = manualLookup();
    const resolver = createResolver({ lookup });
    const controller = new AbortController();
    const first = failureOf(resolver.resolve("a.example", { ...auto, signal: controller.signal }));
    const second = resolver.resolve("a.example", auto);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await first).toMatchObject({ code: "ERR_SOCKS_ABORTED", stage: "resolve", cause: reason });
    answer("a.example", "192.0.2.1");
    expect(hosts(await second)).toEqual(["192.0.2.1"]);
  });

  test("the next caller joins a look-up that everybody gave up on, for it still holds its thread", async () => {
    vi.useFakeTimers();
    const { lookup, asked, answer } = manualLookup();
    const resolver = createResolver({ lookup, timeoutMs: 1000, concurrency: 1 });
    const late = failureOf(resolver.resolve("slow.example", auto));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await late).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "resolve" });
    const again = resolver.resolve("slow.example", auto);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(["slow.example"]);
    answer("slow.example", "192.0.2.7");
    expect(hosts(await again)).toEqual(["192.0.2.7"]);
  });
});

describe("bounds", () => {
  test("runs as many look-ups at once as it may, the others in their order", async () => {
    const { lookup, asked, answer, fail } = manualLookup();
    const resolver = createResolver({ lookup, concurrency: 2, whenBusy: "wait" });
    const names = ["a", "b", "c", "d"].map((label) => `${label}.example`);
    const all = names.map((name) => resolver.resolve(name, auto).catch(() => []));
    expect(asked).toEqual(["a.example", "b.example"]);
    fail("b.example", "ENOTFOUND");
    await vi.waitFor(() => expect(asked).toEqual(["a.example", "b.example", "c.example"]));
    answer("a.example", "192.0.2.1");
    await vi.waitFor(() => expect(asked.at(-1)).toBe("d.example"));
    answer("c.example", "192.0.2.3");
    answer("d.example", "192.0.2.4");
    await Promise.all(all);
  });

  test("never takes more of libuv's threads than libuv gives to look-ups", async () => {
    const { lookup, asked } = manualLookup();
    const resolver = createResolver({ lookup, whenBusy: "wait" });
    for (let n = 0; n < 20; n++) resolver.resolve(`n${n}.example`, auto).catch(() => undefined);
    await new Promise(setImmediate);
    const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);
    expect(asked.length).toBe(Math.ceil(threads / 2));
    resolver.close?.();
  });

  test("refuses callers beyond the limit", async () => {
    const { lookup, answer } = manualLookup();
    const resolver = createResolver({ lookup, queueLimit: 2 });
    const first = resolver.resolve("a.example", auto);
    const second = resolver.resolve("a.example", auto);
    const error = await failureOf(resolver.resolve("b.example", auto));
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED" });
    expect(error.message).toContain("2 callers");
    answer("a.example", "192.0.2.1");
    await Promise.all([first, second]);
    const third = resolver.resolve("b.example", auto);
    answer("b.example", "192.0.2.2");
    await third;
  });

  test("a caller's time includes the queue, and a look-up that nobody waits for any more is not begun", async () => {
    vi.useFakeTimers();
    const { lookup, asked, answer } = manualLookup();
    const resolver = createResolver({ lookup, concurrency: 1, timeoutMs: 1000, whenBusy: "wait" });
    const slow = failureOf(resolver.resolve("slow.example", auto));
    const queued = failureOf(resolver.resolve("queued.example", auto));
    await vi.advanceTimersByTimeAsync(1000);
    expect((await slow).code).toBe("ERR_SOCKS_TIMEOUT");
    expect((await queued).code).toBe("ERR_SOCKS_TIMEOUT");
    answer("slow.example", "192.0.2.1");
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(["slow.example"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(["concurrency", "queueLimit", "timeoutMs", "cacheTtlMs"])("%s must be a whole number", (name) => {
    for (const value of [-1, 1.5, Number.NaN]) {
      expect(() => createResolver({ [name]: value })).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", message: expect.stringContaining(name) as string }),
      );
    }
  });
});

describe("signals", () => {
  test("a signal that was given up before nothing is asked", async () => {
    const { lookup, asked } = manualLookup();
    const error = await failureOf(
      createResolver({ lookup }).resolve("a.example", { ...auto, signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe("ERR_SOCKS_ABORTED");
    expect(asked).toEqual([]);
  });

  test("no listener stays on the signal", async () => {
    const { lookup, answer } = manualLookup();
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const found = createResolver({ lookup }).resolve("a.example", { ...auto, signal: controller.signal });
    answer("a.example", "192.0.2.1");
    await found;
    expect(remove).toHaveBeenCalledOnce();
  });
});

describe("remembering", () => {
  test("asks every time unless told otherwise", async () => {
    const { lookup, asked, answer } = manualLookup();
    const resolver = createResolver({ lookup });
    for (let n = 0; n < 2; n++) {
      const found = resolver.resolve("a.example", auto);
      answer("a.example", "192.0.2.1");
      await found;
    }
    expect(asked.length).toBe(2);
  });

  test("answers from memory for as long as it may, failures never", async () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    const { lookup, asked, answer, fail } = manualLookup();
    const resolver = createResolver({ lookup, cacheTtlMs: 5000 });
    const failing = failureOf(resolver.resolve("a.example", auto));
    fail("a.example", "EAI_AGAIN");
    await failing;
    const found = resolver.resolve("a.example", auto);
    answer("a.example", "192.0.2.1");
    await found;
    expect(asked.length).toBe(2);
    await vi.advanceTimersByTimeAsync(4999);
    expect(hosts(await resolver.resolve("a.example", auto))).toEqual(["192.0.2.1"]);
    expect(asked.length).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    void resolver.resolve("a.example", auto);
    await Promise.resolve();
    expect(asked.length).toBe(3);
  });

  test("remembers a bounded number of names", async () => {
    const asked: string[] = [];
    const resolver = createResolver({
      cacheTtlMs: 60_000,
      lookup: (name, _options, callback) => {
        asked.push(name);
        callback(null, [{ address: "192.0.2.1", family: 4 }]);
      },
    });
    for (let n = 0; n <= 1000; n++) await resolver.resolve(`n${n}.example`, auto);
    await resolver.resolve("n1000.example", auto);
    await resolver.resolve("n1.example", auto);
    expect(asked.length).toBe(1001);
    await resolver.resolve("n0.example", auto);
    expect(asked.length).toBe(1002);
  });
});

describe("close", () => {
  test("fails those who wait, and those who come later", async () => {
    const { lookup } = manualLookup();
    const resolver = createResolver({ lookup, concurrency: 1 });
    const all = ["a.example", "b.example"].map((name) => failureOf(resolver.resolve(name, auto)));
    resolver.close?.();
    for (const error of await Promise.all(all)) expect(error.message).toContain("closed");
    expect((await failureOf(resolver.resolve("c.example", auto))).message).toContain("closed");
  });
});
