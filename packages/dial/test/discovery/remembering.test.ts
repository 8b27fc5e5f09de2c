import { listenTcp } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { describe, expect, onTestFinished, test } from "vitest";

import { createDiscoveryMemory, dialThrough, type ProgressEvent } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { GRANTED_4, GREETING, listen, NAME_REQUEST, optionsFor, REFUSED_4, SOCKS5, spoken } from "./version-server.ts";

describe("what was found is remembered", () => {
  test("for the next connection", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const memory = createDiscoveryMemory();
    const found: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent): void => {
      if (event.step === "version-found" || event.step === "version-failed") found.push(event);
    };
    for (let i = 0; i < 2; i++) await spoken(server, { discovery: { memory }, onProgress });
    expect(server.heard).toEqual([GREETING, NAME_REQUEST, NAME_REQUEST]);
    expect(found).toMatchObject([
      { step: "version-failed", version: "5", reason: "closed", hop: { index: 0 } },
      { step: "version-found", version: "4a", remembered: false },
      { step: "version-found", version: "4a", remembered: true },
    ]);
  });

  test("for ten minutes or what the caller says, and no longer", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const memory = createDiscoveryMemory({ expiryMs: 1 });
    await spoken(server, { discovery: { memory } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await spoken(server, { discovery: { memory } });
    expect(server.heard).toEqual([GREETING, NAME_REQUEST, GREETING, NAME_REQUEST]);
  });

  test.each([
    [
      "SOCKS 4, and it speaks 5 now",
      { greeting: "close", address: GRANTED_4 },
      { greeting: "05 00", address: "05 ff" },
      "socks5h",
    ],
    [
      "SOCKS 4, and closes now",
      { greeting: "close", address: GRANTED_4 },
      { greeting: "05 00", address: "close" },
      "socks5h",
    ],
    ["SOCKS 5, and closes now", SOCKS5, { greeting: "close", address: GRANTED_4 }, "socks4a"],
    ["SOCKS 5, and is silent now", SOCKS5, { greeting: "silent", address: GRANTED_4 }, "socks4a"],
  ])("unless it is wrong: %s", async (_, before, after, expected) => {
    const server = await listen(before);
    const memory = createDiscoveryMemory();
    await spoken(server, { discovery: { memory } });
    server.reactions = after;
    expect(await spoken(server, { discovery: { memory } })).toBe(expected);
    const count = server.heard.length;
    expect(await spoken(server, { discovery: { memory } })).toBe(expected);
    expect(server.heard).toHaveLength(count + 1);
  });

  test("or it is no proxy any more", async () => {
    const server = await listen(SOCKS5);
    const memory = createDiscoveryMemory();
    await spoken(server, { discovery: { memory } });
    server.reactions = { greeting: "48 54 54 50" };
    await failureOf(dialThrough(optionsFor(server, { discovery: { memory } })));
    expect(memory.size).toBe(0);
  });

  test("or it answers nothing at all", async () => {
    const server = await listen(SOCKS5);
    const memory = createDiscoveryMemory();
    await spoken(server, { discovery: { memory } });
    server.reactions = { greeting: "close", address: "close" };
    await failureOf(dialThrough(optionsFor(server, { discovery: { memory } })));
    expect(memory.size).toBe(0);
  });

  test("with a password and without apart", async () => {
    const server = await listen(SOCKS5);
    const memory = createDiscoveryMemory();
    for (const userinfo of ["", "fred@", "bob@", "alice:opensesame@"]) {
      await spoken(server, { userinfo, discovery: { memory } });
    }
    expect(memory.size).toBe(3);
  });

  test("a refused request says nothing against the version", async () => {
    const server = await listen({ greeting: "close", address: REFUSED_4 });
    const memory = createDiscoveryMemory();
    for (let i = 0; i < 2; i++) await failureOf(dialThrough(optionsFor(server, { discovery: { memory } })));
    expect(server.heard).toEqual([GREETING, NAME_REQUEST, NAME_REQUEST]);
  });

  test("one by one, in a memory of limited size", async () => {
    const [first, second] = [await listen(SOCKS5), await listen(SOCKS5)];
    const memory = createDiscoveryMemory({ maxCount: 1 });
    for (const server of [first, second]) await spoken(server, { discovery: { memory } });
    expect(memory.size).toBe(1);
    memory.clear();
    expect(memory.size).toBe(0);
  });
});

