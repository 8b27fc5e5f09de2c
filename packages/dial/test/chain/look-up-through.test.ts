import { concat, listenScript, type LoopbackServer, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { conversations, messageOctets } from "@sockskit/vectors";
import { type IpAddress, parseAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { type LookUpThroughOptions, type ProgressEvent, resolvePtrThrough, resolveThrough } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const name = parseAddress("example.com", 0);
const address = parseAddress("192.0.2.10", 0) as IpAddress;
const GREETING: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const RESOLVE = octets("05 f0 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 00");
const RESOLVE_PTR = octets("05 f1 00 01 c0 00 02 0a 00 00");

/** Steps of a script that plays the server of a conversation. */
function serverOf(title: string): ScriptStep[] {
  const steps = conversations().find((candidate) => candidate.name === title)?.steps ?? [];
  expect(steps.length).toBeGreaterThan(0);
  return steps.map(({ from, messages }) => {
    const all = concat(...messages.map(messageOctets));
    return from === "client" ? { receive: all } : { send: all };
  });
}

async function proxy(
  steps: readonly ScriptStep[],
  url = "socks5h://PROXY",
  end: "keep" | "end" | "reset" = "keep",
): Promise<LookUpThroughOptions & { readonly server: Awaited<ReturnType<typeof listenScript>> }> {
  const server = await listenScript(steps, end);
  open.push(server);
  return { server, chain: parseProxyChain(url.replace("PROXY", `127.0.0.1:${server.port}`)), timeoutMs: 5000 };
}

/** A proxy that gives one answer to one of the two look-ups. */
const answering = (answer: string, request: Uint8Array = RESOLVE): ReturnType<typeof proxy> =>
  proxy([GREETING, { receive: request, send: octets(answer) }]);

describe("as Tor's specification has it", () => {
  test("RESOLVE", async () => {
    const { server, ...way } = await proxy(serverOf("tor-resolve"));
    expect(await resolveThrough({ ...way, name })).toEqual(address);
    expect(server.problems).toEqual([]);
  });

  test("RESOLVE_PTR", async () => {
    const { server, ...way } = await proxy(serverOf("tor-resolve-ptr"));
    expect(await resolvePtrThrough({ ...way, address })).toBe("example.com");
    expect(server.problems).toEqual([]);
  });

  test("RESOLVE in the form of SOCKS 4A, answered in DSTIP", async () => {
    const request = octets("04 f0 00 00 00 00 00 01 66 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00");
    const steps = [{ receive: request, send: octets("00 5a 00 00 c0 00 02 0a") }];
    const { server, ...way } = await proxy(steps, "socks4a://f@PROXY");
    expect(await resolveThrough({ ...way, name })).toEqual(address);
    expect(server.problems).toEqual([]);
  });

  test("IPv6 both ways; a port in the answer means nothing", async () => {
    const six = parseAddress("2001:db8::7", 0) as IpAddress;
    const octets6 = `20 01 0d b8 ${"00 ".repeat(11)}07`;
    const { server: _s, ...way } = await answering(`05 00 00 04 ${octets6} 00 50`);
    expect(await resolveThrough({ ...way, name })).toEqual(six);
    const { server, ...back } = await answering("05 00 00 03 01 61 00 50", octets(`05 f1 00 04 ${octets6} 00 00`));
    expect(await resolvePtrThrough({ ...back, address: six })).toBe("a");
    expect(server.problems).toEqual([]);
  });
});

describe("who looks up", () => {
  test.each(["socks5://PROXY", "socks5h://PROXY", "socks://PROXY"])("the proxy, whatever %s says", async (url) => {
    const { server, ...way } = await proxy(serverOf("tor-resolve"), url);
    const resolver = fixedResolver({});
    expect(await resolveThrough({ ...way, name, resolver })).toEqual(address);
    expect(resolver.questions).toEqual([]);
    expect(server.problems).toEqual([]);
  });

  test("the last one of a chain; the others are asked to connect", async () => {
    const { server } = await proxy(serverOf("tor-resolve"));
    const first = await startTinyProxy();
    open.push(first);
    const chain = parseProxyChain(`socks4://127.0.0.1:${first.port} socks5://127.0.0.1:${server.port}`);
    expect(await resolveThrough({ chain, name, timeoutMs: 5000 })).toEqual(address);
    expect(first.requests).toEqual([
      `04 01 ${server.port
        .toString(16)
        .padStart(4, "0")
        .replace(/..(?=.)/, "$& ")} 7f 00 00 01 00`,
    ]);
  });

  test("the proxy, also of an address that its URL lists as direct", async () => {
    const { server, ...way } = await proxy(serverOf("tor-resolve-ptr"), "socks5h://PROXY/192.0.2.0/24");
    expect(way.chain[0]).toMatchObject({ direct: [expect.anything()] });
    expect(await resolvePtrThrough({ ...way, address })).toBe("example.com");
    expect(server.problems).toEqual([]);
  });
});

describe("no answer", () => {
  test.each([
    ["04", " found no address of example.com: host unreachable (REP 0x04)"],
    ["02", " does not allow to look example.com up: connection not allowed by ruleset (REP 0x02)"],
    ["07", " does not look example.com up, which few proxies but Tor do: command not supported (REP 0x07)"],
    ["01", " did not look up the address of example.com: general SOCKS server failure (REP 0x01)"],
    [
      "f6",
      " did not look up the address of example.com: onion address invalid (REP 0xf6); the name is mistyped or cut: an onion " +
        "name has 56 characters before .onion",
    ],
  ])("REP %s", async (rep, text) => {
    // As Tor ends a look-up that failed: with an ATYP of 00, which is none.
    const { server: _server, ...way } = await answering(`05 ${rep} 00 00 00 00 00 00 00 00`);
    const error = await failureOf(resolveThrough({ ...way, name }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: Number(`0x${rep}`) });
    expect(error.message.endsWith(text)).toBe(true);
  });

  test("RESOLVE_PTR has its own words", async () => {
    const { server: _server, ...way } = await answering("05 04 00 01 00 00 00 00 00 00", RESOLVE_PTR);
    const { message } = await failureOf(resolvePtrThrough({ ...way, address }));
    expect(message).toMatch(/ found no name of 192\.0\.2\.10: host unreachable \(REP 0x04\)$/);
  });

  test.each([
    ["a name", "05 00 00 03 01 61 00 00", "a"],
    ["a name that is none", "05 00 00 03 01 20 00 00", "something that is neither an address nor a name"],
  ])("RESOLVE answered with %s", async (_what, answer, shown) => {
    const { server: _server, ...way } = await answering(answer);
    const error = await failureOf(resolveThrough({ ...way, name }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS", stage: "request", side: "remote" });
    expect(error.message).toContain(`answered with ${shown}, where the address of example.com was asked for`);
  });

  test.each([
    ["an address", "05 00 00 01 c0 00 02 0b 00 00", "192.0.2.11"],
    ["the text of an address", "05 00 00 03 09 31 32 37 2e 30 2e 30 2e 31 00 00", "127.0.0.1"],
  ])("RESOLVE_PTR answered with %s", async (_what, answer, shown) => {
    const { server: _server, ...way } = await answering(answer, RESOLVE_PTR);
    const error = await failureOf(resolvePtrThrough({ ...way, address }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS", side: "remote" });
    expect(error.message).toContain(`answered with ${shown}, where the name of 192.0.2.10 was asked for`);
  });

  test("a proxy that closes", async () => {
    const { server: _server, ...way } = await proxy([GREETING, { receive: RESOLVE }], undefined, "end");
    const error = await failureOf(resolveThrough({ ...way, name }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request" });
    expect(error.message).toContain("instead of answering the request for the address of example.com");
  });

  test("a proxy that is silent, and a caller who gives up", async () => {
    const { server: _server, ...way } = await proxy([GREETING, { receive: RESOLVE }]);
    expect(await failureOf(resolveThrough({ ...way, name, timeoutMs: 80 }))).toMatchObject({
      code: "ERR_SOCKS_TIMEOUT",
    });
    const signal = AbortSignal.timeout(50);
    expect(await failureOf(resolveThrough({ ...way, name, signal }))).toMatchObject({ code: "ERR_SOCKS_ABORTED" });
  });

  test("SOCKS 4 has no RESOLVE_PTR: nothing is dialled", async () => {
    const chain = parseProxyChain("socks4a://127.0.0.1:1");
    expect(await failureOf(resolvePtrThrough({ chain, address }))).toMatchObject({
      code: "ERR_SOCKS_NOT_REPRESENTABLE",
      side: "local",
    });
  });
});

test("nothing is left open, and the answer is told to who watches", async () => {
  const steps: ProgressEvent[] = [];
  const before = heldResources();
  const { server, ...way } = await proxy(serverOf("tor-resolve"));
  await resolveThrough({ ...way, name, onProgress: (event) => steps.push(event) });
  await server.close();
  await expectReleased(before);
  expect(steps.at(-1)).toMatchObject({
    step: "established",
    command: "resolve",
    destination: { host: "example.com" },
    boundAddress: { host: "192.0.2.10" },
  });
  expect(server.problems).toEqual([]);
});
