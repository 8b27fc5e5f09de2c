import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type LoopbackServer, listenTcp } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { collect, finish, run, start, stopAll } from "./run-sockskit.ts";
import { type TestProxy, startProxy } from "./socks-proxy.ts";

const CERTIFICATE = fileURLToPath(new URL("tls-cert.pem", import.meta.url));
const KEY = readFileSync(new URL("tls-key.pem", import.meta.url));

let proxy: TestProxy;
let folder: string;
const raw: LoopbackServer[] = [];
const web = createServer(answer);
const secureWeb = createTlsServer({ key: KEY, cert: readFileSync(CERTIFICATE) }, answer);

beforeAll(async () => {
  proxy = await startProxy();
  folder = mkdtempSync(join(tmpdir(), "sockskit-"));
  for (const server of [web, secureWeb]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
});

afterAll(async () => {
  await stopAll();
  for (const server of [web, secureWeb]) {
    server.close();
    server.closeAllConnections();
  }
  await Promise.all([proxy, ...raw].map((server) => server.close()));
  rmSync(folder, { recursive: true });
});

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const base = (): string => `http://server.example:${portOf(web)}`;
const via = (): string[] => ["-x", `socks5h://127.0.0.1:${proxy.port}`];

/** Says what it was asked; some paths do something else. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Date", "Mon, 23 Nov 2026 12:00:00 GMT");
  const { pathname, searchParams } = new URL(request.url ?? "", "http://h");
  const to = searchParams.get("to") ?? "/";
  if (pathname === "/redirect") response.writeHead(Number(searchParams.get("status") ?? 302), { location: to });
  if (pathname === "/missing") response.writeHead(404, "Not Here");
  if (pathname === "/loop") response.writeHead(302, { location: "/loop" });
  if (pathname === "/large") return void response.end(Buffer.alloc(20 * 1024 * 1024, "x"));
  if (pathname === "/empty") return void response.writeHead(204).end();
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const { host, "user-agent": _agent, connection: _connection, ...headers } = request.headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\n`);
    const body = Buffer.concat(parts).toString();
    response.end(`${request.method} ${request.url} at ${host?.split(":")[0]}\n${lines.toSorted().join("")}\n${body}`);
  });
}

async function listenRaw(reply: string, reset = false): Promise<string> {
  const server = await listenTcp((socket) => {
    socket.once("data", () => {
      socket.write(reply, () => (reset ? socket.resetAndDestroy() : socket.end()));
    });
  });
  raw.push(server);
  return `http://server.example:${server.port}/`;
}

async function runCurl(args: readonly string[]): Promise<{ status: number | null; stdout: string }> {
  const child = spawn("curl", args, { env: { PATH: process.env["PATH"] }, stdio: ["ignore", "pipe", "ignore"] });
  const [stdout, [status]] = await Promise.all([
    collect(child.stdout),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { status, stdout: stdout.toString() };
}

describe("fetch does what curl does", () => {
  const curl = spawnSync("curl", ["--version"]);
  if (curl.error !== undefined) console.log("not run: curl, to compare with, is not installed");

  test
    .skipIf(curl.error !== undefined)
    .each([
      ["/"],
      ["/path?query=1"],
      ["/missing"],
      ["/missing", "-f"],
      ["/missing", "-i"],
      ["/empty", "-i"],
      ["/", "-i"],
      ["/", "-I"],
      ["/missing", "-I"],
      ["/", "-X", "PUT"],
      ["/", "-X", "DELETE", "-i"],
      ["/", "-d", "a=1", "-d", "b=2"],
      ["/", "-d", ""],
      ["/", "-X", "PUT", "-d", "text", "-H", "Content-Type: text/plain"],
      ["/", "-H", "X-One: 1", "-H", "X-Two:   spaced  "],
      ["/", "-H", "Accept:"],
      ["/", "-H", "X-Empty;"],
      ["/", "-H", "Host: other.example"],
      ["/redirect"],
      ["/redirect", "-L"],
      ["/redirect", "-L", "-i"],
      ["/redirect", "-L", "-I"],
      ["/redirect?to=//other.example/x", "-i"],
      ["/redirect?to=/a%2520b", "-L"],
      ["/redirect?status=301", "-L", "-d", "body"],
      ["/redirect?status=302", "-L", "-d", "body"],
      ["/redirect?status=303", "-L", "-d", "body"],
      ["/redirect?status=307", "-L", "-d", "body"],
      ["/redirect?status=308", "-L", "-d", "body"],
      ["/redirect?status=303", "-L", "-X", "PUT", "-d", "body"],
      ["/redirect?status=304", "-L", "-i"],
      ["/redirect?status=303", "-L", "-I"],
      ["/redirect?to=/redirect", "-L"],
      ["/loop", "-L", "--max-redirs", "3"],
      ["/loop", "-L", "--max-redirs", "0"],
    ])("%s %s %s %s %s", async (path, ...args) => {
    const url = base() + path;
    const theirs = await runCurl(["-s", "-m", "10", ...via(), ...args, url]);
    const ours = await run(["fetch", ...via(), ...args, url]);
    // curl keeps connections, this program does not; and it says so when a PUT has no body, as RFC 9110 recommends.
    const comparable = (text: string): string =>
      text.replaceAll(/^(?:Connection|Keep-Alive): .*\r\n|^content-length: 0\n/gm, "");
    expect(comparable(ours.stdout)).toBe(comparable(theirs.stdout));
    expect(ours.status === 0).toBe(theirs.status === 0);
  });
});

describe("fetch", () => {
  test("gives the name to the proxy, and introduces itself", async () => {
    const { status, stdout } = await run(["fetch", ...via(), `server.example:${portOf(web)}/x`]);
    expect(status).toBe(0);
    expect(stdout).toBe("GET /x at server.example\naccept: */*\n\n");
    expect(proxy.requests.at(-1)).toBe(`5 1 name server.example ${portOf(web)}`);
  });

  test("--fail: a status of 400 is exit status 1, without the body", async () => {
    const outcome = await run(["fetch", ...via(), "-f", `${base()}/missing`]);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toBe(`sockskit fetch: ${base()}/missing answered 404 Not Here [ERR_SOCKS_HTTP_STATUS]\n`);
    expect(await run(["fetch", ...via(), "-f", `${base()}/`])).toMatchObject({ status: 0, stderr: "" });
  });

  test("-o writes to a file, the size that came", async () => {
    const file = join(folder, "large");
    expect(await run(["fetch", ...via(), "-o", file, `${base()}/large`])).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(readFileSync(file).length).toBe(20 * 1024 * 1024);
    const bad = await run(["fetch", ...via(), "-o", join(folder, "no", "such", "folder"), `${base()}/`]);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/cannot write .*: ENOENT \[ERR_SOCKS_FILE\]/);
  });

  test("a body of 20 MiB arrives whole on a pipe", async () => {
    const { status, stdout } = await run(["fetch", ...via(), `${base()}/large`]);
    expect({ status, length: stdout.length }).toEqual({ status: 0, length: 20 * 1024 * 1024 });
  });

  test("-d reads files and standard input", async () => {
    const file = join(folder, "body");
    writeFileSync(file, "one\r\ntwo\n");
    const fromFile = await run(["fetch", ...via(), "-d", `@${file}`, "-d", "x", base()]);
    expect(fromFile.stdout).toMatch(/\n\nonetwo&x$/);
    const fromInput = await run(["fetch", ...via(), "-d", "@-", base()], { input: "from input" });
    expect(fromInput.stdout).toMatch(/^POST .*\n\nfrom input$/s);
    const missing = await run(["fetch", ...via(), "-d", `@${join(folder, "missing")}`, base()]);
    expect(missing).toMatchObject({ status: 1, stdout: "" });
    expect(missing.stderr).toContain("ENOENT [ERR_SOCKS_FILE]");
  });

  test("a password in the URL is sent to that host, and to no other after a redirect", async () => {
    const token = Buffer.from("bob:p@ss").toString("base64");
    const own = await run(["fetch", ...via(), "-L", `http://bob:p%40ss@server.example:${portOf(web)}/redirect`]);
    expect(own.stdout).toContain(`authorization: Basic ${token}\n`);
    const to = encodeURIComponent(`http://other.example:${portOf(web)}/`);
    const url = `http://bob:p%40ss@server.example:${portOf(web)}/redirect?to=${to}`;
    const args = ["-H", "Cookie: a=b", "-H", "Authorization: Bearer x", "-H", "X-Kept: yes"];
    for (const elsewhere of [
      await run(["fetch", ...via(), "-L", url]),
      await run(["fetch", ...via(), "-L", ...args, url]),
    ]) {
      expect(elsewhere.stdout).toContain("GET / at other.example\n");
      expect(elsewhere.stdout).not.toMatch(/authorization|cookie/);
    }
  });

  test("a redirect to something else than a web page is refused", async () => {
    const to = encodeURIComponent("file:///etc/passwd");
    const { status, stderr } = await run(["fetch", ...via(), "-L", `${base()}/redirect?to=${to}`]);
    expect(status).toBe(1);
    expect(stderr).toContain("bad redirect");
    expect(stderr).toContain("[ERR_SOCKS_HTTP_FAILED]");
  });

  test("--max-redirs ends a loop", async () => {
    const { status, stderr } = await run(["fetch", ...via(), "-L", "--max-redirs", "3", `${base()}/loop`]);
    expect(status).toBe(1);
    expect(stderr).toContain("more than 3 redirects");
  });

  test("the variable of the URL's scheme counts, and no_proxy", async () => {
    const url = `http://127.0.0.1:${portOf(web)}/`;
    const http_proxy = `socks5h://127.0.0.1:${proxy.port}`;
    const before = proxy.requests.length;
    expect(await run(["fetch", url], { env: { http_proxy } })).toMatchObject({ status: 0 });
    expect(proxy.requests).toHaveLength(before + 1);
    expect(await run(["fetch", url], { env: { http_proxy, no_proxy: "127.0.0.1" } })).toMatchObject({ status: 0 });
    expect(proxy.requests).toHaveLength(before + 1);
    expect(await run(["fetch", url], { env: { https_proxy: http_proxy } })).toMatchObject({ status: 2 });
  });

  test("--json says what came, on standard error", async () => {
    const { stdout, stderr } = await run(["fetch", ...via(), "--json", "-L", `${base()}/redirect`]);
    expect(stdout).toMatch(/^GET \/ at server\.example\n/);
    expect(JSON.parse(stderr)).toMatchObject({
      type: "response",
      url: `${base()}/`,
      redirects: [`${base()}/`],
      proxies: [`socks5h://127.0.0.1:${proxy.port}`],
      status: 200,
      statusMessage: "OK",
      httpVersion: "1.1",
      headers: { date: "Mon, 23 Nov 2026 12:00:00 GMT" },
      bodyOctets: stdout.length,
    });
  });

  test("a reader that goes away ends it quietly", async () => {
    const child = start(["fetch", ...via(), `${base()}/large`]);
    await once(child.stdout, "data");
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (part) => (stderr += part));
    expect(await once(child, "close")).toEqual([141, null]);
    expect(stderr).toBe("");
  });
});

