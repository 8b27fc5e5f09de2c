import type { Socket } from "node:net";

import { SocksError } from "@sockskit/dial";
import { checkNoSecrets, type LoopbackServer, listenTcp, octets } from "@sockskit/testing";
import { parseHostPort } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { type ProbeOptions, type ProbeReport, probeProxy } from "../../src/index.ts";

const servers: LoopbackServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A server that answers each message of a client by `answer`; what it gives is sent, `"close"` ends. */
async function listen(
  answer: (message: Buffer, index: number) => string | undefined,
  banner?: string,
): Promise<LoopbackServer> {
  const server = await listenTcp((socket: Socket) => {
    let index = 0;
    socket.on("end", () => socket.end());
    if (banner !== undefined) socket.write(banner);
    socket.on("data", (message: Buffer) => {
      const reply = answer(message, index++);
      if (reply === "close") socket.destroy();
      else if (reply !== undefined) socket.write(octets(reply));
    });
  });
  servers.push(server);
  return server;
}

async function probe(server: LoopbackServer, options: Partial<ProbeOptions> = {}, userinfo = ""): Promise<ProbeReport> {
  return probeProxy({ proxy: `socks5://${userinfo}127.0.0.1:${server.port}`, timeoutMs: 3000, ...options });
}

/** The versions without their reasons. */
const verdicts = ({ versions }: ProbeReport): Record<string, string> =>
  Object.fromEntries(Object.entries(versions).map(([name, { verdict }]) => [name, verdict]));

const hex = (message: Buffer): string => message.toString("hex");

/** Takes users with password or anybody, prefers passwords; grants CONNECT, knows neither BIND nor UDP. */
function capable(message: Buffer, index: number): string {
  if (message[0] === 0x04) return message[1] === 0x01 ? "00 5a 0000 00000000" : "00 5b 0000 00000000";
  if (message[0] === 0x01) return hex(message).endsWith(Buffer.from("opensesame").toString("hex")) ? "01 00" : "01 01";
  if (index === 0) {
    const methods = message.subarray(2);
    return methods.includes(0x02) ? "05 02" : methods.includes(0x00) ? "05 00" : "05 ff";
  }
  return message[1] === 0x01 ? "05 00 00 01 00000000 0000" : "05 07 00 01 00000000 0000";
}

