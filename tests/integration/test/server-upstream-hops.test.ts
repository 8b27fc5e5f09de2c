// Upstreams whose proxies are not SOCKS, or not in clear text.
import { describe, expect, test } from "vitest";
import { createServer } from "@sockskit/server";
import { authorityCertificate, concat, octets, readOctets } from "@sockskit/testing";
import {
  connectName,
  connectTo,
  converse,
  GREETING,
  openTunnel,
  pause,
  refused,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { SERVER_TLS } from "./transport-support.ts";
import { associate, droppedIn, header4 } from "./udp-support.ts";
import { ask, GRANTED, startProxy, url } from "./upstream-support.ts";

const TLS_LISTENER = { listen: [{ port: 0, tls: SERVER_TLS }] };
const VIA = [{ action: "allow", via: "up" }] as const;

describe("HTTP proxies as upstreams", () => {
  /** Answers each CONNECT with a status, and sends back what it gets after a success. */
  async function startHttp(status: string): Promise<{ port: number; heads: string[] }> {
    const heads: string[] = [];
    const { port } = await startTarget((socket) => {
      socket.once("data", (head: Buffer) => {
        heads.push(head.toString("latin1"));
        socket.write(`HTTP/1.1 ${status}\r\n\r\n`);
        if (status.startsWith("2")) socket.pipe(socket);
        else socket.end();
      });
    });
    return { port, heads };
  }

  test("a name is passed on, with the credentials of the URL", async () => {
    const http = await startHttp("200 OK");
    const { port, log } = await startServer({
      rules: VIA,
      upstreams: { up: [[`http://gw:secret@127.0.0.1:${http.port}`]] },
    });
    // It tells no address of its own.
    expect(await ask(port, connectName("www.example", 443))).toBe("050005000001000000000000");
    expect(http.heads[0]).toMatch(/^CONNECT www\.example:443 HTTP\/1\.1\r\n/);
    expect(http.heads[0]).toContain(`Basic ${Buffer.from("gw:secret").toString("base64")}`);
    expect(log.connected[0]?.via?.proxies).toEqual([`http://gw:***@127.0.0.1:${http.port}`]);
  });

  test("through a SOCKS proxy, to bytes both ways", async () => {
    const [near, http] = [await startServer(), await startHttp("200 OK")];
    const { port } = await startServer({ rules: VIA, upstreams: { up: [[url(near.port), url(http.port, "http")]] } });
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("www.example", 443), Buffer.from("there")));
    expect(Buffer.from(await readOctets(client, 17)).toString("latin1", 12)).toBe("there");
  });

  test.each([
    ["403 Forbidden", "02", 0],
    ["502 Bad Gateway", "04", 1],
    ["503 Service Unavailable", "04", 1],
    ["504 Gateway Timeout", "06", 1],
    ["500 Internal Server Error", "01", 1],
  ])("%s is told as REP %s", async (status, rep, others) => {
    const http = await startHttp(status);
    const alone = await startServer({ rules: VIA, upstreams: { up: [[url(http.port, "http")]] } });
    expect(await converse(alone.port, GREETING, connectName("www.example", 443))).toBe(refused(rep));
    const proxy = await startProxy(GRANTED);
    const upstreams = { up: [[url(http.port, "http")], [url(proxy.port)]] };
    const { port, log } = await startServer({ rules: VIA, upstreams });
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("www.example", 443)));
    await readOctets(client, 12);
    expect(proxy.count()).toBe(others);
    expect([...log.upstream, ...alone.log.upstream]).toEqual([]);
  });

  test("one that wants another password is put aside", async () => {
    const http = await startHttp('407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"');
    const upstreams = { up: [[`http://gw:wrong@127.0.0.1:${http.port}`]] };
    const { port, log } = await startServer({ rules: VIA, upstreams });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("03"));
    expect(log.upstream).toEqual([expect.objectContaining({ code: "ERR_SOCKS_AUTH_REJECTED", state: "aside" })]);
    expect(JSON.stringify(log.upstream)).not.toContain("wrong");
  });

  test("neither BIND nor datagrams go by them", async () => {
    const http = await startHttp("200 OK");
    const { port } = await startServer({ rules: VIA, upstreams: { up: [[url(http.port, "http")]] } });
    expect(await converse(port, GREETING, octets("05 02 00 01 7f 00 00 01 00 15"))).toBe(refused("07"));
    expect(http.heads).toEqual([]);
  });
});

