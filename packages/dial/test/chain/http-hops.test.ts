import { once } from "node:events";

import {
  checkNoSecrets,
  listenEcho,
  listenScript,
  listenTcp,
  type LoopbackServer,
  octets,
  readOctets,
  readToEnd,
} from "@sockskit/testing";
import { parseProxyChain } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import {
  associateThrough,
  bindThrough,
  dialThrough,
  type DialThroughOptions,
  type OctetsEvent,
  type ProgressEvent,
  type SocksError,
} from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyHttpProxy } from "../support/tiny-http-proxy.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const destination = parseHostPort("example.com:80");
const request = new Uint8Array(Buffer.from("CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n"));

/** Dials through a proxy that answers with `answer`, and checks that nothing of ours is left. */
async function failure(
  answer: string,
  {
    url = "http://PROXY",
    end = "keep",
    ...options
  }: Partial<DialThroughOptions> & { url?: string; end?: "keep" | "end" | "reset" } = {},
): Promise<SocksError> {
  const steps = [{ receive: request, send: Buffer.from(answer, "latin1") }];
  const server = keep(await listenScript(url.includes("@") ? [{ send: steps[0]?.send ?? octets("") }] : steps, end));
  const chain = parseProxyChain(url.replace("PROXY", `127.0.0.1:${server.port}`));
  const before = heldResources();
  const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 5000, ...options }));
  for (const socket of server.sockets) socket.destroy();
  await expectReleased(before);
  expect(server.problems).toEqual([]);
  return error;
}

