// Upstreams whose proxies are not SOCKS.
import { describe, expect, test } from "vitest";
import { concat, octets, readOctets } from "@sockskit/testing";
import { connectName, connectTo, converse, GREETING, refused, startServer, startTarget } from "./server-support.ts";
import { ask, GRANTED, startProxy, url } from "./upstream-support.ts";

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
