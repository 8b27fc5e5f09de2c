import { parseProxyUrl } from "@sockskit/url";
import { describe, expect, onTestFinished, test } from "vitest";

import { createDiscoveryMemory, dialThrough } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";
import { GRANTED_4, GREETING, listen, NAME_REQUEST, optionsFor, type Reactions, REFUSED_4 } from "./version-server.ts";

describe("in a chain", () => {
  const GRANT_4: Reactions = { greeting: "close", address: GRANTED_4 };

  /** What each hop turned out to be. `tiny` speaks all versions, `four` SOCKS 4 alone and is a last hop. */
  async function through(schemes: readonly string[], memory = createDiscoveryMemory()) {
    const tiny = await startTinyProxy();
    const four = await listen(GRANT_4);
    onTestFinished(() => tiny.close());
    const chain = schemes.map((scheme, index) => {
      const { port } = index + 1 < schemes.length ? tiny : four;
      return parseProxyUrl(`${scheme}://127.0.0.1:${port}`);
    });
    const { socket, hops } = await dialThrough({
      ...optionsFor(four),
      chain,
      discovery: { memory, answerTimeoutMs: 100 },
    });
    socket.destroy();
    return { schemes: hops.map(({ scheme }) => scheme), four, tiny, memory };
  }

  test.each([
    [["auto"], ["socks4a"]],
    [
      ["socks5h", "auto"],
      ["socks5h", "socks4a"],
    ],
    [
      ["auto", "socks4a"],
      ["socks5h", "socks4a"],
    ],
    [
      ["auto", "auto"],
      ["socks5h", "socks4a"],
    ],
    [
      ["socks4", "auto", "auto"],
      ["socks4", "socks5h", "socks4a"],
    ],
  ])("%o is %o", async (given, expected) => {
    const { schemes, four, memory } = await through(given);
    expect(schemes).toEqual(expected);
    expect(four.heard.at(-1)).toBe(NAME_REQUEST);
    expect(memory.size).toBe(given.filter((scheme) => scheme === "auto").length);
  });

  test("what is found behind one proxy is not believed behind another", async () => {
    const { memory, four } = await through(["socks5h", "auto"]);
    expect(four.heard).toEqual([GREETING, NAME_REQUEST]);
    await dialThrough(optionsFor(four, { discovery: { memory } })).then(({ socket }) => socket.destroy());
    expect(four.heard).toEqual([GREETING, NAME_REQUEST, GREETING, NAME_REQUEST]);
  });

  test("a failure at another hop is no failure of the version", async () => {
    const four = await listen({ greeting: "close", address: REFUSED_4 });
    const chain = [parseProxyUrl(`socks4://127.0.0.1:${four.port}`), parseProxyUrl("auto://192.0.2.2")];
    const error = await failureOf(dialThrough({ ...optionsFor(four), chain }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", hop: { index: 0 } });
    expect(four.heard).toHaveLength(1);
  });
});