describe("a tunnel through an HTTP proxy", () => {
  test("leads to a name, which the proxy resolves, with a password", async () => {
    const echo = keep(await listenEcho());
    const names = { "echo.example": { host: "127.0.0.1", port: echo.port } };
    const proxy = keep(
      await startTinyHttpProxy({ names, credentials: { username: "al ice", password: "p:s@\u00e9" } }),
    );
    const chain = parseProxyChain(`http://al%20ice:p%3As%40%C3%A9@127.0.0.1:${proxy.port}`);
    const { socket, boundAddress, hops } = await dialThrough({ chain, destination: parseHostPort("echo.example:80") });
    expect(boundAddress).toBeUndefined();
    expect(hops).toEqual(chain);
    expect(proxy.requests).toEqual(["CONNECT echo.example:80 HTTP/1.1"]);
    socket.end("hello");
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("hello");
  });

  test("leads to an IPv6 address, in brackets", async () => {
    const echo = keep(await listenEcho({ host: "::1" }));
    const proxy = keep(await startTinyHttpProxy({ interim: "HTTP/1.1 102 Processing\r\n\r\n" }));
    const { socket } = await dialThrough({
      chain: parseProxyChain(`http://127.0.0.1:${proxy.port}`),
      destination: parseHostPort(`[::1]:${echo.port}`),
    });
    expect(proxy.requests).toEqual([`CONNECT [::1]:${echo.port} HTTP/1.1`]);
    socket.destroy();
  });

  test("keeps what came behind the head", async () => {
    const steps = [
      { receive: request, send: Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n220 ready\r\n") },
    ];
    const server = keep(await listenScript(steps, "keep"));
    const { socket } = await dialThrough({ chain: parseProxyChain(`http://127.0.0.1:${server.port}`), destination });
    await new Promise(setImmediate);
    expect(String((await once(socket, "data"))[0])).toBe("220 ready\r\n");
    socket.destroy();
  });

  test.each([["http socks4 http socks5"], ["socks4 http http"], ["socks5 socks4 http"], ["http socks5"]])(
    "in a chain: %s",
    async (schemes) => {
      const greeter = keep(await listenTcp((socket) => socket.end("220 ready")));
      const proxies = await Promise.all(
        schemes.split(" ").map(async (scheme) => {
          const { port } = keep(await (scheme === "http" ? startTinyHttpProxy() : startTinyProxy()));
          return `${scheme}://127.0.0.1:${port}`;
        }),
      );
      const chain = parseProxyChain(proxies.join(" "));
      const { socket } = await dialThrough({ chain, destination: parseHostPort(`127.0.0.1:${greeter.port}`) });
      expect(Buffer.from(await readToEnd(socket)).toString()).toBe("220 ready");
      socket.destroy();
    },
  );

  test("takes what one hop sends behind its reply for the answer of the next", async () => {
    // A SOCKS 4 proxy that grants, and the answer of the HTTP proxy behind it, in one segment.
    const both = Buffer.concat([octets("00 5a 00 00 00 00 00 00"), Buffer.from("HTTP/1.1 200 OK\r\n\r\nhi")]);
    const server = keep(await listenScript([{ receive: octets("04 01 00 50 0a 00 00 02 00"), send: both }], "keep"));
    const chain = parseProxyChain(`socks4://127.0.0.1:${server.port} http://10.0.0.2`);
    const { socket } = await dialThrough({ chain, destination });
    expect(Buffer.from(await readOctets(socket, 2)).toString()).toBe("hi");
    socket.destroy();
  });
});

describe("what the proxy answers, told apart", () => {
  test.each([
    [403, "Filtered", "does not allow example.com:80: HTTP status 403 (Filtered)"],
    [400, "Bad Request", "did not connect to example.com:80: HTTP status 400"],
    [301, "Moved", "did not connect to example.com:80: HTTP status 301"],
    [429, "Slow down", "did not connect to example.com:80"],
    [405, "Not Allowed", "makes no tunnel to example.com:80, it may be a web server and no proxy: HTTP status 405"],
    [500, "Unable to connect", "could not reach example.com:80: HTTP status 500 (Unable to connect)"],
    [503, "", "could not reach example.com:80: HTTP status 503"],
    [504, "Gateway Timeout", "got no answer from example.com:80 in time: HTTP status 504"],
  ])("%d", async (httpStatus, reason, text) => {
    const error = await failure(`HTTP/1.1 ${httpStatus} ${reason}\r\nContent-Length: 3\r\n\r\nno\n`);
    expect(error).toMatchObject({
      code: "ERR_SOCKS_REQUEST_REFUSED",
      stage: "request",
      side: "remote",
      httpStatus,
      reply: undefined,
      hop: { index: 0 },
    });
    expect(error.message).toMatch(/^proxy http:\/\/127\.0\.0\.1:\d+ /);
    expect(error.message).toContain(text);
  });

  test("credentials are asked for, of another kind, or refused", async () => {
    const basic = 'HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n';
    const digest = "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest realm=x\r\nProxy-Authenticate: NTLM\r\n\r\n";
    const url = "http://alice:canary-PW-3@PROXY";
    const asked = await failure(basic);
    expect(asked).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", stage: "negotiate", httpStatus: 407 });
    expect(asked.message).toContain("offers Basic; none were given");
    const other = await failure(digest, { url });
    expect(other).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD", stage: "negotiate" });
    expect(other.message).toContain("offers Digest, NTLM; only Basic is known");
    const rejected = await failure(basic, { url });
    expect(rejected).toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED", stage: "authenticate", httpStatus: 407 });
    expect(rejected.message).toMatch(/^proxy http:\/\/alice:\*\*\*@.* rejected the user name or password/);
    const base64 = Buffer.from("alice:canary-PW-3").toString("base64");
    for (const error of [asked, other, rejected]) checkNoSecrets(error, ["canary-PW-3", base64]);
  });

  test.each([
    ["\x05\xff", "ERR_SOCKS_NOT_HTTP", "negotiate", "that looks like a SOCKS 5 server"],
    ["SSH-2.0-x\r\n", "ERR_SOCKS_NOT_HTTP", "negotiate", "an SSH server"],
    ["\x15\x03\x03\x00\x02\x02\x46", "ERR_SOCKS_NOT_HTTP", "negotiate", "a TLS server"],
    ["HTTP/1.1 200 OK\n\n", "ERR_SOCKS_BAD_FIELD", "request", "LF alone"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(17_000)}`, "ERR_SOCKS_OVERFLOW", "request", "16384"],
    ["HTTP/1.1 100 Wait\r\n\r\n".repeat(9), "ERR_SOCKS_OVERFLOW", "request", "8 interim answers"],
  ])("garbage: %#", async (answer, code, stage, text) => {
    const error = await failure(answer);
    expect(error).toMatchObject({ code, stage, side: "remote" });
    expect(error.message).toContain(text);
  });

  test.each(["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nVia: x\r\n", "HTTP/1.1 100 Continue\r\n\r\n"])(
    "an end, a reset or silence after %j",
    async (answer) => {
      for (const end of ["end", "reset"] as const) {
        const error = await failure(answer, { end });
        expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request" });
        expect(error.message).toContain("instead of answering the request for example.com:80; it may be no HTTP proxy");
      }
      const late = await failure(answer, { stageTimeoutsMs: { request: 200 } });
      expect(late).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
    },
  );

  test("a head that drips does not outlive the deadline", async () => {
    const server = keep(
      await listenTcp((socket) => {
        socket.resume();
        socket.write("HTTP/1.1 200 OK\r\nX: ");
        const timer = setInterval(() => socket.write("x"), 20);
        socket.on("close", () => clearInterval(timer));
      }),
    );
    const before = heldResources();
    const chain = parseProxyChain(`http://127.0.0.1:${server.port}`);
    const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 300 }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "request" });
    for (const socket of server.sockets) socket.destroy();
    await expectReleased(before);
  });

  test("the hop that refused is named, also behind others", async () => {
    const first = keep(await startTinyProxy());
    const second = keep(await startTinyHttpProxy());
    const chain = parseProxyChain(`socks5h://127.0.0.1:${first.port} http://127.0.0.1:${second.port}`);
    const error = await failureOf(dialThrough({ chain, destination: parseHostPort("unknown.example:80") }));
    expect(error).toMatchObject({ hop: { index: 1 }, httpStatus: 502 });
    expect(error.message).toContain("proxy 2 of 2 (http://127.0.0.1:");
  });
});

