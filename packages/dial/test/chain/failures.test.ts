import type { Socket } from "node:net";

import { listenScript, listenTcp, type LoopbackServer, octets, readOctets, type ScriptStep } from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test, vi } from "vitest";

import { dialThrough, type DialThroughOptions, type SocksError } from "../../src/index.ts";
import { startDeafListener } from "../support/deaf-listener.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends { close: () => Promise<void> }>(server: T): T {
  open.push(server);
  return server;
}

const destination = parseHostPort("example.com:80");
const greeting: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const request5 = octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50");
const request4 = octets("04 01 00 50 00 00 00 01 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00");

/** Dials through a peer that fails on purpose, and checks that nothing of ours is left. */
async function failure(
  url: string,
  { port, sockets }: LoopbackServer,
  options: Partial<DialThroughOptions> = {},
): Promise<SocksError> {
  const chain = [parseProxyUrl(url.replace("PROXY", `127.0.0.1:${port}`))];
  const before = heldResources();
  const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 5000, ...options }));
  // The peer lives in this process too, and its half of the connection is its own.
  for (const socket of sockets) socket.destroy();
  await expectReleased(before);
  return error;
}

async function scripted(
  steps: readonly ScriptStep[],
  end?: "keep" | "end" | "reset",
): Promise<Awaited<ReturnType<typeof listenScript>>> {
  return keep(await listenScript(steps, end));
}

describe("the proxy is down", () => {
  test("nothing listens there", async () => {
    const server = await listenTcp(() => undefined);
    await server.close();
    const error = await failure("socks5h://PROXY", server);
    expect(error).toMatchObject({
      code: "ERR_SOCKS_PROXY_UNREACHABLE",
      stage: "dial-proxy",
      side: "remote",
      hop: { index: 0, proxy: `socks5h://127.0.0.1:${server.port}` },
      cause: { code: "ECONNREFUSED" },
    });
    expect(error.message).toMatch(/^cannot reach proxy socks5h:\/\/127\.0\.0\.1:\d+: .*connection refused/);
  });

  test("its name is unknown", async () => {
    const error = await failureOf(
      dialThrough({ chain: [parseProxyUrl("socks5h://proxy.example")], destination, resolver: fixedResolver({}) }),
    );
    expect(error).toMatchObject({
      code: "ERR_SOCKS_RESOLVE_FAILED",
      stage: "resolve",
      hop: { index: 0, proxy: "socks5h://proxy.example:1080" },
    });
    expect(error.message).toMatch(/^proxy socks5h:\/\/proxy\.example:1080 cannot be found: /);
  });

  test("it does not answer the connection", async () => {
    const silent = keep(await startDeafListener("127.0.0.3"));
    const chain = [parseProxyUrl(`socks5h://127.0.0.3:${silent.port}`)];
    const before = heldResources();
    const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 100 }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "dial-proxy", hop: { index: 0 } });
    expect(error.message).toContain("to accept the connection");
    await expectReleased(before);
  });
});

describe("the proxy refuses this client", () => {
  test("none of the methods", async () => {
    const server = await scripted([{ receive: octets("05 01 00"), send: octets("05 ff") }]);
    const error = await failure("socks5h://PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", stage: "negotiate", side: "remote" });
  });

  test("a method that was not offered", async () => {
    const server = await scripted([{ receive: octets("05 01 00"), send: octets("05 02") }]);
    const error = await failure("socks5h://PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_METHOD_NOT_OFFERED", stage: "negotiate" });
  });

  test("the password", async () => {
    const server = await scripted([
      { receive: octets("05 02 00 02"), send: octets("05 02") },
      { receive: octets("01 01 75 01 70"), send: octets("01 01") },
    ]);
    const error = await failure("socks5h://u:p@PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED", stage: "authenticate" });
    expect(error.message).toContain("rejected the user name or password");
  });

  test("the ruleset", async () => {
    const server = await scripted([greeting, { receive: request5, send: octets("05 02 00 01 00 00 00 00 00 00") }]);
    const error = await failure("socks5h://PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: 0x02 });
    expect(error.message).toMatch(/does not allow example\.com:80: .*ruleset.* \(REP 0x02\)$/);
  });

  test.each([
    [0x5b, "SOCKS 4 does not say which (CD 0x5b); where the proxy wants a password, only SOCKS 5 can give one"],
    [0x5c, "could not reach an ident server"],
    [0x5d, "names another user"],
    [0x77, "unassigned code (CD 0x77)"],
  ])("SOCKS 4 with %i", async (cd, text) => {
    const server = await scripted([{ receive: request4, send: Uint8Array.of(0, cd, 0, 0, 0, 0, 0, 0) }]);
    const error = await failure("socks4a://PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: cd });
    expect(error.message).toContain(text);
    expect(error.message).toContain("example.com:80");
  });
});

