import {
  checkNoSecrets,
  concat,
  listenScript,
  type LoopbackServer,
  octets,
  readOctets,
  type ScriptStep,
} from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { conversations, messageOctets } from "@sockskit/vectors";
import { formatAddress, parseAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { bindThrough, type BindThroughOptions, type ProgressEvent } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const peer = parseAddress("192.0.2.10", 21);
const GREETING: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const REQUEST = octets("05 02 00 01 c0 00 02 0a 00 15");
const LISTENING: ScriptStep = { receive: REQUEST, send: octets("05 00 00 01 c6 33 64 07 9c 40") };

/** Steps of a script that plays the server of a conversation; its replies after the first are sent with it. */
function serverOf(name: string): ScriptStep[] {
  const steps = conversations().find((candidate) => candidate.name === name)?.steps ?? [];
  expect(steps.length).toBeGreaterThan(0);
  return steps.map(({ from, messages }) => {
    const all = concat(...messages.map(messageOctets));
    return from === "client" ? { receive: all } : { send: all };
  });
}

async function listener(
  steps: readonly ScriptStep[],
  url = "socks5h://PROXY",
  options: Partial<BindThroughOptions> = {},
  end: "keep" | "end" | "reset" = "keep",
) {
  const server = await listenScript(steps, end);
  open.push(server);
  const chain = parseProxyChain(url.replace("PROXY", `127.0.0.1:${server.port}`));
  return { server, binding: bindThrough({ chain, peer, timeoutMs: 5000, ...options }) };
}

describe("as the specifications have it", () => {
  test("SOCKS 5", async () => {
    const { binding } = await listener(serverOf("s5-bind"));
    const { address, connection } = await binding;
    expect(formatAddress(address)).toBe("198.51.100.7:40000");
    const { socket, boundAddress, hops } = await connection;
    expect(boundAddress).toEqual(parseAddress("192.0.2.10", 20));
    expect(hops).toHaveLength(1);
    socket.destroy();
  });

  test("SOCKS 4, where the proxy told no address of its own", async () => {
    const { server, binding } = await listener(serverOf("s4-bind"), "socks4://fred@PROXY");
    const { address, connection } = await binding;
    expect(formatAddress(address)).toBe("127.0.0.1:40000");
    const { socket, boundAddress } = await connection;
    expect(boundAddress).toEqual(parseAddress("192.0.2.10", 20));
    expect(server.problems).toEqual([]);
    socket.destroy();
  });

  test("SOCKS 4, somebody else came", async () => {
    const { binding } = await listener(serverOf("s4-bind-mismatch"), "socks4://PROXY");
    const { address, connection } = await binding;
    expect(formatAddress(address)).toBe("198.51.100.7:40001");
    const error = await failureOf(connection);
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", side: "remote", reply: 0x5b });
    expect(error.message).toContain("listened for 192.0.2.10:21, but did not pass a connection on");
  });

  test("SOCKS 4A, nobody came", async () => {
    const name = parseAddress("ftp.example.com", 21);
    const { binding } = await listener(serverOf("s4a-bind"), "socks4a://PROXY", { peer: name });
    const { address, connection } = await binding;
    expect(formatAddress(address)).toBe("198.51.100.7:40002");
    expect((await failureOf(connection)).reply).toBe(0x5b);
  });
});

test("what the peer said at once is read first, also behind the second reply", async () => {
  const { binding } = await listener([
    GREETING,
    { receive: REQUEST, send: octets("05 00 00 01 c6 33 64 07 9c 40 05 00 00 01 c0 00 02 0a 00 14 68 69") },
  ]);
  const { socket } = await (await binding).connection;
  expect(await readOctets(socket, 2)).toEqual(octets("68 69"));
  expect(socket.listenerCount("error")).toBe(0);
  socket.destroy();
});

test("replies may come octet by octet; the steps are told", async () => {
  const replies = "05 00 00 01 00 00 00 00 9c 40 05 00 00 01 c0 00 02 0a 00 14".split(" ").map(octets);
  const steps: ProgressEvent[] = [];
  const { binding } = await listener(
    [GREETING, { receive: REQUEST }, ...replies.map((send) => ({ send }))],
    "socks5h://PROXY",
    { onProgress: (event) => steps.push(event) },
  );
  const { address, connection } = await binding;
  expect(formatAddress(address)).toBe("127.0.0.1:40000");
  (await connection).socket.destroy();
  expect(steps.map(({ step }) => step).slice(-2)).toEqual(["listening", "established"]);
});

test("who is expected may be anybody, and a name is resolved by the scheme", async () => {
  const any = await listener(
    [GREETING, { receive: octets("05 02 00 01 00 00 00 00 00 00"), send: octets("05 02 00 01 00 00 00 00 00 00") }],
    "socks5h://PROXY",
    { peer: parseAddress("0.0.0.0", 0) },
  );
  const refused = await failureOf(any.binding);
  expect(refused).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x02 });
  expect(refused.message).toContain("does not listen for 0.0.0.0: connection not allowed");

  const resolver = fixedResolver({ "ftp.example": ["192.0.2.10"] });
  const here = await listener([GREETING, LISTENING], "socks5://PROXY", {
    peer: parseAddress("ftp.example", 21),
    resolver,
  });
  (await here.binding).close();
  expect(resolver.questions).toEqual(["ftp.example 0"]);
});

