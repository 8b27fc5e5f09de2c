import dgram from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";

import {
  concat,
  hex,
  listenScript,
  listenUdpRelay,
  octets,
  type UdpRelay,
  type UdpRelayOptions,
} from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { conversations, messageOctets } from "@sockskit/vectors";
import { type Address, formatAddress, parseAddress, parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import {
  associateThrough,
  type AssociateThroughOptions,
  type SocksError,
  type UdpAssociation,
} from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const target = parseHostPort("192.0.2.7:7");

/** An association, and what came of it. */
interface Talk {
  readonly relay: UdpRelay;
  readonly association: UdpAssociation;
  readonly received: readonly (readonly [data: string, source: string])[];
  readonly message: (index: number) => Promise<void>;
  readonly closed: Promise<SocksError | undefined>;
}

function begin(url: string, options: Partial<AssociateThroughOptions> = {}): Promise<UdpAssociation> {
  return associateThrough({ chain: parseProxyChain(url), timeoutMs: 5000, onMessage: () => undefined, ...options });
}

async function talk(
  relayOptions: UdpRelayOptions = {},
  options: Partial<AssociateThroughOptions> = {},
  url = "socks5h://PROXY",
): Promise<Talk> {
  const relay = await listenUdpRelay(relayOptions);
  open.push(relay);
  const received: (readonly [string, string])[] = [];
  const arrivals = new EventTarget();
  let onClosed: (reason: SocksError | undefined) => void = () => undefined;
  const closed = new Promise<SocksError | undefined>((resolve) => (onClosed = resolve));
  const association = await begin(url.replace("PROXY", `127.0.0.1:${relay.port}`), {
    onMessage: (data: Buffer, source: Address) => {
      received.push([data.toString("latin1"), formatAddress(source)]);
      arrivals.dispatchEvent(new Event("message"));
    },
    onClosed,
    ...options,
  });
  open.push(association);
  const message = async (index: number): Promise<void> => {
    const signal = AbortSignal.timeout(5000);
    while (received[index] === undefined) await once(arrivals, "message", { signal });
  };
  return { relay, association, received, message, closed };
}

describe("as the RFC has it", () => {
  const vectors = (conversations().find(({ name }) => name === "s5-udp")?.steps ?? []).filter(
    ({ transport }) => transport === "udp",
  );
  const [query, answer, byName, byIpv6] = vectors.map(({ messages }) => concat(...messages.map(messageOctets)));

  test("the request tells no source, and datagrams go both ways", async () => {
    const { relay, association, received, message } = await talk();
    expect(relay.requests.map(hex)).toEqual(["05 03 00 01 00 00 00 00 00 00"]);
    expect(formatAddress(association.relayAddress)).toBe(`127.0.0.1:${relay.relayPort}`);
    expect(association.localAddress.host).toBe("127.0.0.1");
    expect(association.hops).toHaveLength(1);

    await association.send((query as Uint8Array).subarray(10), parseHostPort("192.0.2.53:53"));
    expect(await relay.datagram(0)).toEqual(query);
    relay.answer(answer as Uint8Array);
    await message(0);
    expect(received).toEqual([["pong", "192.0.2.53:53"]]);

    await association.send(text("ping"), parseHostPort("ns.example.com:53"));
    expect(await relay.datagram(1)).toEqual(byName);
    await association.send(text("ping"), parseHostPort("[2001:db8::53]:53"));
    expect(await relay.datagram(2)).toEqual(byIpv6);
  });

  test("fragments are made when asked for, and put together always", async () => {
    const data = "x".repeat(600);
    const { relay, association, received, message } = await talk({}, { fragmentOctets: 310 });
    await association.send(text(data), target);
    await relay.datagram(1);
    expect(relay.datagrams.map((datagram) => [datagram[2], datagram.length])).toEqual([
      [0x01, 310],
      [0x82, 310],
    ]);
    const fragments = conversations().find(({ name }) => name === "s5-udp-frag")?.steps ?? [];
    for (const { messages } of fragments) relay.answer(concat(...messages.map(messageOctets)));
    await message(0);
    expect(received).toEqual([["hello", "192.0.2.7:7"]]);
  });

  test("a source may be a name, and a datagram empty", async () => {
    const { relay, association, received, message } = await talk();
    await association.send(new Uint8Array(0), target);
    expect(hex(await relay.datagram(0))).toBe("00 00 00 01 c0 00 02 07 00 07");
    relay.answer(octets("00 00 00 03 07 6e 73 2e 74 65 73 74 00 35"));
    await message(0);
    expect(received).toEqual([["", "ns.test:53"]]);
  });
});

describe("where the relay is", () => {
  test("an unspecified address is the proxy's own", async () => {
    for (const boundAddress of [
      [0x01, 0, 0, 0, 0],
      [0x04, ...new Uint8Array(16)],
    ]) {
      const { relay, association } = await talk({ boundAddress });
      expect(formatAddress(association.relayAddress)).toBe(`127.0.0.1:${relay.relayPort}`);
      await association.send(text("x"), target);
      await relay.datagram(0);
    }
  });

  test("a name is looked up", async () => {
    const resolver = fixedResolver({ "relay.test": ["::1", "127.0.0.1"] });
    const { relay, association } = await talk({ boundAddress: [0x03, 10, ...text("relay.test")] }, { resolver });
    expect(formatAddress(association.relayAddress)).toBe(`127.0.0.1:${relay.relayPort}`);
    expect(resolver.questions).toEqual(["relay.test 0"]);
  });

  test("it may be IPv6 though the control connection is IPv4", async () => {
    const { relay, association } = await talk({ host: "::1", boundAddress: [0x04, ...new Uint8Array(15), 1] });
    await association.send(text("x"), target);
    expect(await relay.datagram(0)).toHaveLength(11);
  });

  test.each<[string, UdpRelayOptions, object]>([
    ["has no port", { boundPort: 0 }, { code: "ERR_SOCKS_BAD_ADDRESS", stage: "request", side: "remote" }],
    ["has a name that is none", { boundAddress: [0x03, 1, 0x20] }, { code: "ERR_SOCKS_BAD_ADDRESS" }],
    ["cannot be found", { boundAddress: [0x03, 4, ...text("none")] }, { code: "ERR_SOCKS_RESOLVE_FAILED" }],
    ["is out of reach", { boundAddress: [0x01, 192, 0, 2, 1] }, { code: "ERR_SOCKS_PROXY_UNREACHABLE" }],
    ["is refused", { rep: 0x07 }, { code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x07 }],
  ])("a relay that %s is an error, and nothing is left open", async (_, relayOptions, expected) => {
    const relay = await listenUdpRelay(relayOptions);
    const resolver = fixedResolver({});
    const before = heldResources();
    // From loopback nothing leads to other networks: the system says so at once.
    expect(await failureOf(begin(`socks5h://127.0.0.1:${relay.port}`, { resolver }))).toMatchObject(expected);
    for (const socket of relay.sockets) socket.destroy();
    await expectReleased(before);
    await relay.close();
  });

  test.each([
    ["an address", [0x01, 127, 0, 0, 1]],
    ["a name", [0x03, 10, ...text("relay.test")]],
  ])("check is asked about it too, told as %s", async (_, boundAddress) => {
    const relay = await listenUdpRelay({ boundAddress });
    const resolver = fixedResolver({ "relay.test": ["127.0.0.1"] });
    const before = heldResources();
    const check = ({ port }: Address): Error | undefined =>
      port === relay.relayPort ? new TypeError("not there") : undefined;
    const error = await failureOf(begin(`socks5h://127.0.0.1:${relay.port}`, { check, resolver }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_ADDRESS_DENIED", side: "local" });
    expect(error.message).toContain("not there");
    // The peer sees the end of what this side holds, and only then lets go.
    for (const socket of relay.sockets) socket.destroy();
    await expectReleased(before);
    await relay.close();
  });
});

describe("what is refused before anything is opened", () => {
  test.each<[string, string, Partial<AssociateThroughOptions>, string]>([
    ["several proxies", "socks5h://127.0.0.1:1 socks5h://127.0.0.1:1", {}, "ERR_SOCKS_BAD_OPTION"],
    ["SOCKS 4", "socks4a://127.0.0.1:1", {}, "ERR_SOCKS_NOT_REPRESENTABLE"],
    ["tiny fragments", "socks5h://127.0.0.1:1", { fragmentOctets: 262 }, "ERR_SOCKS_BAD_OPTION"],
    ["a short memory", "socks5h://127.0.0.1:1", { reassemblyTimeoutMs: 4999 }, "ERR_SOCKS_BAD_OPTION"],
  ])("%s", async (_, url, options, code) => {
    expect(await failureOf(begin(url, options))).toMatchObject({ code, side: "local" });
  });
});

describe("what is taken", () => {
  test("nothing from anybody but the relay", async () => {
    const { relay, association, received, message } = await talk();
    await association.send(text("x"), target);
    await relay.datagram(0);
    const stranger = dgram.createSocket("udp4");
    open.push(stranger);
    const forged = octets("00 00 00 01 c0 00 02 07 00 07 66");
    await new Promise((resolve) => stranger.send(forged, association.localAddress.port, "127.0.0.1", resolve));
    relay.answer(octets("00 00 00 01 c0 00 02 07 00 07 72"));
    await message(0);
    expect(received).toEqual([["r", "192.0.2.7:7"]]);
  });

  test.each([
    ["nothing at all", ""],
    ["a cut header", "00 00 00 01 c0 00 02 07 00"],
    ["RSV that is not zero", "00 01 00 01 c0 00 02 07 00 07 61"],
    ["an unknown ATYP", "00 00 00 02 c0 00 02 07 00 07 61"],
    ["a source that is no name", "00 00 00 03 01 20 00 07 61"],
    ["the end of no sequence", "00 00 80 01 c0 00 02 07 00 07 61"],
    ["a fragment out of order", "00 00 03 01 c0 00 02 07 00 07 61"],
  ])("%s is dropped and counted", async (_, datagram) => {
    const { relay, association, received, message } = await talk();
    await association.send(text("x"), target);
    await relay.datagram(0);
    relay.answer(octets(datagram));
    relay.answer(octets("00 00 00 01 c0 00 02 07 00 07 72"));
    await message(0);
    expect(received).toHaveLength(1);
    expect(association.droppedCount).toBe(1);
  });
});

describe("what can be sent", () => {
  test("the largest datagram, and no larger", async () => {
    const { relay, association } = await talk();
    await association.send(new Uint8Array(65_497), target);
    expect(await relay.datagram(0)).toHaveLength(65_507);
    for (const [host, most] of [
      ["192.0.2.7", 65_497],
      ["2001:db8::7", 65_485],
      ["ns.test", 65_493],
    ] as const) {
      const error = await failureOf(association.send(new Uint8Array(most + 1), parseAddress(host, 7)));
      expect(error).toMatchObject({ code: "ERR_SOCKS_OVERFLOW", side: "local", stage: "relay" });
      expect(error.message).toContain(`at most ${most} fit beside the header`);
    }
  });

  test("no more than fits in 127 fragments", async () => {
    const { association } = await talk({}, { fragmentOctets: 300 });
    expect(await failureOf(association.send(new Uint8Array(127 * 290 + 1), target))).toMatchObject({
      code: "ERR_SOCKS_OVERFLOW",
      side: "local",
    });
  });

  test("not to port 0, and not to a zone of this host", async () => {
    const { association } = await talk();
    expect(await failureOf(association.send(text("x"), parseAddress("192.0.2.1", 0)))).toMatchObject({
      code: "ERR_SOCKS_BAD_PORT",
    });
    expect(await failureOf(association.send(text("x"), parseAddress("fe80::1%lo", 7)))).toMatchObject({
      code: "ERR_SOCKS_NOT_REPRESENTABLE",
    });
  });

  test("names are looked up here once, when the scheme says so", async () => {
    const resolver = fixedResolver({ "ns.test": ["2001:db8::1", "192.0.2.9"] });
    const { relay, association } = await talk({}, { resolver }, "socks5://PROXY");
    await association.send(text("1"), parseHostPort("ns.test:53"));
    await association.send(text("2"), parseHostPort("ns.test:54"));
    expect(hex(await relay.datagram(0))).toBe("00 00 00 01 c0 00 02 09 00 35 31");
    expect(hex(await relay.datagram(1))).toBe("00 00 00 01 c0 00 02 09 00 36 32");
    expect(resolver.questions).toEqual(["ns.test 0"]);
    const error = await failureOf(association.send(text("3"), parseHostPort("none.test:53")));
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve" });
    expect(error.message).toContain("none.test:53 (which socks5 resolves on this side)");
  });

  test("a name that was not found may be found later, and a look-up has a deadline", async () => {
    const known: Record<string, readonly string[]> = {};
    const resolver = fixedResolver(known);
    const { relay, association } = await talk({}, { resolver }, "socks5://PROXY");
    expect((await failureOf(association.send(text("1"), parseHostPort("ns.test:53")))).code).toBe(
      "ERR_SOCKS_RESOLVE_FAILED",
    );
    known["ns.test"] = ["192.0.2.9"];
    await association.send(text("2"), parseHostPort("ns.test:53"));
    expect(hex(await relay.datagram(0))).toBe("00 00 00 01 c0 00 02 09 00 35 32");

    const silent = { resolve: () => new Promise<never>(() => undefined) };
    const slow = await talk({}, { resolver: silent, timeoutMs: 300 }, "socks5://PROXY");
    const error = await failureOf(slow.association.send(text("3"), parseHostPort("slow.test:53")));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "resolve" });
  });

  test("no more than 16 MiB may wait", async () => {
    const resolver = { resolve: () => new Promise<never>(() => undefined) };
    const { association } = await talk({}, { resolver, timeoutMs: 60_000 }, "socks5://PROXY");
    const data = new Uint8Array(65_000);
    const waiting = Array.from({ length: 256 }, () => failureOf(association.send(data, parseHostPort("slow.test:1"))));
    const error = await failureOf(association.send(data, target));
    expect(error).toMatchObject({ code: "ERR_SOCKS_OVERFLOW", side: "local" });
    expect(error.message).toContain("await send()");
    association.close();
    for (const failed of await Promise.all(waiting)) expect(failed.code).toBe("ERR_SOCKS_STATE");
  });
});

describe("the end", () => {
  test("by the caller: everything is freed, and nothing can be sent", async () => {
    const relay = await listenUdpRelay();
    const before = heldResources();
    const reasons: unknown[] = [];
    const association = await begin(`socks5h://127.0.0.1:${relay.port}`, {
      onClosed: (reason) => reasons.push(reason),
    });
    await association.send(text("x"), target);
    await relay.datagram(0);
    relay.answer(octets("00 00 01 01 c0 00 02 07 00 07 61"));
    association.close();
    association.close();
    expect(association.closed).toBe(true);
    expect(await failureOf(association.send(text("x"), target))).toMatchObject({
      code: "ERR_SOCKS_STATE",
      side: "local",
    });
    for (const socket of relay.sockets) socket.destroy();
    await expectReleased(before);
    expect(reasons).toEqual([undefined]);
    await relay.close();
  });

  test.each<[string, (socket: Socket) => unknown]>([
    ["ends", (socket) => socket.end()],
    ["breaks", (socket) => socket.resetAndDestroy()],
  ])("with the control connection, when the proxy %s it", async (_, act) => {
    const { relay, association, closed } = await talk();
    const [control] = relay.sockets;
    act(control as Socket);
    const reason = await closed;
    expect(reason).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "relay", side: "remote" });
    expect(await failureOf(association.send(text("x"), target))).toBe(reason);
  });

  test("by the caller's signal, at any time", async () => {
    const controller = new AbortController();
    const { closed } = await talk({}, { signal: controller.signal });
    controller.abort(new TypeError("enough"));
    expect(await closed).toMatchObject({ code: "ERR_SOCKS_ABORTED", cause: { message: "enough" } });
    expect(await failureOf(begin("socks5h://127.0.0.1:1", { signal: controller.signal }))).toMatchObject({
      code: "ERR_SOCKS_ABORTED",
    });
  });

  test("not when the relay has gone away: that is told by send", async () => {
    const { relay, association } = await talk();
    await relay.stopRelaying();
    let error: unknown;
    // The answer of the system to one datagram is the error of a later one.
    for (let tries = 0; tries < 100 && error === undefined; tries++) {
      error = await association.send(text("x"), target).catch((reason: unknown) => reason);
    }
    expect(association.closed).toBe(false);
    if (error !== undefined) {
      expect(error).toMatchObject({
        code: "ERR_SOCKS_PROXY_UNREACHABLE",
        stage: "relay",
        cause: { code: "ECONNREFUSED" },
      });
    }
  });

  test("an answer that does not come in time", async () => {
    const silent = await listenScript([{ receive: octets("05 01 00"), send: octets("05 00") }], "keep");
    open.push(silent);
    const error = await failureOf(begin(`socks5h://127.0.0.1:${silent.port}`, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
  });
});
