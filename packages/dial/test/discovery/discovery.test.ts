import { checkNoSecrets } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { type IpAddress, parseAddress, parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";

import {
  associateThrough,
  bindThrough,
  createDiscoveryMemory,
  dialThrough,
  type DiscoveryOptions,
  type ProgressEvent,
  resolvePtrThrough,
  resolveThrough,
} from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import {
  ADDRESS_REQUEST,
  GRANTED_4,
  GREETING,
  listen,
  NAME_REQUEST,
  optionsFor,
  REFUSED_4,
  SOCKS5,
  spoken,
} from "./version-server.ts";

describe("SOCKS 5 is tried first, and by its answer", () => {
  test("a choice of a method decides it", async () => {
    const server = await listen(SOCKS5);
    expect(await spoken(server)).toBe("socks5h");
    expect(server.heard).toEqual([GREETING]);
  });

  test.each([
    ["closes at once", "close"],
    ["resets", "reset"],
    ["is silent", "silent"],
    ["refuses in SOCKS 4", REFUSED_4],
    ["refuses with the version of SOCKS 4 requests", "04 5b 00 00 00 00 00 00"],
  ])("a proxy that %s is asked in SOCKS 4", async (_, greeting) => {
    const server = await listen({ greeting, address: GRANTED_4 });
    expect(await spoken(server)).toBe("socks4a");
    expect(server.heard).toEqual([GREETING, NAME_REQUEST]);
    // Nothing is left open of what was tried in vain.
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test.each([
    ["HTTP", "48 54 54 50 2f 31 2e 31 20 34 30 30 0d 0a"],
    ["TLS", "15 03 03 00 02 02 46"],
    ["SSH", "53 53 48 2d 32 2e 30"],
    ["garbage", "ff ff ff ff"],
  ])("an answer in %s ends it: no SOCKS 4 is tried on that", async (_, greeting) => {
    const server = await listen({ greeting, address: GRANTED_4 });
    const error = await failureOf(dialThrough(optionsFor(server)));
    expect(error).toMatchObject({ code: "ERR_SOCKS_NOT_SOCKS", stage: "negotiate" });
    expect(server.heard).toEqual([GREETING]);
  });

  test("who refuses every method may serve SOCKS 4 only", async () => {
    const server = await listen({ greeting: "05 ff", address: GRANTED_4 });
    expect(await spoken(server)).toBe("socks4a");
    expect(server.heard).toEqual([GREETING, NAME_REQUEST]);
  });

  test.each([REFUSED_4, "close", "05 ff", "00 5d 00 00 00 00 00 00"])(
    "or want a password: then that is the error, whatever SOCKS 4 gives (%s)",
    async (address) => {
      const server = await listen({ greeting: "05 ff", address });
      const memory = createDiscoveryMemory();
      const error = await failureOf(dialThrough(optionsFor(server, { discovery: { memory } })));
      expect(error).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", stage: "negotiate" });
      expect(server.heard).toEqual([GREETING, NAME_REQUEST]);
      expect(memory.size).toBe(0);
    },
  );

  test("who was known to speak SOCKS 5 wants a password now", async () => {
    const server = await listen(SOCKS5);
    const discovery = { memory: createDiscoveryMemory() };
    await spoken(server, { discovery });
    server.reactions = { greeting: "05 ff", address: GRANTED_4 };
    const error = await failureOf(dialThrough(optionsFor(server, { discovery })));
    expect(error.code).toBe("ERR_SOCKS_NO_ACCEPTABLE_METHOD");
    expect(server.heard).toEqual([GREETING, GREETING]);
  });

  test("a proxy that answers in no version says so for each", async () => {
    const server = await listen({ greeting: "close", address: "close" });
    const error = await failureOf(dialThrough(optionsFor(server)));
    expect(error).toMatchObject({ code: "ERR_SOCKS_VERSION_UNKNOWN", side: "remote", hop: { index: 0 } });
    expect(error.message).toBe(
      `proxy auto://127.0.0.1:${server.port} answered in no version of SOCKS: ` +
        "SOCKS 5: it closed the connection; SOCKS 4A: it closed the connection, or refused without a word",
    );
    expect(server.heard).toEqual([GREETING, NAME_REQUEST]);
  });

  test("one that never answers is bounded by the deadline of the whole", async () => {
    const server = await listen({ greeting: "silent", address: "silent" });
    const error = await failureOf(dialThrough(optionsFor(server, { timeoutMs: 400 })));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
    expect(error.message).toMatch(
      /timed out after 400 ms .*; before, SOCKS 5: it did not answer; it may be no SOCKS proxy$/u,
    );
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("nothing else is tried when nobody listens", async () => {
    const server = await listen(SOCKS5);
    await server.close();
    const error = await failureOf(dialThrough(optionsFor(server)));
    expect(error.code).toBe("ERR_SOCKS_PROXY_UNREACHABLE");
    expect(error.message).not.toContain("before");
  });
});

describe("credentials", () => {
  const attempt = { userinfo: "alice:opensesame@" };
  const PASSWORD = Buffer.from("opensesame")
    .toString("hex")
    .replaceAll(/..(?=.)/gu, "$& ");

  test("a password goes only to who chose its method in SOCKS 5", async () => {
    const server = await listen({ greeting: "05 02" });
    expect(await spoken(server, attempt)).toBe("socks5h");
    expect(server.everything.filter((octets) => octets.includes(PASSWORD))).toHaveLength(1);
    expect(server.everything[0]).toBe("05 02 00 02");
  });

  test.each(["close", "reset", REFUSED_4])("with a password there is no way down to SOCKS 4: %s", async (greeting) => {
    const server = await listen({ greeting, address: GRANTED_4 });
    const error = await failureOf(dialThrough(optionsFor(server, attempt)));
    expect(error.message).toContain("SOCKS 4 was not tried, it cannot carry the password");
    expect(server.heard).toEqual(["05 02 00 02"]);
    checkNoSecrets(error, ["opensesame"]);
  });

  test("nor when every method is refused", async () => {
    const server = await listen({ greeting: "05 ff", address: GRANTED_4 });
    const error = await failureOf(dialThrough(optionsFor(server, attempt)));
    expect(error.code).toBe("ERR_SOCKS_NO_ACCEPTABLE_METHOD");
    expect(server.heard).toEqual(["05 02 00 02"]);
  });

  test.each([["userpass"], ["ssl"]] as const)(
    "nor when the methods leave out that nobody is asked: %s",
    async (method) => {
      const server = await listen({ greeting: "close", address: GRANTED_4 });
      const options = optionsFor(server, { userinfo: "fred@", proxyAuth: { methods: [method] } });
      const error = await failureOf(dialThrough(options));
      expect(error.code).toBe("ERR_SOCKS_PROXY_CLOSED");
      expect(error.message).toMatch(/; SOCKS 4 was not tried, it has no authentication method$/u);
      expect(server.heard).toHaveLength(1);
    },
  );

  test("but when it is among them", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    expect(await spoken(server, { userinfo: "fred@", proxyAuth: { methods: ["userpass", "none"] } })).toBe("socks4a");
  });

  test("silence ends at the deadline then", async () => {
    const server = await listen({ greeting: "silent", address: GRANTED_4 });
    const error = await failureOf(dialThrough(optionsFor(server, { ...attempt, timeoutMs: 300 })));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "negotiate" });
    expect(error.message).toContain("SOCKS 4 was not tried");
    expect(server.heard).toHaveLength(1);
  });

  test("unless the caller names SOCKS 4; the password is left out even then", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const discovery = { versions: ["4a", "5"] } as const;
    expect(await spoken(server, { ...attempt, discovery })).toBe("socks4a");
    expect(server.everything.join(" ")).not.toContain(PASSWORD);
    expect(server.everything[1]).toContain(
      Buffer.from("alice")
        .toString("hex")
        .replaceAll(/..(?=.)/gu, "$& "),
    );
  });

  test("a user name alone is the user id of SOCKS 4", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    expect(await spoken(server, { userinfo: "fred@" })).toBe("socks4a");
  });

  test("what is remembered without a password does not hold with one", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const memory = createDiscoveryMemory();
    await spoken(server, { discovery: { memory } });
    const error = await failureOf(dialThrough(optionsFor(server, { ...attempt, discovery: { memory } })));
    expect(error.code).toBe("ERR_SOCKS_PROXY_CLOSED");
    expect(server.heard.at(-1)).toBe("05 02 00 02");
  });
});