describe("connections at the same time", () => {
  test("share one search", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const memory = createDiscoveryMemory();
    const all = await Promise.all(Array.from({ length: 20 }, () => spoken(server, { discovery: { memory } })));
    expect(new Set(all)).toEqual(new Set(["socks4a"]));
    expect(server.heard.filter((octets) => octets === GREETING)).toHaveLength(1);
  });

  test("another goes on when the one that searches is cancelled", async () => {
    const server = await listen({ greeting: "silent", address: GRANTED_4 });
    const discovery = { memory: createDiscoveryMemory(), answerTimeoutMs: 200 };
    const controller = new AbortController();
    const first = failureOf(dialThrough(optionsFor(server, { discovery, signal: controller.signal })));
    const others = [spoken(server, { discovery }), spoken(server, { discovery })];
    await expect.poll(() => server.heard.length).toBe(1);
    controller.abort();
    expect((await first).code).toBe("ERR_SOCKS_ABORTED");
    expect(await Promise.all(others)).toEqual(["socks4a", "socks4a"]);
    // One of the others, not both.
    expect(server.heard.filter((octets) => octets === GREETING)).toHaveLength(2);
  });

  test("all fail when the proxy is none, and nobody waits for another for long", async () => {
    const server = await listen({ greeting: "48 54 54 50" });
    const discovery = { memory: createDiscoveryMemory() };
    const errors = await Promise.all(
      Array.from({ length: 5 }, () => failureOf(dialThrough(optionsFor(server, { discovery })))),
    );
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 5 }, () => "ERR_SOCKS_NOT_SOCKS"));
    expect(server.heard).toHaveLength(5);
  });

  test("who waited for one that failed goes on beside the others, not behind them", async () => {
    let waiting = 0;
    let most = 0;
    const server = await listenTcp((socket) => {
      waiting += 1;
      most = Math.max(most, waiting);
      setTimeout(() => {
        waiting -= 1;
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      }, 50);
    });
    onTestFinished(() => server.close());
    const options = {
      chain: [parseProxyUrl(`auto://127.0.0.1:${server.port}`)],
      destination: parseHostPort("example.com:80"),
      discovery: { memory: createDiscoveryMemory() },
    };
    const errors = await Promise.all(Array.from({ length: 5 }, () => failureOf(dialThrough(options))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["ERR_SOCKS_NOT_SOCKS"]));
    expect(most).toBeGreaterThan(1);
  });

  test("who waits has deadlines of its own, and says for what it waited", async () => {
    const server = await listen({ greeting: "silent", address: "silent" });
    const discovery = { memory: createDiscoveryMemory() };
    const first = failureOf(dialThrough(optionsFor(server, { discovery, timeoutMs: 600 })));
    const second = await failureOf(dialThrough(optionsFor(server, { discovery, timeoutMs: 100 })));
    expect(second).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "negotiate" });
    expect(second.message).toContain("another connection to find out which version of SOCKS");
    await first;
  });

  test("whoever waits may be cancelled", async () => {
    const server = await listen({ greeting: "silent", address: "silent" });
    const discovery = { memory: createDiscoveryMemory() };
    const first = failureOf(dialThrough(optionsFor(server, { discovery, timeoutMs: 400 })));
    const signal = AbortSignal.timeout(50);
    expect((await failureOf(dialThrough(optionsFor(server, { discovery, signal })))).code).toBe("ERR_SOCKS_ABORTED");
    await first;
  });
});