describe("the destination refuses", () => {
  test.each([
    [0x01, "did not connect to example.com:80: general SOCKS server failure (REP 0x01)"],
    [0x03, "could not reach example.com:80: network unreachable (REP 0x03)"],
    [0x04, "could not reach example.com:80: host unreachable (REP 0x04)"],
    [0x05, "could not reach example.com:80: connection refused (REP 0x05)"],
    [0x06, "could not reach example.com:80: TTL expired (REP 0x06)"],
    [0x07, "did not connect to example.com:80: command not supported (REP 0x07)"],
    [0x08, "did not connect to example.com:80: address type not supported (REP 0x08)"],
    [0x5a, "did not connect to example.com:80: unassigned code (REP 0x5a)"],
  ])("REP %i", async (rep, text) => {
    const server = await scripted([
      greeting,
      { receive: request5, send: Uint8Array.of(5, rep, 0, 1, 0, 0, 0, 0, 0, 0) },
    ]);
    const error = await failure("socks5h://PROXY", server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: rep });
    expect(error.message).toBe(`proxy socks5h://127.0.0.1:${server.port} ${text}`);
  });

  test("directly, without a proxy", async () => {
    const server = await listenTcp(() => undefined);
    await server.close();
    const chain = [parseProxyUrl("socks5h://192.0.2.1/127.0.0.0/8")];
    const error = await failureOf(dialThrough({ chain, destination: parseHostPort(`127.0.0.1:${server.port}`) }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TARGET_UNREACHABLE", stage: "request", hop: undefined });
  });
});

describe("the proxy is none", () => {
  test.each([
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["an SSH server", "SSH-2.0-OpenSSH_9.2p1\r\n"],
    ["a TLS server", "\x15\x03\x01\x00\x02\x02\x46"],
  ])("%s", async (name, answer) => {
    for (const url of ["socks5h://PROXY", "socks4a://PROXY"]) {
      const server = keep(await listenTcp((socket) => void socket.once("data", () => socket.end(answer))));
      const error = await failure(url, server);
      expect(error.code).toBe("ERR_SOCKS_NOT_SOCKS");
      expect(error.message).toContain(name);
    }
  });

  test("a server that talks first", async () => {
    const server = keep(await listenTcp((socket) => void socket.write("SSH-2.0-OpenSSH_9.2p1\r\n")));
    expect((await failure("socks5h://PROXY", server)).code).toBe("ERR_SOCKS_NOT_SOCKS");
  });

  test("garbage at every place", async () => {
    const places: [string, ScriptStep[]][] = [
      ["negotiate", [{ receive: octets("05 01 00"), send: octets("de ad be ef") }]],
      ["request", [greeting, { receive: request5, send: octets("de ad be ef") }]],
      ["request", [greeting, { receive: request5, send: octets("05 00 00 02 00 00 00 00 00 00") }]],
    ];
    for (const [stage, steps] of places) {
      const server = await scripted(steps, "keep");
      const error = await failure("socks5h://PROXY", server);
      expect(error).toMatchObject({ stage, side: "remote" });
      expect(error.code).toMatch(/^ERR_SOCKS_(NOT_SOCKS|BAD_VERSION|BAD_ATYP)$/);
    }
  });
});

const places: [stage: string, url: string, steps: ScriptStep[]][] = [
  ["negotiate", "socks5h://PROXY", [{ receive: octets("05 01 00") }]],
  [
    "authenticate",
    "socks5h://u:p@PROXY",
    [{ receive: octets("05 02 00 02"), send: octets("05 02") }, { receive: octets("01 01 75 01 70") }],
  ],
  ["request", "socks5h://PROXY", [greeting, { receive: request5 }]],
  ["request", "socks4a://PROXY", [{ receive: request4 }]],
  ["request", "socks5h://PROXY", [greeting, { receive: request5, send: octets("05 00 00 01 00") }]],
];

describe.each(places)("in the middle of %s of %s", (stage, url, steps) => {
  test("the proxy closes", async () => {
    const server = await scripted(steps, "end");
    const error = await failure(url, server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage, side: "remote", hop: { index: 0 } });
    expect(error.cause).toBeUndefined();
    expect(error.message).toContain("closed the connection");
  });

  test("the proxy resets", async () => {
    const server = await scripted(steps, "reset");
    const error = await failure(url, server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage });
    // Node sends a FIN before the RST, and either may be seen first.
    if (error.cause !== undefined) expect(error.cause).toMatchObject({ code: "ECONNRESET" });
  });

  test("the proxy says nothing more: the deadline of the whole", async () => {
    const server = await scripted(steps, "keep");
    const error = await failure(url, server, { timeoutMs: 400 });
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage, hop: { index: 0 } });
    expect(error.message).toContain("timed out after 400 ms (timeoutMs");
  });

  test("the proxy says nothing more: the deadline of the stage", async () => {
    const server = await scripted(steps, "keep");
    const error = await failure(url, server, { stageTimeoutsMs: { [stage]: 300 } });
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage });
    expect(error.message).toContain(`timed out after 300 ms (stageTimeoutsMs["${stage}"])`);
  });

  test("the caller gives up", async () => {
    const server = await scripted(steps, "keep");
    const controller = new AbortController();
    const reason = new Error("enough");
    const heard = vi.waitUntil(() => server.received.length === steps.length, { timeout: 4000, interval: 5 });
    void heard.then(() => setTimeout(() => controller.abort(reason), 20));
    const error = await failure(url, server, { signal: controller.signal });
    await heard;
    expect(error).toMatchObject({ code: "ERR_SOCKS_ABORTED", stage, side: "local", cause: reason });
  });
});