describe("TLS to proxies", () => {
  const ca = authorityCertificate();
  const tls = (options: object = {}) => ({ ca, servername: "localhost", ...options });

  test("a chain with TLS at both proxies, whose certificates are checked", async () => {
    const echo = await startEcho();
    const [near, far] = [await startServer(TLS_LISTENER), await startServer(TLS_LISTENER)];
    const chain = [near, far].map(({ port }) => ({ proxy: `socks5s://127.0.0.1:${port}`, tls: tls() }));
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [chain] } });
    const client = await openTunnel(port, echo.port);
    client.write("there and back");
    expect(Buffer.from(await readOctets(client, 14)).toString()).toBe("there and back");
    expect(log.connected[0]?.via?.proxies).toEqual([near, far].map((one) => `socks5s://127.0.0.1:${one.port}`));
    client.end();
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "finished", bytesIn: 14, bytesOut: 14 });
  });

  test.each([
    ["of an authority that nobody named", {}, "ERR_SOCKS_TLS_UNTRUSTED"],
    ["for another name", tls({ servername: "other.example" }), "ERR_SOCKS_TLS_WRONG_NAME"],
  ])("a certificate %s: the proxy is put aside, and nothing is said to it", async (_what, options, code) => {
    const upstream = await startServer(TLS_LISTENER);
    const hop = { proxy: `socks5s://gw:secret@127.0.0.1:${upstream.port}`, tls: options };
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[hop]] } });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("03"));
    expect(log.upstream).toEqual([expect.objectContaining({ code, state: "aside" })]);
    expect(upstream.log.authenticated).toEqual([]);
  });

  test("a proxy that never answers the handshake takes its share of the time only", async () => {
    const silent = await startTarget((socket) => socket.resume());
    const proxy = await startProxy(GRANTED);
    const { port, log } = await startServer({
      rules: VIA,
      timeouts: { connectMs: 2_000 },
      upstreams: { up: [[url(silent.port, "socks5s")], [url(proxy.port)]] },
    });
    expect((await ask(port, connectName("www.example", 443))).slice(0, 8)).toBe("05000500");
    expect(log.upstream).toEqual([expect.objectContaining({ alternative: 0, code: "ERR_SOCKS_TIMEOUT" })]);
  });

  test("BIND goes by it, datagrams do not: they would travel in clear text", async () => {
    const upstream = await startServer(TLS_LISTENER);
    const hop = { proxy: `socks5s://127.0.0.1:${upstream.port}`, tls: tls() };
    const near = await startServer({ rules: VIA, upstreams: { up: [[hop]] } });
    const client = await connectTo(near.port);
    client.write(concat(GREETING, octets("05 02 00 01 7f 00 00 01 00 15")));
    expect(Buffer.from(await readOctets(client, 12)).toString("hex")).toMatch(/^0500050000017f000001/);
    client.destroy();
    await until(() => near.log.closed.length === 1, "BIND is over");
    near.log.closed.length = 0;
    const { control, send } = await associate(near.port);
    send(header4(9), "x");
    await pause(50);
    expect(await droppedIn(near, control)).toEqual({ upstream: 1 });
  });

  test.each([
    [{ proxy: "socks5h://a", tls: {} }, "tls"],
    [{ proxy: "socks5s://a", tls: { cert: "x" } }, "cert without its key"],
    [{ proxy: "socks5s://a", tls: { ca: "no PEM at all", cert: "x", key: "y" } }, "its text in PEM"],
    [{ proxy: "socks5s://a", tls: { certificate: "x" } }, "there is no such option"],
    [{ proxy: "socks5s://a", proxyProtocol: "v3" }, '"off", "v1" or "v2"'],
    [{ proxy: "socks5s://a", tsl: {} }, "there is no such option"],
  ])("%j is refused before anything is dialled", (hop, message) => {
    const options = { upstreams: { up: [[hop as never]] } };
    expect(() => createServer(options)).toThrow(message);
    expect(() => createServer(options)).toThrow("upstreams.up[0][0]");
  });
});

test.each(["v1", "v2"] as const)("a PROXY header of %s names the client to the upstream", async (proxyProtocol) => {
  const echo = await startEcho();
  const upstream = await startServer({
    listen: [{ port: 0, proxyProtocol: { from: ["127.0.0.1"] } }],
    allowOpenProxy: true,
  });
  const hop = { proxy: url(upstream.port), proxyProtocol };
  const { port } = await startServer({ rules: VIA, upstreams: { up: [[hop]] } });
  const client = await openTunnel(port, echo.port);
  expect(upstream.log.session[0]?.client).toMatchObject({ host: "127.0.0.1", port: client.localPort });
  client.write("x");
  await readOctets(client, 1);
});