describe("4A and 4", () => {
  const resolver = fixedResolver({ "example.com": ["192.0.2.1"] });

  test("an address is the same in both", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4, name: REFUSED_4 });
    expect(await spoken(server, { to: "192.0.2.1:80" })).toBe("socks4a");
    expect(server.heard[1]).toBe(ADDRESS_REQUEST);
  });

  test("a refused name is not looked up here", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4, name: REFUSED_4 });
    const questions = resolver.questions.length;
    const error = await failureOf(dialThrough(optionsFor(server, { resolver })));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x5b });
    expect(error.message).toMatch(/; whether it takes names \(4A\) is not known$/u);
    expect(resolver.questions).toHaveLength(questions);
    expect(server.heard).toHaveLength(2);
  });

  test("unless SOCKS 4 is named: then it is, and the proxy is remembered as one that takes addresses", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4, name: REFUSED_4 });
    const discovery = { memory: createDiscoveryMemory(), versions: ["5", "4a", "4"] } as const;
    expect(await spoken(server, { resolver, discovery })).toBe("socks4");
    expect(server.heard).toEqual([GREETING, NAME_REQUEST, ADDRESS_REQUEST]);
    expect(await spoken(server, { resolver, discovery })).toBe("socks4");
    expect(server.heard.slice(3)).toEqual([ADDRESS_REQUEST]);
  });

  test("a refusal of both proves nothing about names", async () => {
    const server = await listen({ greeting: "close", address: REFUSED_4 });
    const discovery = { memory: createDiscoveryMemory(), versions: ["5", "4a", "4"] } as const;
    await failureOf(dialThrough(optionsFor(server, { resolver, discovery })));
    expect(server.heard).toEqual([GREETING, NAME_REQUEST, ADDRESS_REQUEST]);
    await failureOf(dialThrough(optionsFor(server, { resolver, discovery })));
    expect(server.heard.slice(3)).toEqual([NAME_REQUEST, ADDRESS_REQUEST]);
  });

  test("what SOCKS 4 cannot carry is asked in SOCKS 5 only", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const error = await failureOf(dialThrough(optionsFor(server, { to: "[2001:db8::1]:80" })));
    expect(error.code).toBe("ERR_SOCKS_PROXY_CLOSED");
    expect(error.message).toMatch(/; SOCKS 4 was not tried, it cannot carry what is asked for$/u);
    expect(server.heard).toEqual([GREETING]);
  });
});

