// Tor's look-ups, RESOLVE (F0) and RESOLVE_PTR (F1), by clients that send octets of their own.
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import type { Resolver } from "@sockskit/dial";
import type { ServerOptions } from "@sockskit/server";
import { concat, octets, readToEnd } from "@sockskit/testing";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { connectTo, converse, GREETING, pause, refused, type Running, startServer, until } from "./server-support.ts";

type RuleConfig = NonNullable<ServerOptions["rules"]>[number];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A resolver that knows a few names, and keeps what it was asked. */
function book(names: Readonly<Record<string, readonly string[]>>): Resolver & { readonly asked: string[] } {
  const asked: string[] = [];
  const notFound = (): Error => Object.assign(new Error("not found"), { code: "ERR_SOCKS_RESOLVE_FAILED" });
  return {
    asked,
    resolve: async (name, { family }) => {
      asked.push(`${name} ${family}`);
      const found = names[name]?.map((text) => parseIpAddress(text) as IpAddress) ?? [];
      if (found.length === 0) throw notFound();
      return found;
    },
    reverse: async ({ host }) => {
      asked.push(`reverse ${host}`);
      const found = names[host];
      if (found === undefined) throw notFound();
      return found;
    },
  };
}

const NAMES = book({
  "www.example": ["192.0.2.10"],
  "two.example": ["2001:db8::7", "192.0.2.7"],
  "six.example": ["2001:db8::6"],
  "mixed.example": ["10.0.0.5", "192.0.2.5"],
  "inside.example": ["10.0.0.6"],
  "mapped.example": ["::ffff:10.0.0.6"],
  "metadata.example": ["169.254.169.254"],
  "192.0.2.10": ["www.example"],
  "192.0.2.11": ["not a name!", "127.0.0.1", "Second.Example."],
  "192.0.2.12": ["db.corp.example"],
  "192.0.2.13": ["127.0.0.1"],
  "2001:db8::7": ["two.example"],
});

const LOOK_UPS: RuleConfig = { action: "allow", commands: ["resolve", "resolve-ptr"] };

function start(rules: readonly RuleConfig[] = [LOOK_UPS], options: ServerOptions = {}): Promise<Running> {
  return startServer({ rules, outbound: { resolver: NAMES }, ...options });
}

function nameField(name: string): string {
  return `03 ${Buffer.byteLength(name).toString(16).padStart(2, "0")} ${Buffer.from(name).toString("hex")}`;
}

const resolveName = (name: string): Uint8Array => octets(`05 f0 00 ${nameField(name)} 00 00`);
const resolvePtr = (atyp: string, address: string): Uint8Array => octets(`05 f1 00 ${atyp} ${address} 00 00`);
const ptr4 = (last: string): Uint8Array => resolvePtr("01", `c0 00 02 ${last}`);

/** Everything that a client gets, the choice of a method included, until the server ends. */
function ask({ port }: Running, request: Uint8Array): Promise<string> {
  return converse(port, GREETING, request);
}

const ANSWER_192_0_2_10 = "050005000001c000020a0000";

