import { listenScript, type LoopbackServer, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialThrough, type DialThroughOptions } from "../../src/index.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { startTinyProxy, type TinyProxy, type TinyProxyOptions } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const tinyProxy = async (options?: TinyProxyOptions): Promise<TinyProxy> => keep(await startTinyProxy(options));

async function through(
  url: string,
  steps: readonly ScriptStep[],
  destination: string,
  options: Partial<DialThroughOptions> = {},
) {
  const server = keep(await listenScript(steps, "keep"));
  const chain = [parseProxyUrl(url.replace("PROXY", `127.0.0.1:${server.port}`))];
  const tunnel = await dialThrough({ chain, destination: parseHostPort(destination), timeoutMs: 5000, ...options });
  expect(server.problems).toEqual([]);
  return { ...tunnel, server };
}

describe("who resolves names", () => {
  const names = { "target.example": ["2001:db8::1", "192.0.2.7"], "six.example": ["2001:db8::2"] };
  const refuse5 = (request: string): ScriptStep[] => [
    { receive: octets("05 01 00"), send: octets("05 00") },
    { receive: octets(request), send: octets("05 00 00 01 00 00 00 00 00 00") },
  ];
  const grant4 = (request: string): ScriptStep[] => [
    { receive: octets(request), send: octets("00 5a 00 00 00 00 00 00") },
  ];
  const asName = "05 01 00 03 0e 74 61 72 67 65 74 2e 65 78 61 6d 70 6c 65 00 50";

  test.each([
    ["socks5h", "target.example:80", {}, refuse5(asName), []],
    ["socks", "target.example:80", {}, refuse5(asName), []],
    ["socks5", "target.example:80", {}, refuse5("05 01 00 01 c0 00 02 07 00 50"), ["target.example 0"]],
    [
      "socks5",
      "six.example:80",
      {},
      refuse5("05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 02 00 50"),
      ["six.example 0"],
    ],
    [
      "socks5",
      "target.example:80",
      { family: 6 as const },
      refuse5("05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 00 50"),
      ["target.example 6"],
    ],
    ["socks4", "target.example:80", {}, grant4("04 01 00 50 c0 00 02 07 00"), ["target.example 4"]],
    [
      "socks4a",
      "target.example:80",
      {},
      grant4("04 01 00 50 00 00 00 01 00 74 61 72 67 65 74 2e 65 78 61 6d 70 6c 65 00"),
      [],
    ],
    ["socks5", "localhost:80", {}, refuse5("05 01 00 01 7f 00 00 01 00 50"), []],
    ["socks5h", "192.0.2.7:80", {}, refuse5("05 01 00 01 c0 00 02 07 00 50"), []],
    ["socks4a", "192.0.2.7:80", {}, grant4("04 01 00 50 c0 00 02 07 00"), []],
    ["socks4a", "[::ffff:192.0.2.7]:80", {}, grant4("04 01 00 50 c0 00 02 07 00"), []],
    [
      "socks5h",
      "[2001:db8::1]:80",
      {},
      refuse5("05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 00 50"),
      [],
    ],
  ])("%s to %s %j", async (scheme, destination, options, steps, questions) => {
    const resolver = fixedResolver(names);
    const { socket } = await through(`${scheme}://PROXY`, steps, destination, { resolver, ...options });
    expect(resolver.questions).toEqual(questions);
    socket.destroy();
  });

  test("a name that cannot be resolved here is never sent as a name instead", async () => {
    const proxy = await tinyProxy();
    for (const scheme of ["socks5", "socks4"]) {
      const error: unknown = await dialThrough({
        chain: [parseProxyUrl(`${scheme}://127.0.0.1:${proxy.port}`)],
        destination: parseHostPort("nosuch.example:80"),
        resolver: fixedResolver({}),
      }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve", hop: { index: 0 } });
      expect((error as Error).message).toContain(`nosuch.example:80 (which ${scheme} resolves on this side)`);
    }
    expect(proxy.sockets.size).toBe(0);
  });

  test("a name that only has IPv6 addresses cannot go through SOCKS 4", async () => {
    const error: unknown = await dialThrough({
      chain: [parseProxyUrl("socks4://127.0.0.1:1")],
      destination: parseHostPort("six.example:80"),
      resolver: fixedResolver(names),
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_SOCKS_RESOLVE_FAILED", stage: "resolve" });
  });
});