describe("fetch over TLS", () => {
  const url = (host = "server.example"): string => `https://${host}:${portOf(secureWeb)}/x`;

  test("verifies the certificate of the name that was asked for", async () => {
    const good = await run(["fetch", ...via(), "-v", "--cacert", CERTIFICATE, url()]);
    expect(good).toMatchObject({ status: 0, stdout: "GET /x at server.example\naccept: */*\n\n" });
    expect(good.stderr).toContain("TLSv1.3 with server.example");
  });

  test.each([
    ["an unknown issuer", () => [url()], "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["another name", () => ["--cacert", CERTIFICATE, url("other.example")], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["an address", () => ["--cacert", CERTIFICATE, url("127.0.0.1")], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["a port without TLS", () => [`https://server.example:${portOf(web)}/`], "does not speak TLS"],
  ])("%s is refused", async (_what, args, problem) => {
    const { status, stdout, stderr } = await run(["fetch", ...via(), ...args()]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(problem);
    expect(stderr).toContain("[ERR_SOCKS_TLS_FAILED]");
  });

  test("a file of certificates that is none, or not there", async () => {
    const missing = await run(["fetch", ...via(), "--cacert", join(folder, "missing.pem"), url()]);
    expect(missing).toMatchObject({ status: 1 });
    expect(missing.stderr).toContain("[ERR_SOCKS_FILE]");
    writeFileSync(join(folder, "bad.pem"), "no certificate");
    expect(await run(["fetch", ...via(), "--cacert", join(folder, "bad.pem"), url()])).toMatchObject({ status: 1 });
  });
});

describe("destinations that do not behave", () => {
  test.each([
    ["what is no HTTP", "220 mail.example\r\n", false, 1, "ERR_SOCKS_HTTP_FAILED"],
    ["a head that stops", "HTTP/1.1 200 OK\r\nContent-", false, 8, "ERR_SOCKS_TUNNEL_BROKEN"],
    ["no answer at all", "", false, 8, "ERR_SOCKS_TUNNEL_BROKEN"],
    ["a body that stops", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, 8, "ERR_SOCKS_TUNNEL_BROKEN"],
    ["a body that is reset", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, 8, "ERR_SOCKS_TUNNEL_BROKEN"],
    [
      "a chunk that is none",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      false,
      1,
      "ERR_SOCKS_HTTP_FAILED",
    ],
    [
      "another protocol",
      "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
      false,
      1,
      "ERR_SOCKS_HTTP_FAILED",
    ],
    ["another protocol without its name", "HTTP/1.1 101 Switching\r\n\r\n", false, 1, "ERR_SOCKS_HTTP_FAILED"],
  ])("%s", async (_what, reply, reset, status, code) => {
    const outcome = await run(["fetch", ...via(), await listenRaw(reply, reset)]);
    expect(outcome.stderr).toMatch(new RegExp(`^sockskit fetch: [^\\n]+ \\[${code}\\]\\n$`));
    expect(outcome.status).toBe(status);
  });

  test("a status line cannot repaint the terminal, as text nor as JSON", async () => {
    const url = await listenRaw("HTTP/1.1 404 \u009b2J gone\r\n\r\n");
    const text = await run(["fetch", ...via(), "-f", url]);
    expect(text.stderr).toContain("answered 404 \u00c2\\u{9b}2J gone");
    const json = await run(["fetch", ...via(), "--json", "-f", url]);
    expect(json.stderr).not.toContain("\u009b");
    expect(
      json.stderr
        .split("\n")
        .slice(0, 2)
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { type: "response", statusMessage: "\u00c2\u009b2J gone" },
      { type: "error", code: "ERR_SOCKS_HTTP_STATUS" },
    ]);
  });

  test("a body without length that ends is whole", async () => {
    const outcome = await run(["fetch", ...via(), await listenRaw("HTTP/1.0 200 OK\r\n\r\nall of it")]);
    expect(outcome).toEqual({ status: 0, stdout: "all of it", stderr: "" });
  });

  test("-o on a file that cannot be written is an error, however late the body is", async () => {
    for (const body of ["hello", ""]) {
      const server = await listenTcp((socket) => {
        socket.once("data", () => {
          socket.write("HTTP/1.0 200 OK\r\n\r\n");
          setTimeout(() => socket.end(body), 300);
        });
      });
      raw.push(server);
      const file = join(folder, "nowhere", "page");
      const outcome = await run(["fetch", ...via(), "-o", file, `http://server.example:${server.port}/`]);
      const stderr = `sockskit fetch: cannot write ${file}: ENOENT [ERR_SOCKS_FILE]\n`;
      expect(outcome).toEqual({ status: 1, stdout: "", stderr });
    }
  });

  test("--max-time ends standard input that never does", async () => {
    const child = start(["fetch", ...via(), "-m", "300ms", "-d", "@-", `${base()}/`]);
    const { status, stderr } = await finish(child);
    expect(status).toBe(9);
    expect(stderr).toContain("[ERR_SOCKS_TIMEOUT]");
  });

  test("--max-time ends a body that never does", async () => {
    const server = await listenTcp((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.0 200 OK\r\n\r\n");
        const timer = setInterval(() => socket.write("x"), 20);
        socket.on("close", () => clearInterval(timer));
      });
    });
    raw.push(server);
    const { status, stderr } = await run(["fetch", ...via(), "-m", "1s", `http://server.example:${server.port}/`]);
    expect(status).toBe(9);
    expect(stderr).toContain("[ERR_SOCKS_TIMEOUT]");
  });
});