describe("RESOLVE", () => {
  test("as Tor's specification has it: the address, port 0, and the end", async () => {
    const running = await start();
    expect(await ask(running, resolveName("www.example"))).toBe(ANSWER_192_0_2_10);
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.answered).toMatchObject([
      { command: "resolve", version: 5, destination: { host: "www.example" }, answer: { host: "192.0.2.10" }, rule: 0 },
    ]);
    expect(running.log.closed).toMatchObject([{ reason: "finished", bytesIn: 0, bytesOut: 0 }]);
    expect(running.server.stats).toMatchObject({ sessions: 0, answered: 1, connected: 0, handshakes: 0 });
    expect(running.log.error).toEqual([]);
  });

  test("IPv6, and the first address when there are several", async () => {
    const running = await start();
    expect(await ask(running, resolveName("two.example"))).toBe(`05000500000420010db8${"00".repeat(11)}070000`);
    expect(await ask(running, resolveName("TWO.example."))).toMatch(/^050005000004/);
  });

  test("a literal is its own answer, and nobody is asked", async () => {
    const running = await start();
    const before = NAMES.asked.length;
    expect(await ask(running, resolveName("192.0.2.10"))).toBe(ANSWER_192_0_2_10);
    expect(await ask(running, octets("05 f0 00 01 c0 00 02 0a 00 50"))).toBe(ANSWER_192_0_2_10);
    expect(NAMES.asked.length).toBe(before);
  });

  test("SOCKS 4A and 4: in DSTIP, IPv4 only", async () => {
    const running = await start();
    const ask4 = (request: string): Promise<string> => converse(running.port, octets(request));
    const named = (name: string): string => `04 f0 00 00 00 00 00 01 00 ${Buffer.from(name).toString("hex")} 00`;
    expect(await ask4(named("two.example"))).toBe("005a0000c0000207");
    expect(await ask4(named("six.example"))).toBe("005b000000000000");
    expect(await ask4(named("2001:db8::1"))).toBe("005b000000000000");
    expect(await ask4("04 f0 00 00 c0 00 02 0a 00")).toBe("005a0000c000020a");
    expect(NAMES.asked.filter((line) => line.startsWith("two.example")).at(-1)).toBe("two.example 4");
  });

  test("a name that is not there is answered 04", async () => {
    const running = await start();
    expect(await ask(running, resolveName("nowhere.example"))).toBe(refused("04"));
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.closed[0]).toMatchObject({ reason: "unreachable", code: "ERR_SOCKS_RESOLVE_FAILED", rep: 4 });
  });

  test("octets behind the request are not taken for anything", async () => {
    const running = await start();
    const flood = new Uint8Array(200_000).fill(0x05);
    expect(await ask(running, concat(resolveName("www.example"), flood))).toBe(ANSWER_192_0_2_10);
    await until(() => running.server.stats.sessions === 0, "the session is closed");
    expect(running.log.error).toEqual([]);
  });
});

describe("RESOLVE_PTR", () => {
  test("as Tor's specification has it: the name as ATYP 03, and the end", async () => {
    const running = await start();
    expect(await ask(running, ptr4("0a"))).toBe("0500050000030b7777772e6578616d706c650000");
    expect(running.log.answered).toMatchObject([{ command: "resolve-ptr", answer: { host: "www.example" } }]);
    expect(await ask(running, resolvePtr("04", `20 01 0d b8 ${"00".repeat(11)} 07`))).toMatch(
      /^0500050000030b74776f2e/,
    );
  });

  test("the first name that is a host name is told, in small letters", async () => {
    const running = await start();
    expect(await ask(running, ptr4("0b"))).toBe(`0500050000030e${Buffer.from("second.example").toString("hex")}0000`);
  });

  test("the text of an address is no name", async () => {
    expect(await ask(await start(), ptr4("0d"))).toBe(refused("04"));
  });

  test("of a name it is answered 08", async () => {
    expect(await ask(await start(), octets(`05 f1 00 ${nameField("www.example")} 00 00`))).toBe(refused("08"));
  });

  test("a resolver that finds no names is answered 04", async () => {
    const resolver: Resolver = { resolve: (name, options) => NAMES.resolve(name, options) };
    expect(await ask(await start([LOOK_UPS], { outbound: { resolver } }), ptr4("0a"))).toBe(refused("04"));
  });
});

