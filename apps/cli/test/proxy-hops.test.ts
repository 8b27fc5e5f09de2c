import { once } from "node:events";
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";

import { certificatePair, certificatePath, type LoopbackServer, listenEcho, listenTcp } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { run, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

let socks: TestProxy;
let echo: LoopbackServer;
let tlsPort: number;
let httpPort: number;
const CA = certificatePath("authority");

/** Node's own HTTP server as a proxy: CONNECT for `alice:opensesame` only, and not to port 1. */
const web = createServer((_request, response) => response.writeHead(405).end());
web.on("connect", ({ url = "", headers }, client: net.Socket) => {
  const [host = "", port = ""] = url.split(":");
  if (headers["proxy-authorization"] !== `Basic ${Buffer.from("alice:opensesame").toString("base64")}`) {
    client.end('HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="x"\r\nProxy-Authenticate: Negotiate\r\n\r\n');
    return;
  }
  if (port === "1") return void client.end("HTTP/1.1 403 Forbidden by us\r\n\r\n");
  const target = net.connect({ host, port: Number(port), allowHalfOpen: true });
  target.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  target.on("connect", () => {
    client.write("HTTP/1.1 200 Go ahead\r\n\r\n");
    client.pipe(target).pipe(client);
  });
});

const front = createTlsServer({ ...certificatePair("server"), allowHalfOpen: true }, (secured) => {
  const inner = net.connect({ port: socks.port, host: "127.0.0.1", allowHalfOpen: true });
  secured.on("error", () => inner.destroy());
  inner.on("error", () => secured.destroy());
  secured.pipe(inner).pipe(secured);
});
front.on("tlsClientError", () => undefined);

beforeAll(async () => {
  socks = await startProxy();
  echo = await listenEcho();
  for (const server of [web, front]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  httpPort = (web.address() as AddressInfo).port;
  tlsPort = (front.address() as AddressInfo).port;
});

afterAll(async () => {
  await stopAll();
  web.close();
  front.close();
  await Promise.all([socks.close(), echo.close()]);
});

const http = (userinfo = "alice:opensesame@"): string => `http://${userinfo}127.0.0.1:${httpPort}`;
const secure = (scheme = "socks5h+tls"): string => `${scheme}://127.0.0.1:${tlsPort}`;
const target = (): string => `127.0.0.1:${echo.port}`;

describe("through an HTTP proxy", () => {
  test("-v tells its status, -vv the request without the password", async () => {
    const { status, stdout, stderr } = await run(["connect", "-vv", "-x", http(), target()], { input: "hello" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "hello" });
    expect(stderr).toContain(`http://alice:***@127.0.0.1:${httpPort}: answered 200 Go ahead`);
    expect(stderr).toContain(
      `${Buffer.from("Basic ")
        .toString("hex")
        .replaceAll(/..(?=.)/g, "$& ")} [secret]`,
    );
    expect(stderr).not.toContain(Buffer.from("alice:opensesame").toString("base64"));
  });

  test.each([
    [
      403,
      7,
      () => [http(), "127.0.0.1:1"],
      "does not allow 127.0.0.1:1: HTTP status 403 (Forbidden by us) [ERR_SOCKS_REQUEST_REFUSED]",
    ],
    [407, 5, () => [http(""), target()], "offers Basic, Negotiate; none were given"],
    [407, 6, () => [http("alice:wrong@"), target()], "rejected the user name or password"],
  ])("%i ends with %i", async (httpStatus, status, args, text) => {
    const [url = "", where = ""] = args();
    const said = await run(["connect", "-x", url, where]);
    expect(said).toMatchObject({ status, stdout: "" });
    expect(said.stderr).toContain(text);
    const json = await run(["connect", "--json", "-x", url, where]);
    expect(JSON.parse(json.stderr)).toMatchObject({ type: "error", httpStatus, exitStatus: status });
  });

  test("fetch takes it from the environment", async () => {
    const page = createServer((_request, response) => response.end("page"));
    page.listen(0, "127.0.0.1");
    await once(page, "listening");
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}/`;
    expect(await run(["fetch", url], { env: { http_proxy: http() } })).toMatchObject({ status: 0, stdout: "page" });
    page.close();
  });
});

describe("through TLS", () => {
  test.each(["socks5s", "socks4a+tls"])("%s, in a chain behind HTTP, with everything told", async (scheme) => {
    const args = ["connect", "-v", "--proxy-cacert", CA, "-x", http(), "-x", secure(scheme), target()];
    const { status, stdout, stderr } = await run(args, { input: "hello" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "hello" });
    expect(stderr).toMatch(
      new RegExp(
        `${secure(scheme).replace("+", "\\+")}: TLSv1\\.3, TLS_\\w+; certificate of "server" by "tests authority", valid until .* GMT, verified`,
      ),
    );
  });

  test("an unknown authority: 10, and what to do", async () => {
    const { status, stderr } = await run(["connect", "-x", secure(), target()]);
    expect(status).toBe(10);
    expect(stderr).toContain("trust its issuer by tls.ca (--proxy-cacert) [ERR_SOCKS_TLS_UNTRUSTED]");
  });

  test("--proxy-insecure warns, and says why it should not be", async () => {
    const args = ["connect", "-v", "--proxy-insecure", "-x", secure(), target()];
    const { status, stdout, stderr } = await run(args, { input: "hello" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "hello" });
    expect(stderr).toMatch(/^sockskit: warning: --proxy-insecure: certificates of proxies are not checked/);
    expect(stderr).toContain("not verified: UNABLE_TO");
    const json = await run(["connect", "--json", "--proxy-insecure", "-x", secure(), target()], { input: "x" });
    expect(JSON.parse(json.stderr.split("\n")[0] ?? "")).toMatchObject({ type: "warning" });
  });

  test("probe asks inside", async () => {
    const { status, stdout } = await run(["probe", "--proxy-cacert", CA, secure()]);
    expect(status).toBe(0);
    expect(stdout).toContain(secure());
    expect(stdout).toMatch(/SOCKS 5/);
  });

  test("udp refuses to send datagrams in clear text", async () => {
    const { status, stderr } = await run(["udp", "--proxy-cacert", CA, "-x", secure(), "127.0.0.1:9"], {
      input: "x\n",
    });
    expect(status).toBe(2);
    expect(stderr).toContain("--plain-datagrams");
  });
});

test("--proxy-protocol announces this host to the first proxy", async () => {
  const heard: string[] = [];
  const server = await listenTcp((socket) => {
    socket.once("data", (data: Buffer) => {
      heard.push(data.toString("latin1").split("\r\n")[0] ?? "");
      socket.end();
    });
  });
  const args = ["connect", "-v", "--proxy-protocol", "1", "-x", `socks5h://127.0.0.1:${server.port}`, target()];
  const { status, stderr } = await run(args);
  expect(status).toBe(5);
  expect(heard).toEqual([
    expect.stringMatching(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${server.port}$`)),
  ]);
  expect(stderr).toMatch(/told by a PROXY header, version 1, that 127\.0\.0\.1:\d+ connects to/);
  await server.close();
});