describe("what fails before the proxy listens", () => {
  test("several proxies", async () => {
    const error = await failureOf((await listener([], "socks5h://PROXY socks5h://127.0.0.1:1")).binding);
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
    expect(error.message).toBe("BIND goes through one proxy only, the chain has 2; name the one that is to do it");
  });

  test("an IPv6 peer by SOCKS 4", async () => {
    const error = await failureOf(
      (await listener([], "socks4://PROXY", { peer: parseAddress("2001:db8::1", 1) })).binding,
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_NOT_REPRESENTABLE", side: "local" });
  });

  test.each([
    ["no port", "05 00 00 01 c6 33 64 07 00 00"],
    ["no address", "05 00 00 03 01 20 9c 40"],
    ["an unspecified one without a port", "05 00 00 01 00 00 00 00 00 00"],
  ])("the proxy tells %s", async (_, reply) => {
    const before = heldResources();
    const { server, binding } = await listener([GREETING, { receive: REQUEST, send: octets(reply) }]);
    expect(await failureOf(binding)).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS", stage: "request", side: "remote" });
    await server.close();
    await expectReleased(before);
  });

  test("the proxy closes, or says nothing", async () => {
    const closing = await listener([GREETING, { receive: REQUEST }], "socks5h://PROXY", {}, "end");
    const error = await failureOf(closing.binding);
    expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request" });
    expect(error.message).toContain("instead of answering the request to listen for 192.0.2.10:21");
    const silent = await listener([GREETING, { receive: REQUEST }], "socks5h://PROXY", { timeoutMs: 50 });
    expect(await failureOf(silent.binding)).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
  });

  test("a deadline for the peer that is none", async () => {
    const error = await failureOf((await listener([], "socks5h://PROXY", { acceptTimeoutMs: 0 })).binding);
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
    expect(error.message).toContain("acceptTimeoutMs");
  });
});

describe("while the peer is awaited", () => {
  async function waiting(options: Partial<BindThroughOptions> = {}, end: "keep" | "end" | "reset" = "keep") {
    const before = heldResources();
    const { server, binding } = await listener([GREETING, LISTENING], "socks5h://PROXY", options, end);
    return { before, server, binding: await binding };
  }

  test("its time runs out, on a clock of its own", async () => {
    const { before, server, binding } = await waiting({ acceptTimeoutMs: 60, stageTimeoutsMs: { request: 5000 } });
    const error = await failureOf(binding.connection);
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request", side: "remote" });
    expect(error.message).toContain("timed out after 60 ms (acceptTimeoutMs) waiting for 192.0.2.10:21 to connect to");
    await server.close();
    await expectReleased(before);
  });

  test("the deadline of the way and that of its stage are over", async () => {
    const { server, binding } = await waiting({ timeoutMs: 400, stageTimeoutsMs: { request: 300 } });
    const first = await Promise.race([
      binding.connection.then(
        () => "settled",
        () => "settled",
      ),
      new Promise((resolve) => setTimeout(resolve, 700, "still waiting")),
    ]);
    expect(first).toBe("still waiting");
    const [socket] = server.sockets;
    socket?.write(octets("05 00 00 01 c0 00 02 0a 00 14"));
    (await binding.connection).socket.destroy();
  });

  test("the caller gives up, by a signal or by closing", async () => {
    const controller = new AbortController();
    const { before, server, binding } = await waiting({ signal: controller.signal });
    controller.abort(new TypeError("enough"));
    expect(await failureOf(binding.connection)).toMatchObject({
      code: "ERR_SOCKS_ABORTED",
      side: "local",
      cause: { message: "enough" },
    });
    await server.close();
    await expectReleased(before);

    const other = await waiting();
    other.binding.close();
    other.binding.close();
    const error = await failureOf(other.binding.connection);
    expect(error.code).toBe("ERR_SOCKS_ABORTED");
    expect(error.message).toMatch(/^closed by the caller while waiting for 192\.0\.2\.10:21 to connect/);
    await other.server.close();
    await expectReleased(other.before);
  });

  test.each([["end"], ["reset"]] as const)("the proxy leaves (%s)", async (end) => {
    const { before, server, binding } = await waiting({}, end);
    const error = await failureOf(binding.connection);
    expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request" });
    expect(error.message).toContain("while 192.0.2.10:21 was expected to connect");
    await server.close();
    await expectReleased(before);
  });

  test("what the proxy sends is no reply", async () => {
    const { server, binding } = await waiting();
    const [socket] = server.sockets;
    socket?.write(Buffer.alloc(100, 0xff));
    expect(await failureOf(binding.connection)).toMatchObject({ side: "remote", stage: "request" });
  });

  test("closing afterwards leaves the connection alone", async () => {
    const { server, binding } = await waiting();
    const [socket] = server.sockets;
    socket?.write(octets("05 00 00 01 c0 00 02 0a 00 14"));
    const tunnel = await binding.connection;
    binding.close();
    expect(tunnel.socket.destroyed).toBe(false);
    tunnel.socket.destroy();
  });
});

test("no error holds the password", async () => {
  const { binding } = await listener(
    [
      { receive: octets("05 02 00 02"), send: octets("05 02") },
      { receive: octets("01 05 61 6c 69 63 65 09 6b 65 65 70 6d 65 6f 75 74"), send: octets("01 00") },
      { receive: REQUEST, send: octets("05 00 00 01 c6 33 64 07 9c 40 05 02 00 01 00 00 00 00 00 00") },
    ],
    "socks5h://alice:keepmeout@PROXY",
  );
  const { connection } = await binding;
  checkNoSecrets(await failureOf(connection), ["keepmeout"]);
});