describe("what the rules say", () => {
  test("without a rule that names them, look-ups are refused and nobody is asked", async () => {
    const before = NAMES.asked.length;
    for (const rules of [
      undefined,
      [{ action: "allow" }] as const,
      [{ ...LOOK_UPS, commands: ["connect"] }] as const,
    ]) {
      const running = await startServer({ outbound: { resolver: NAMES }, ...(rules === undefined ? {} : { rules }) });
      expect(await ask(running, resolveName("www.example"))).toBe(refused("02"));
      expect(await ask(running, ptr4("0a"))).toBe(refused("02"));
      expect(running.log.denied).toMatchObject([{ code: "ERR_SOCKS_DENIED" }, { code: "ERR_SOCKS_DENIED" }]);
    }
    expect(NAMES.asked.length).toBe(before);
  });

  test("a rule for one look-up is none for the other", async () => {
    const running = await start([{ action: "allow", commands: ["resolve"] }]);
    expect(await ask(running, resolveName("www.example"))).toBe(ANSWER_192_0_2_10);
    expect(await ask(running, ptr4("0a"))).toBe(refused("02"));
  });

  test("an address that the rules deny is not told: the next one is, or none", async () => {
    const running = await start([{ action: "deny", to: ["private"], reason: "inside" }, LOOK_UPS]);
    expect(await ask(running, resolveName("mixed.example"))).toBe("050005000001c00002050000");
    expect(await ask(running, resolveName("inside.example"))).toBe(refused("02"));
    expect(await ask(running, resolveName("mapped.example"))).toBe(refused("02"));
    expect(running.log.denied).toMatchObject([
      { code: "ERR_SOCKS_DENIED", reason: "inside", rule: 0 },
      { reason: "inside" },
    ]);
  });

  const ownAddress = Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry !== undefined && !entry.internal && entry.family === "IPv4")?.address;

  test.runIf(ownAddress !== undefined)(
    `a client from elsewhere (${ownAddress ?? "not tested: this host has no address but loopback"}) is not told protected addresses`,
    async () => {
      const host = ownAddress as string;
      const running = await start([LOOK_UPS], { listen: [{ host, port: 0 }], allowOpenProxy: true });
      const client = await connectTo(running.port, host, host);
      client.write(concat(GREETING, resolveName("metadata.example")));
      expect(hex(await readToEnd(client))).toBe(refused("02"));
    },
  );

  test("a rule on names holds for the name that is told", async () => {
    const running = await start([{ action: "deny", to: ["*.corp.example"] }, LOOK_UPS]);
    expect(await ask(running, ptr4("0c"))).toBe(refused("02"));
    expect(await ask(running, ptr4("0a"))).toMatch(/^0500050000030b/);
  });

  test("a rule on networks is asked before anybody else", async () => {
    const before = NAMES.asked.length;
    const running = await start([{ action: "allow", commands: ["resolve-ptr"], to: ["198.51.100.0/24"] }]);
    expect(await ask(running, ptr4("0a"))).toBe(refused("02"));
    expect(NAMES.asked.length).toBe(before);
  });
});

describe("waiting", () => {
  /** A resolver that never answers, and tells when it was given up. */
  function silent(): Resolver & { readonly aborted: number } {
    const state = { aborted: 0 };
    const wait = (signal: AbortSignal | undefined): Promise<never> => {
      signal?.addEventListener("abort", () => (state.aborted += 1));
      return new Promise(() => undefined);
    };
    return {
      get aborted() {
        return state.aborted;
      },
      resolve: (_name, { signal }) => wait(signal),
      reverse: (_address, options) => wait(options?.signal),
    };
  }

  test.each([
    ["RESOLVE", resolveName("www.example")],
    ["RESOLVE_PTR", ptr4("0a")],
  ])("%s is answered 06 after connectMs", async (_what, request) => {
    const resolver = silent();
    const running = await start([LOOK_UPS], { outbound: { resolver }, timeouts: { connectMs: 60 } });
    expect(await ask(running, request)).toBe(refused("06"));
    expect(resolver.aborted).toBe(1);
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.closed[0]).toMatchObject({ code: "ERR_SOCKS_TIMEOUT" });
  });

  test("a client that leaves is not looked up for any longer", async () => {
    const resolver = silent();
    const running = await start([LOOK_UPS], { outbound: { resolver } });
    const client = await connectTo(running.port);
    client.write(concat(GREETING, resolveName("www.example")));
    await until(() => [...running.server.sessions()][0]?.phase === "connecting", "the look-up runs");
    client.resetAndDestroy();
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(resolver.aborted).toBe(1);
    expect(running.log.answered).toEqual([]);
  });

  test("a client that has its answer and does not leave is cut off", async () => {
    const running = await start([LOOK_UPS], { timeouts: { lingerMs: 100 } });
    const client = await connectTo(running.port);
    client.write(concat(GREETING, resolveName("www.example")));
    await readToEnd(client);
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.closed[0]).toMatchObject({ reason: "finished" });
  });

  test("a request that comes octet by octet", async () => {
    const running = await start();
    const client = await connectTo(running.port);
    for (const octet of concat(GREETING, resolveName("www.example"))) {
      client.write(Uint8Array.of(octet));
      await pause(1);
    }
    expect(hex(await readToEnd(client))).toBe(ANSWER_192_0_2_10);
  });
});
