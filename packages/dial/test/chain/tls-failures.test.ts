import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";

import {
  authorityCertificate,
  certificatePair,
  checkNoSecrets,
  listenEcho,
  listenTcp,
  type LoopbackServer,
} from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { dialThrough, type DialThroughOptions, type ProxyTlsOptions, type SocksError } from "../../src/index.ts";
import { failureOf } from "../support/failure.ts";
import { expectReleased, heldResources } from "../support/resources.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";
import { startTlsFront } from "../support/tls-front.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const ca = authorityCertificate();
const trusting: ProxyTlsOptions = { ca };
const destination = parseHostPort("example.com:80");

describe("no TLS, and why", () => {
  async function failure(
    server: LoopbackServer,
    options: Partial<DialThroughOptions> & { url?: string } = {},
  ): Promise<SocksError> {
    const { url = "socks5h+tls://alice:canary-pw-1@HOST", ...rest } = options;
    const chain = parseProxyChain(url.replace("HOST", `127.0.0.1:${server.port}`));
    const before = heldResources();
    const error = await failureOf(dialThrough({ chain, destination, timeoutMs: 5000, tls: trusting, ...rest }));
    for (const one of open) for (const socket of one.sockets) socket.destroy();
    await expectReleased(before);
    checkNoSecrets(error, ["canary-pw-1"]);
    return error;
  }

  test.each<
    [
      what: string,
      code: string,
      text: RegExp,
      front: Parameters<typeof startTlsFront>[1],
      url?: string | undefined,
      tls?: ProxyTlsOptions,
    ]
  >([
    ["expired", "ERR_SOCKS_TLS_EXPIRED", /has expired: it is valid from .* to Nov 23/, { certificate: "late-server" }],
    [
      "another name",
      "ERR_SOCKS_TLS_WRONG_NAME",
      /not for 127\.0\.0\.1 but for DNS:other\.example, DNS:\*\.wild\.example/,
      { certificate: "other-server" },
    ],
    [
      "another name asked for",
      "ERR_SOCKS_TLS_WRONG_NAME",
      /not for b\.example but/,
      {},
      undefined,
      { ca, servername: "b.example" },
    ],
    [
      "an unknown issuer",
      "ERR_SOCKS_TLS_UNTRUSTED",
      /not trusted: .*\(UNABLE_TO_(GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)\); .*tls\.ca \(--proxy-cacert\)/,
      {},
      undefined,
      {},
    ],
    [
      "also where HTTP is spoken inside",
      "ERR_SOCKS_TLS_UNTRUSTED",
      /not trusted/,
      {},
      "https://u:canary-pw-1@HOST",
      {},
    ],
    [
      "a version that is too old",
      "ERR_SOCKS_TLS_FAILED",
      /the handshake failed \(ERR_SSL_/,
      { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" },
    ],
  ])("%s", async (_what, code, text, options, url, tls) => {
    const front = keep(await startTlsFront(keep(await startTinyProxy()), options));
    const error = await failure(front, { ...(url !== undefined && { url }), ...(tls !== undefined && { tls }) });
    expect(error).toMatchObject({ code, stage: "tls", side: "remote", hop: { index: 0 } });
    expect(error.message).toMatch(/^no TLS with proxy /);
    expect(error.message).toMatch(text);
  });

  test("the environment does not turn the checks off", async () => {
    const front = keep(await startTlsFront(keep(await startTinyProxy())));
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      expect(await failure(front, { tls: {} })).toMatchObject({ code: "ERR_SOCKS_TLS_UNTRUSTED" });
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  test.each([
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a SOCKS server that is careless", "\x05\xff\x00\x00\x00\x00\x00\x00"],
  ])("%s", async (_what, answer) => {
    const server = keep(await listenTcp((socket) => socket.write(Buffer.from(answer, "latin1"))));
    const error = await failure(server);
    expect(error).toMatchObject({ code: "ERR_SOCKS_NOT_TLS", stage: "tls" });
    expect(error.message).toContain("does not speak TLS");
  });

  test("an end, a reset, and silence", async () => {
    const ending = keep(await listenTcp((socket) => socket.end()));
    const resetting = keep(await listenTcp((socket) => socket.once("data", () => socket.resetAndDestroy())));
    for (const server of [ending, resetting]) {
      const error = await failure(server);
      expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "tls" });
      expect(error.message).toContain("during the TLS handshake");
    }
    const silent = keep(await listenTcp((socket) => socket.resume()));
    const late = await failure(silent, { stageTimeoutsMs: { tls: 200 } });
    expect(late).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "tls" });
    expect(late.message).toMatch(
      /200 ms \(stageTimeoutsMs\["tls"\]\) waiting for .* to finish the TLS handshake; it may/,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    expect(await failure(silent, { signal: controller.signal })).toMatchObject({
      code: "ERR_SOCKS_ABORTED",
      stage: "tls",
    });
  });

  test("who gives up hangs up, also at a later hop", async () => {
    const silent = keep(await listenTcp((socket) => socket.on("end", () => socket.end()).resume()));
    const first = keep(await startTlsFront(keep(await startTinyProxy())));
    const url = `socks5s://127.0.0.1:${silent.port}`;
    for (const chain of [url, `socks5s://127.0.0.1:${first.port} ${url}`]) {
      const attempt = dialThrough({ chain: parseProxyChain(chain), destination, tls: trusting, timeoutMs: 400 });
      expect(await failureOf(attempt)).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "tls" });
      await expect.poll(() => silent.sockets.size).toBe(0);
    }
  });

  test("at a later hop, which is named", async () => {
    const first = keep(await startTinyProxy());
    const second = keep(await startTlsFront(keep(await startTinyProxy()), { certificate: "other-server" }));
    const chain = parseProxyChain(`socks5://127.0.0.1:${first.port} socks5s://127.0.0.1:${second.port}`);
    const error = await failureOf(dialThrough({ chain, destination, tls: trusting }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TLS_WRONG_NAME", stage: "tls", hop: { index: 1 } });
  });

  test("what fails in TLS fails for every version that auto would try", async () => {
    const front = keep(await startTlsFront(keep(await startTinyProxy()), { certificate: "other-server" }));
    const error = await failure(front, { url: "auto+tls://HOST" });
    expect(error).toMatchObject({ code: "ERR_SOCKS_TLS_WRONG_NAME" });
    expect(front.errors.length).toBeLessThanOrEqual(1);
  });
});

describe("a certificate of this side", () => {
  const demanding = { requestCert: true, rejectUnauthorized: true, ca };

  test.each([
    ["TLSv1.2", undefined, "wants a certificate of this side; give tls.cert"],
    ["TLSv1.3", undefined, "wants a certificate of this side; give tls.cert"],
    ["TLSv1.2", "strange-alice", "it may not speak TLS, or not want this client"],
    ["TLSv1.3", "strange-alice", "it may want another SOCKS version, another certificate of this side"],
    ["TLSv1.2", "alice", undefined],
    ["TLSv1.3", "alice", undefined],
  ] as const)("%s, %s", async (version, name, problem) => {
    const echo = keep(await listenEcho());
    const proxy = keep(await startTinyProxy());
    // Node's own server: it judges certificates, where a bare TLSSocket leaves that to its owner.
    const versions = { minVersion: version, maxVersion: version };
    const server = createServer({ ...certificatePair("server"), ...demanding, ...versions }, (secured) => {
      const inner = connect(proxy.port, "127.0.0.1");
      inner.on("error", () => secured.destroy());
      secured.on("error", () => inner.destroy());
      secured.pipe(inner).pipe(secured);
    });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const attempt = dialThrough({
      chain: [parseProxyUrl(`socks5h+tls://127.0.0.1:${port}`)],
      destination: parseHostPort(`127.0.0.1:${echo.port}`),
      tls: { ca, ...(name !== undefined && certificatePair(name)) },
    });
    if (problem === undefined) {
      (await attempt).socket.destroy();
    } else {
      const error = await failureOf(attempt);
      expect(error).toMatchObject(
        name === undefined
          ? { code: "ERR_SOCKS_TLS_FAILED", stage: "tls" }
          : // Node sends no alert there: it just hangs up.
            { code: "ERR_SOCKS_PROXY_CLOSED", stage: version === "TLSv1.2" ? "tls" : "negotiate" },
      );
      expect(error.message).toContain(problem);
    }
    server.close();
  });
});