describe("deadlines", () => {
  test("one octet at a time does not extend them", async () => {
    const server = keep(
      await listenTcp((socket) => {
        const dribble = (at: number): void => {
          if (socket.destroyed) return;
          // A reply with the longest name, which would take five seconds.
          socket.write(Uint8Array.of([0x05, 0x00, 0x05, 0x00, 0x00, 0x03, 0xff][at] ?? 0x61));
          setTimeout(() => dribble(at + 1), 20);
        };
        dribble(0);
      }),
    );
    const error = await failure("socks5h://PROXY", server, { timeoutMs: 300 });
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
  });

  test("a stage that was in time gives its clock to the next", async () => {
    const server = keep(
      await listenTcp((socket) => {
        void (async () => {
          await readOctets(socket, 3);
          await new Promise((resolve) => setTimeout(resolve, 50));
          socket.write(octets("05 00"));
          await readOctets(socket, request5.length);
          await new Promise((resolve) => setTimeout(resolve, 650));
          socket.write(octets("05 00 00 01 00 00 00 00 00 00"));
        })().catch(() => undefined);
      }),
    );
    const chain = [parseProxyUrl(`socks5h://127.0.0.1:${server.port}`)];
    // The limit of `negotiate` would end the request if it were not taken back.
    const { socket } = await dialThrough({ chain, destination, stageTimeoutsMs: { negotiate: 600 } });
    socket.destroy();
  });
});