describe("other commands", () => {
  test("BIND finds SOCKS 4", async () => {
    const server = await listen({ greeting: "close", address: "00 5a 1f 90 c0 00 02 09" });
    const { destination, ...options } = optionsFor(server, { to: "192.0.2.1:20" });
    const listener = await bindThrough({ ...options, peer: destination });
    expect(listener.address).toMatchObject({ host: "192.0.2.9", port: 8080 });
    listener.close();
    expect(server.heard).toEqual([GREETING, "04 02 00 14 c0 00 02 01 00"]);
  });

  test("RESOLVE finds SOCKS 4A", async () => {
    const server = await listen({ greeting: "close", address: "00 5a 00 00 c0 00 02 09" });
    const { destination: _, ...options } = optionsFor(server);
    const found = await resolveThrough({ ...options, name: parseAddress("example.com", 0) });
    expect(found).toMatchObject({ host: "192.0.2.9" });
    expect(server.heard).toEqual([GREETING, "04 f0 00 00 00 00 00 01 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00"]);
  });

  test("RESOLVE_PTR needs SOCKS 5", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const { destination: _, ...options } = optionsFor(server);
    const address = parseAddress("192.0.2.9", 0) as IpAddress;
    const error = await failureOf(resolvePtrThrough({ ...options, address }));
    expect(error.message).toContain("SOCKS 4 was not tried, it cannot carry what is asked for");
    expect(server.heard).toEqual([GREETING]);
  });

  test("UDP ASSOCIATE needs SOCKS 5", async () => {
    const server = await listen({ greeting: "close", address: GRANTED_4 });
    const { destination: _, ...options } = optionsFor(server);
    const error = await failureOf(
      associateThrough({ ...options, onMessage: () => undefined, onClosed: () => undefined }),
    );
    expect(error.message).toContain("SOCKS 4 was not tried, it cannot carry what is asked for");
    expect(server.heard).toEqual([GREETING]);
  });
});

test.each([
  [{ versions: [] }, "discovery.versions"],
  [{ versions: ["6"] }, "discovery.versions"],
  [{ versions: "5" }, "discovery.versions"],
  [{ answerTimeoutMs: 0 }, "discovery.answerTimeoutMs"],
])("options that cannot be used are refused: %o", async (discovery, name) => {
  const chain = [parseProxyUrl("socks5h://127.0.0.1:1")];
  const options = { chain, destination: parseHostPort("h:1"), discovery: discovery as unknown as DiscoveryOptions };
  const error = await failureOf(dialThrough(options));
  expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
  expect(error.message).toContain(name);
});

test("an exception of an observer ends it, also when it is undefined", async () => {
  const server = await listen({ greeting: "close", address: GRANTED_4 });
  const onProgress = ({ step }: ProgressEvent): void => {
    // oxlint-disable-next-line no-throw-literal, only-throw-error
    if (step === "version-failed") throw undefined;
  };
  await expect(dialThrough(optionsFor(server, { onProgress }))).rejects.toBeUndefined();
  await expect.poll(() => server.sockets.size).toBe(0);
});

test("networks that are reached directly need no search, and hold nobody up", async () => {
  const server = await listen(SOCKS5);
  const target = await listen(SOCKS5);
  const memory = createDiscoveryMemory();
  const chain = [parseProxyUrl(`auto://127.0.0.1:${server.port}/127.0.0.0/8`)];
  for (let i = 0; i < 2; i++) {
    const { socket } = await dialThrough({
      chain,
      destination: parseHostPort(`127.0.0.1:${target.port}`),
      discovery: { memory },
    });
    socket.destroy();
  }
  expect(server.heard).toEqual([]);
});