describe("a SOCKS proxy", () => {
  test("that does everything but BIND and UDP", async () => {
    const report = await probe(await listen(capable), {}, "alice:opensesame@");
    expect(report).toMatchObject({
      protocol: "socks",
      versions: {
        socks4: { verdict: "yes" },
        // It answers whatever one read gives.
        socks4a: { verdict: "unknown", reason: "it answers requests before they are whole" },
        socks5: { verdict: "yes" },
      },
      abilities: {
        remoteDns: { verdict: "yes" },
        ipv6: { verdict: "yes" },
        bind: { verdict: "no" },
        udp: { verdict: "no" },
        resolve: { verdict: "no" },
      },
      preferredMethod: 0x02,
      socks4: {
        connect: { outcome: "granted", reply: 0x5a },
        connectName: { outcome: "granted", reply: 0x5a },
        bind: { outcome: "refused", reply: 0x5b },
      },
      socks5: {
        connectIpv4: { outcome: "granted", reply: 0x00 },
        connectIpv6: { outcome: "granted", reply: 0x00 },
        connectName: { outcome: "granted", reply: 0x00 },
        bind: { outcome: "refused", reply: 0x07 },
        udpAssociate: { outcome: "refused", reply: 0x07 },
        resolve: { outcome: "refused", reply: 0x07 },
      },
    });
    expect(report.authMethods.map(({ method, accepted }) => [method, accepted])).toEqual([
      [0x00, true],
      [0x01, false],
      [0x02, true],
      [0x03, false],
      [0x05, false],
      [0x06, false],
      [0x07, false],
      [0x08, false],
      [0x09, false],
    ]);
    expect(report.latency.negotiateMs).toBeGreaterThan(0);
    expect(report.latency.requestMs).toBeGreaterThan(0);
    checkNoSecrets(report, ["opensesame"]);
  });

  test("leaves no connection behind", async () => {
    const server = await listen(capable);
    await probe(server);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("that wants a password nobody gave is asked once", async () => {
    const requests: string[] = [];
    const report = await probe(
      await listen((message) => {
        requests.push(hex(message));
        if (message[0] === 0x04) return "close";
        return message.subarray(2).includes(0x02) ? "05 02" : "05 ff";
      }),
    );
    expect(verdicts(report)).toEqual({ socks4: "no", socks4a: "no", socks5: "yes" });
    for (const { verdict, reason } of Object.values(report.abilities)) {
      expect({ verdict, reason }).toEqual({
        verdict: "unknown",
        reason: "it was not reached that far (ERR_SOCKS_NO_ACCEPTABLE_METHOD)",
      });
    }
    expect(report.socks5).toMatchObject({ connectIpv4: { outcome: "failed", code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" } });
    expect(Object.keys(report.socks5)).toEqual(["connectIpv4"]);
    expect(report.socks4).toMatchObject({ connect: { outcome: "closed" } });
    expect(Object.keys(report.socks4)).toEqual(["connect"]);
  });

  test("gets a wrong password once, not once per command", async () => {
    let attempts = 0;
    const server = await listen((message, index) => {
      if (message[0] === 0x01) attempts += 1;
      return capable(message, index);
    });
    const report = await probe(server, {}, "alice:wrong-password@");
    expect(report.socks5).toMatchObject({ connectIpv4: { outcome: "failed", code: "ERR_SOCKS_AUTH_REJECTED" } });
    expect(attempts).toBe(1);
  });

  test("that goes silent after the greeting", async () => {
    const report = await probe(await listen((_message, index) => (index === 0 ? "05 00" : undefined)), {
      timeoutMs: 400,
    });
    expect(report.versions.socks5.verdict).toBe("yes");
    expect(report.socks5.connectIpv4).toMatchObject({ outcome: "silent" });
  });

  test("is asked for the target, by name and by its addresses", async () => {
    const requests: string[] = [];
    const server = await listen((message, index) => {
      if (index === 1) requests.push(hex(message));
      return capable(message, index);
    });
    const report = await probe(server, { target: parseHostPort("127.0.0.9:7") });
    expect(report.target).toBe("127.0.0.9:7");
    expect(Object.keys(report.socks5)).toEqual(["connectIpv4", "bind", "udpAssociate", "resolve"]);
    expect(requests[0]).toBe("050100017f0000090007");
    await probe(server, { target: parseHostPort("localhost:7") });
    expect(requests).toContain("050100036c6f63616c686f73740007".replace("0003", "000309"));
  });
});

describe("what is no SOCKS proxy", () => {
  test.each([
    ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n", "ssh", "SSH-2.0-OpenSSH_9.2"],
    ["a mail server", "220 mail.example ESMTP\u001b[2J\r\n", "unknown", undefined],
    ["another mail server", "220 mail.example ESMTP\r\n", "other", "220 mail.example ESMTP"],
  ])("%s that speaks first", async (_what, banner, protocol, firstLine) => {
    const report = await probe(await listen(() => undefined, banner), { timeoutMs: 400 });
    expect(report.protocol).toBe(protocol);
    expect(verdicts(report).socks5).not.toBe("yes");
    if (protocol !== "unknown") expect(verdicts(report)).toEqual({ socks4: "no", socks4a: "no", socks5: "no" });
    expect(report.firstLine).toBe(firstLine);
    expect(report.authMethods).toEqual([]);
  });

  test("an HTTP server that complains at once", async () => {
    const refusal = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n").toString("hex");
    expect(await probe(await listen(() => refusal))).toMatchObject({
      protocol: "http",
      firstLine: "HTTP/1.1 400 Bad Request",
      versions: { socks4: { verdict: "no", reason: "it speaks HTTP" } },
    });
  });

  test("an HTTP server that waits for a whole line", async () => {
    const answer = Buffer.from("HTTP/1.0 200 OK\r\nServer: tiny/1.0 \r\n\r\n").toString("hex");
    const server = await listen((message) => (message.includes("\r\n") ? answer : undefined));
    expect(await probe(server, { timeoutMs: 400 })).toMatchObject({
      protocol: "http",
      firstLine: "HTTP/1.0 200 OK",
      software: "tiny/1.0",
      // Nothing of SOCKS 4 was asked: the answer in HTTP says enough.
      socks4: {},
    });
  });

  test.each([
    ["407 Proxy Authentication Required", "yes"],
    ["200 Connection established", "yes"],
    ["502 Bad Gateway", "yes"],
    ["403 Filtered", "yes"],
    ["405 Method Not Allowed", "no"],
    ["400 Bad Request", "no"],
    ["404 Not Found", "no"],
    ["close", "no"],
    ["418 as always", "unknown"],
  ])("an HTTP server that answers %s to CONNECT", async (answer, verdict) => {
    const server = await listen((message) => {
      const text = message.toString("latin1");
      if (!text.includes("\r\n")) return undefined;
      if (text.startsWith("CONNECT ") && answer === "close") return "close";
      const status = text.startsWith("CONNECT ") ? answer : "418 as always";
      return Buffer.from(`HTTP/1.1 ${status}\r\n\r\n`).toString("hex");
    });
    const report = await probe(server, { timeoutMs: 400 });
    expect(report).toMatchObject({ protocol: "http", httpProxy: { verdict } });
  });

  test("a TLS server that answers with an alert", async () => {
    expect(await probe(await listen(() => "15 03 01 0002 02 46"))).toMatchObject({ protocol: "tls" });
  });

  test("a TLS server that closes at once", async () => {
    // handshake_failure, to a ClientHello; nothing to what is no TLS.
    const server = await listen((message) => (message[0] === 0x16 ? "15 03 03 0002 02 28" : "close"));
    expect(await probe(server)).toMatchObject({ protocol: "tls" });
  });

  test("something silent", async () => {
    expect(await probe(await listen(() => undefined), { timeoutMs: 300 })).toMatchObject({ protocol: "unknown" });
  });

  test("something that closes", async () => {
    expect(await probe(await listen(() => "close"))).toMatchObject({ protocol: "unknown" });
  });

  test("octets of no protocol", async () => {
    expect(await probe(await listen(() => "ff ff ff ff ff ff ff ff"))).toMatchObject({ protocol: "unknown" });
  });
});

describe("deadlines", () => {
  test("one octet at a time does not extend them", async () => {
    const server = await listenTcp((socket) => {
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
      socket.on("end", () => socket.end());
      socket.resume();
    });
    servers.push(server);
    const start = performance.now();
    const report = await probe(server, { timeoutMs: 400 });
    expect(Object.values(verdicts(report))).not.toContain("yes");
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("a signal ends a question that is being asked, and leaves nothing open", async () => {
    const server = await listen(() => undefined);
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await expect(probe(server, { timeoutMs: 10_000, signal: controller.signal })).rejects.toMatchObject({
      code: "ERR_SOCKS_ABORTED",
      side: "local",
      hop: { index: 0 },
      cause: reason,
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});

test.each([
  [{ proxy: "ftp://127.0.0.1" }, "ERR_SOCKS_UNKNOWN_SCHEME"],
  [{ proxy: "socks5://127.0.0.1", target: "example.com:0" }, "ERR_SOCKS_BAD_PORT"],
  [{ proxy: "socks5://127.0.0.1", target: "example.com" }, "ERR_SOCKS_BAD_PORT"],
  [{ proxy: "socks5://127.0.0.1", timeoutMs: 0 }, "ERR_SOCKS_BAD_OPTION"],
])("%j cannot be used", async (options, code) => {
  await expect(probeProxy(options)).rejects.toMatchObject({ name: "SocksError", code, side: "local" });
});

test("a target that a version has no form for is told, and the others are asked", async () => {
  const report = await probe(await listen(capable), { target: "0.0.0.7:80" });
  expect(report.socks4).toMatchObject({ connect: { outcome: "failed", code: "ERR_SOCKS_NOT_REPRESENTABLE" } });
  expect(report.socks5).toMatchObject({ connectIpv4: { outcome: "granted" } });
});

describe("nobody to ask", () => {
  test("a closed port", async () => {
    const server = await listen(() => undefined);
    await server.close();
    await expect(probe(server, {}, "alice:opensesame@")).rejects.toMatchObject({
      name: "SocksError",
      code: "ERR_SOCKS_PROXY_UNREACHABLE",
      stage: "dial-proxy",
      hop: { index: 0, proxy: `socks5://alice:***@127.0.0.1:${server.port}` },
    });
    const error: unknown = await probe(server, {}, "alice:opensesame@").catch((reason: unknown) => reason);
    checkNoSecrets(error, ["opensesame"]);
  });

  test("a name that does not resolve", async () => {
    const failure = new SocksError("ERR_SOCKS_RESOLVE_FAILED", "no such host", { side: "remote", stage: "resolve" });
    const resolver = { resolve: () => Promise.reject(failure) };
    await expect(probeProxy({ proxy: "socks5://proxy.invalid", resolver })).rejects.toMatchObject({
      code: "ERR_SOCKS_RESOLVE_FAILED",
      stage: "resolve",
      hop: { index: 0, proxy: "socks5://proxy.invalid:1080" },
    });
  });

  test("no TLS with it", async () => {
    const server = await listen(() => undefined);
    const options = { proxy: `socks5s://127.0.0.1:${server.port}`, timeoutMs: 300 };
    await expect(probeProxy(options)).rejects.toMatchObject({
      code: "ERR_SOCKS_TIMEOUT",
      stage: "tls",
      hop: { index: 0, proxy: `socks5s://127.0.0.1:${server.port}` },
    });
  });

  test("a signal", async () => {
    const server = await listen(capable);
    await expect(probe(server, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ERR_SOCKS_ABORTED" });
  });
});
