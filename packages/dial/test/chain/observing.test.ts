import { checkNoSecrets, hex, listenScript, type LoopbackServer, octets, type ScriptStep } from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialThrough, type OctetsEvent, type ProgressEvent } from "../../src/index.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function scripted(steps: readonly ScriptStep[]): Promise<LoopbackServer> {
  const server = await listenScript(steps, "keep");
  open.push(server);
  return server;
}

const destination = parseHostPort("example.com:80");
const userPass: ScriptStep[] = [
  { receive: octets("05 02 00 02"), send: octets("05 02") },
  { receive: octets("01 05 61 6c 69 63 65 0a 63 61 6e 61 72 79 2d 31 32 33"), send: octets("05 00") },
  {
    receive: octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50"),
    send: octets("05 00 00 01 c6 33 64 07 c3 50"),
  },
];
const SECRET = "canary-123";

describe("progress", () => {
  test("tells each step, in order, with its time and its proxy", async () => {
    const server = await scripted(userPass);
    const events: ProgressEvent[] = [];
    const { socket } = await dialThrough({
      chain: [parseProxyUrl(`socks5h://alice:${SECRET}@127.0.0.1:${server.port}`)],
      destination,
      onProgress: (event) => events.push(event),
    });
    const hop = { index: 0, proxy: `socks5h://alice:***@127.0.0.1:${server.port}` };
    expect(events).toMatchObject([
      { step: "dialling", hop, address: { host: "127.0.0.1", port: server.port } },
      { step: "connected", hop, address: { host: "127.0.0.1" } },
      { step: "method-selected", hop, method: 0x02, methodName: "userpass" },
      { step: "authenticated", hop, method: 0x02, warning: expect.stringContaining("VER 0x05") as string },
      {
        step: "established",
        hop,
        command: "connect",
        destination,
        reply: 0,
        boundAddress: { host: "198.51.100.7", port: 50_000 },
      },
    ]);
    const times = events.map(({ elapsedMs }) => elapsedMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(0);
    checkNoSecrets(events, [SECRET]);
    socket.destroy();
  });

  test("tells look-ups, attempts that fail, and every hop", async () => {
    const second = await startTinyProxy({ names: { "example.com": { host: "127.0.0.1", port: 1 } } });
    const first = await startTinyProxy();
    open.push(first, second);
    const events: ProgressEvent[] = [];
    const chain = parseProxyChain(`socks5://first.example:${first.port} socks5h://second.example:${second.port}`);
    const resolver = fixedResolver({ "first.example": ["127.0.0.8", "127.0.0.1"], "second.example": ["127.0.0.1"] });
    const error: unknown = await dialThrough({
      chain,
      destination,
      resolver,
      attemptDelayMs: 10,
      onProgress: (event) => events.push(event),
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reply: 5, hop: { index: 1 } });
    expect(events.map(({ step, hop }) => `${step} ${hop?.index}`)).toEqual([
      "resolved 0",
      "dialling 0",
      "attempt-failed 0",
      "dialling 0",
      "connected 0",
      "method-selected 0",
      "authenticated 0",
      "established 0",
      "method-selected 1",
      "authenticated 1",
    ]);
    expect(events[0]).toMatchObject({ name: "second.example", addresses: [{ host: "127.0.0.1" }] });
    expect(events[2]).toMatchObject({ address: { host: "127.0.0.8" }, error: { code: "ECONNREFUSED" } });
  });

  test("tells that the proxy is left out", async () => {
    const server = await scripted([]);
    const events: ProgressEvent[] = [];
    const { socket } = await dialThrough({
      chain: [parseProxyUrl("socks5h://192.0.2.1/127.0.0.0/8")],
      destination: parseHostPort(`127.0.0.1:${server.port}`),
      onProgress: (event) => events.push(event),
    });
    expect(events).toMatchObject([
      {
        step: "direct",
        hop: { index: 0 },
        address: { host: "127.0.0.1" },
        networks: [{ type: "ipv4", prefixLength: 8 }],
      },
      { step: "dialling", hop: undefined },
      { step: "connected", hop: undefined },
    ]);
    socket.destroy();
  });
});

describe("octets", () => {
  test("are those on the wire, but for the password and its length", async () => {
    const server = await scripted(userPass);
    const events: OctetsEvent[] = [];
    const { socket } = await dialThrough({
      chain: [parseProxyUrl(`socks5h://alice:${SECRET}@127.0.0.1:${server.port}`)],
      destination,
      onOctets: (event) => events.push(event),
    });
    const shown = events.map(({ direction, stage, octets: shownOctets, maskedFrom }) => [
      direction,
      stage,
      hex(shownOctets),
      maskedFrom,
    ]);
    expect(shown).toEqual([
      ["sent", "negotiate", "05 02 00 02", undefined],
      ["received", "negotiate", "05 02", undefined],
      ["sent", "authenticate", "01 05 61 6c 69 63 65 2a 2a 2a 2a 2a 2a 2a 2a", 7],
      ["received", "authenticate", "05 00", undefined],
      ["sent", "request", "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50", undefined],
      ["received", "request", "05 00 00 01 c6 33 64 07 c3 50", undefined],
    ]);
    checkNoSecrets(events, [SECRET]);
    socket.destroy();
  });

  test("are a copy: whoever writes into them changes nothing", async () => {
    const server = await scripted(userPass);
    const { socket } = await dialThrough({
      chain: [parseProxyUrl(`socks5h://alice:${SECRET}@127.0.0.1:${server.port}`)],
      destination,
      onOctets: ({ octets: shown }) => shown.fill(0xff),
    });
    socket.destroy();
  });
});

describe("an observer that throws", () => {
  test.each(["dialling", "connected", "method-selected", "authenticated", "established"])(
    "at %s ends the call and leaves nothing open",
    async (step) => {
      const server = await scripted(userPass);
      const bug = new TypeError("bug in the observer");
      const before = heldResources();
      const pending = dialThrough({
        chain: [parseProxyUrl(`socks5h://alice:${SECRET}@127.0.0.1:${server.port}`)],
        destination,
        onProgress: (event) => {
          if (event.step === step) throw bug;
        },
      });
      await expect(pending).rejects.toBe(bug);
      for (const socket of server.sockets) socket.destroy();
      await expectReleased(before);
    },
  );

  test("at any octets likewise", async () => {
    for (let count = 0; count < 6; count++) {
      const server = await scripted(userPass);
      const bug = new TypeError("bug in the observer");
      const before = heldResources();
      let left = count;
      const pending = dialThrough({
        chain: [parseProxyUrl(`socks5h://alice:${SECRET}@127.0.0.1:${server.port}`)],
        destination,
        onOctets: () => {
          if (left-- === 0) throw bug;
        },
      });
      await expect(pending).rejects.toBe(bug);
      for (const socket of server.sockets) socket.destroy();
      await expectReleased(before);
    }
  });
});