describe("chains", () => {
  const name = "socks5h://127.0.0.1:1081";

  test("the second proxy cannot be reached from the first", async () => {
    const first = keep(await startTinyProxy());
    const dead = await listenTcp(() => undefined);
    await dead.close();
    const chain = parseProxyChain(`socks5h://127.0.0.1:${first.port} socks5h://127.0.0.1:${dead.port}`);
    const error = await failureOf(dialThrough({ chain, destination }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: 5, hop: { index: 0 } });
    expect(error.message).toMatch(
      /^proxy 1 of 2 \(socks5h:\/\/127.*\) could not reach 127\.0\.0\.1:\d+: connection refused/,
    );
  });

  test("the second refuses", async () => {
    const first = keep(await startTinyProxy());
    const second = keep(await startTinyProxy({ credentials: { username: "u", password: "right" } }));
    const chain = parseProxyChain(`socks4://127.0.0.1:${first.port} socks5h://u:wrong@127.0.0.1:${second.port}`);
    const before = heldResources();
    const error = await failureOf(dialThrough({ chain, destination }));
    expect(error).toMatchObject({
      code: "ERR_SOCKS_AUTH_REJECTED",
      stage: "authenticate",
      hop: { index: 1, proxy: `socks5h://u:***@127.0.0.1:${second.port}` },
    });
    expect(error.message).toContain("proxy 2 of 2");
    await expectReleased(before);
  });

  test("what cannot be said is refused before anything is dialled", async () => {
    const first = keep(await startTinyProxy());
    const url = `socks5h://127.0.0.1:${first.port}`;
    for (const [chain, target, code] of [
      [`${url} socks4a://10.0.0.1`, "[2001:db8::1]:80", "ERR_SOCKS_NOT_REPRESENTABLE"],
      [`socks4://127.0.0.1:${first.port} socks5h://[2001:db8::1]`, "192.0.2.1:80", "ERR_SOCKS_NOT_REPRESENTABLE"],
      [url, "[fe80::1%lo]:80", "ERR_SOCKS_NOT_REPRESENTABLE"],
      [`socks4a://127.0.0.1:${first.port}`, "0.0.0.7:80", "ERR_SOCKS_NOT_REPRESENTABLE"],
      [`${url} socks4+tls://10.0.0.1`, "[2001:db8::1]:80", "ERR_SOCKS_NOT_REPRESENTABLE"],
      [`${url} http://u%01:p@10.0.0.1`, "192.0.2.1:80", "ERR_SOCKS_AUTH_CREDENTIALS"],
      [url, "192.0.2.1:0", "ERR_SOCKS_BAD_PORT"],
    ] as const) {
      const error = await failureOf(dialThrough({ chain: parseProxyChain(chain), destination: parseHostPort(target) }));
      expect(error, `${chain} ${target}`).toMatchObject({ code, side: "local", stage: undefined });
    }
    expect(first.sockets.size).toBe(0);
    expect(first.requests).toEqual([]);
  });

  test("no proxy, too many, and directly connected networks in a chain", async () => {
    const proxy = parseProxyUrl(name);
    for (const chain of [[], Array.from({ length: 17 }, () => proxy), [proxy, parseProxyUrl("socks://h/10.0.0.0/8")]]) {
      const error = await failureOf(dialThrough({ chain, destination }));
      expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
    }
  });

  test("a password that did not travel with a copy of its URL", async () => {
    const copy = { ...parseProxyUrl("socks5h://u:p@127.0.0.1:1") };
    const error = await failureOf(dialThrough({ chain: [copy], destination }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_CREDENTIALS_LOST", side: "local" });
  });
});

test("harmless deviations are let pass, and refused when strict", async () => {
  const oddReserved = [greeting, { receive: request5, send: octets("05 00 07 01 00 00 00 00 00 00") }];
  const chain = async () => [parseProxyUrl(`socks5h://127.0.0.1:${(await scripted(oddReserved, "keep")).port}`)];
  const { socket } = await dialThrough({ chain: await chain(), destination });
  socket.destroy();
  const error = await failureOf(dialThrough({ chain: await chain(), destination, strict: true }));
  expect(error).toMatchObject({ stage: "request", side: "remote" });
});

test("hundreds of failures at every stage leave nothing behind", async () => {
  const endings = ["end", "reset", "keep"] as const;
  const servers = await Promise.all(
    places.flatMap(([, url, steps]) =>
      endings.map(async (end) => ({ url, server: await scripted(steps, end), quiet: end === "keep" })),
    ),
  );
  const before = heldResources();
  const attempts = Array.from({ length: 20 }, () => servers).flat();
  const sockets: Socket[] = [];
  let failed = 0;
  for (let at = 0; at < attempts.length; at += 30) {
    const batch = attempts.slice(at, at + 30).map(async ({ url, server, quiet }, index) => {
      const chain = [parseProxyUrl(url.replace("PROXY", `127.0.0.1:${server.port}`))];
      const byTimeout = index % 2 === 0;
      const controller = new AbortController();
      if (quiet && !byTimeout) setTimeout(() => controller.abort(), 1 + (index % 7));
      const options = quiet && byTimeout ? { timeoutMs: 1 + (index % 7) } : { signal: controller.signal };
      await dialThrough({ chain, destination, ...options }).then(
        ({ socket }) => sockets.push(socket),
        () => (failed += 1),
      );
    });
    await Promise.all(batch);
  }
  expect(failed).toBe(attempts.length);
  for (const { server } of servers) for (const socket of server.sockets) socket.destroy();
  expect(sockets).toEqual([]);
  await expectReleased(before);
});