test("BIND and UDP are refused before anything is dialled", async () => {
  const proxy = keep(await startTinyHttpProxy());
  const chain = parseProxyChain(`http://127.0.0.1:${proxy.port}`);
  for (const attempt of [
    bindThrough({ chain, peer: parseHostPort("192.0.2.1:0", 0) }),
    associateThrough({ chain, onMessage: () => undefined }),
  ]) {
    expect(await failureOf(attempt)).toMatchObject({ code: "ERR_SOCKS_NOT_REPRESENTABLE", side: "local" });
  }
  expect(proxy.requests).toEqual([]);
});

test("who watches sees the status and the request, without the password", async () => {
  const target = keep(await listenEcho());
  const proxy = keep(await startTinyHttpProxy({ credentials: { username: "alice", password: "canary-PW-9" } }));
  const steps: ProgressEvent[] = [];
  const sent: OctetsEvent[] = [];
  const { socket } = await dialThrough({
    chain: parseProxyChain(`http://alice:canary-PW-9@127.0.0.1:${proxy.port}`),
    destination: parseHostPort(`127.0.0.1:${target.port}`),
    onProgress: (event) => steps.push(event),
    onOctets: (event) => sent.push(event),
  });
  socket.destroy();
  expect(steps).toMatchObject([
    { step: "dialling" },
    { step: "connected" },
    { step: "http-answer", status: 200, reason: "OK" },
    { step: "established", reply: 200, boundAddress: undefined },
  ]);
  const [first] = sent;
  const shown = Buffer.from(first?.octets.subarray(0, first.maskedFrom) ?? "").toString();
  expect(shown).toMatch(/^CONNECT 127\.0\.0\.1:.*\r\nProxy-Authorization: Basic $/s);
  checkNoSecrets({ steps, sent }, ["canary-PW-9", Buffer.from("alice:canary-PW-9").toString("base64")]);
});
