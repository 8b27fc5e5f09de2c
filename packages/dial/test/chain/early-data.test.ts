import { concat, listenScript, listenTcp, type LoopbackServer, octets, readOctets } from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { parseAddress, parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialThrough, type DialThroughOptions, type OctetsEvent } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const destination = parseHostPort("example.com:80");
const GREETING = { receive: octets("05 01 00"), send: octets("05 00") };
const REQUEST = octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50");
const earlyData = octets("47 45 54");
const GRANTED = octets("05 00 00 01 00 00 00 00 00 00");
const REFUSED = octets("05 05 00 01 00 00 00 00 00 00");

/** Dials through a proxy that answers only when it has both the request and what comes behind it. */
async function dial(
  answer: Uint8Array | undefined,
  options: Partial<DialThroughOptions> = {},
  end: "keep" | "end" = "keep",
): ReturnType<typeof dialThrough> {
  const both = { receive: concat(REQUEST, earlyData), ...(answer === undefined ? {} : { send: answer }) };
  const server = await listenScript([GREETING, both], end);
  open.push(server);
  const chain = parseProxyChain(`socks5h://127.0.0.1:${server.port}`);
  return dialThrough({ chain, destination, earlyData, timeoutMs: 5000, ...options });
}

test("is sent behind the request, before there is an answer", async () => {
  const { socket } = await dial(concat(GRANTED, octets("68 69")));
  expect(await readOctets(socket, 2)).toEqual(octets("68 69"));
  socket.destroy();
});

describe("a failure says that it was sent", () => {
  const LOST = "; 3 octets of early data had been sent, and may have reached the destination";

  test("refused", async () => {
    const error = await failureOf(dial(REFUSED));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x05, earlyOctetsSent: 3 });
    expect(error.message.endsWith(`could not reach example.com:80: connection refused (REP 0x05)${LOST}`)).toBe(true);
    expect(error.cause).toMatchObject({ name: "HandshakeError" });
  });

  test.each([
    ["closed", {}, "end", "ERR_SOCKS_PROXY_CLOSED"],
    ["too late", { stageTimeoutsMs: { request: 60 } }, "keep", "ERR_SOCKS_TIMEOUT"],
  ] as const)("%s", async (_what, options, end, code) => {
    const error = await failureOf(dial(undefined, options, end));
    expect(error).toMatchObject({ code, stage: "request", earlyOctetsSent: 3 });
    expect(error.message.endsWith(LOST)).toBe(true);
  });

  test("given up", async () => {
    const controller = new AbortController();
    const onOctets = ({ maskedFrom }: OctetsEvent): void => {
      if (maskedFrom !== undefined) setImmediate(() => controller.abort());
    };
    const error = await failureOf(dial(undefined, { signal: controller.signal, onOctets }, "keep"));
    expect(error).toMatchObject({ code: "ERR_SOCKS_ABORTED", stage: "request", earlyOctetsSent: 3 });
    expect(error.message.endsWith(LOST)).toBe(true);
  });
});

test("a failure before the request says that nothing was sent", async () => {
  const server = await listenScript([{ receive: octets("05 01 00"), send: octets("05 ff") }]);
  open.push(server);
  const chain = parseProxyChain(`socks5h://127.0.0.1:${server.port}`);
  const error = await failureOf(dialThrough({ chain, destination, earlyData, timeoutMs: 5000 }));
  expect(error).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", earlyOctetsSent: 0 });
  expect(error.message).not.toContain("early");
});

test("goes to the destination, not to a proxy on the way", async () => {
  const target = await listenTcp((socket) => socket.pipe(socket));
  const [first, second] = [await startTinyProxy(), await startTinyProxy()];
  open.push(target, first, second);
  const chain = parseProxyChain(`socks4://127.0.0.1:${first.port} socks5://127.0.0.1:${second.port}`);
  const { socket } = await dialThrough({
    chain,
    destination: parseAddress("127.0.0.1", target.port),
    earlyData,
    timeoutMs: 5000,
  });
  expect(await readOctets(socket, 3)).toEqual(earlyData);
  socket.destroy();
});

test("is the first that the destination gets also where the proxy is left out", async () => {
  const target = await listenTcp((socket) => socket.pipe(socket));
  open.push(target);
  const { socket, hops } = await dialThrough({
    chain: parseProxyChain("socks5h://127.0.0.1:1/127.0.0.0/8"),
    destination: parseAddress("127.0.0.1", target.port),
    earlyData,
  });
  expect(hops).toEqual([]);
  expect(await readOctets(socket, 3)).toEqual(earlyData);
  socket.destroy();
});

test("is not shown to who watches the octets, also when it looks like a log-in", async () => {
  const shown: OctetsEvent[] = [];
  const both = { receive: concat(REQUEST, octets("01 02 61 62 01 63")), send: GRANTED };
  const server = await listenScript([GREETING, both]);
  open.push(server);
  const chain = parseProxyChain(`socks5h://127.0.0.1:${server.port}`);
  const { socket } = await dialThrough({
    chain,
    destination,
    earlyData: octets("01 02 61 62 01 63"),
    timeoutMs: 5000,
    onOctets: (event) => shown.push(event),
  });
  socket.destroy();
  const sent = shown.filter(({ direction }) => direction === "sent").at(-1);
  expect(sent).toMatchObject({ octets: new Uint8Array(8).fill(0x2a), maskedFrom: 0, stage: "request" });
});

test.each([
  ["socks5h://127.0.0.1:1 http://127.0.0.1:2", "ERR_SOCKS_NOT_REPRESENTABLE"],
  ["auto://127.0.0.1:1", "ERR_SOCKS_BAD_OPTION"],
])("is refused where it could be taken for something else: %s", async (chain, code) => {
  const error = await failureOf(dialThrough({ chain: parseProxyChain(chain), destination, earlyData }));
  expect(error).toMatchObject({ code, side: "local", stage: undefined, earlyOctetsSent: 0 });
});

test("too much of it is refused before anything is dialled", async () => {
  const chain = parseProxyChain("socks5h://127.0.0.1:1");
  const error = await failureOf(dialThrough({ chain, destination, earlyData: new Uint8Array(65_537) }));
  expect(error).toMatchObject({ code: "ERR_SOCKS_OVERFLOW", side: "local", stage: undefined });
});
