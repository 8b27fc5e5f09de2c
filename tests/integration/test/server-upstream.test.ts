import { describe, expect, test } from "vitest";
import { concat, octets, readOctets } from "@sockskit/testing";
import {
  connectName,
  connectRequest,
  connectRequest4,
  connectTo,
  converse,
  GREETING,
  openTunnel,
  portHex,
  refused,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { resolverOf } from "./udp-support.ts";
import { ask, GRANTED, GRANTED_HEX, namedRequest, startProxy, url } from "./upstream-support.ts";

const VIA = [{ action: "allow", via: "up" }] as const;

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const target = await startTarget(() => undefined);
  await target.close();
  return target.port;
}

describe("a session goes by its upstream", () => {
  test("through a chain to a target, bytes both ways, and events say by which one", async () => {
    const echo = await startEcho();
    const [near, far] = [await startServer(), await startServer()];
    const { port, log } = await startServer({
      rules: VIA,
      upstreams: { up: [[url(near.port), url(far.port, "socks4a")]] },
    });
    const client = await openTunnel(port, echo.port);
    client.write("there and back");
    expect(Buffer.from(await readOctets(client, 14)).toString()).toBe("there and back");
    client.end();
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    const via = {
      upstream: "up",
      alternative: 0,
      proxies: [`socks5h://127.0.0.1:${near.port}`, `socks4a://127.0.0.1:${far.port}`],
    };
    expect(log.connected).toEqual([
      expect.objectContaining({ via, rule: 0, address: expect.objectContaining({ port: near.port }) as unknown }),
    ]);
    expect(log.closed).toEqual([expect.objectContaining({ via, reason: "finished", bytesIn: 14, bytesOut: 14 })]);
    expect(near.log.connected[0]?.destination).toMatchObject({ port: far.port });
    expect(far.log.connected[0]?.destination).toMatchObject({ host: "127.0.0.1", port: echo.port });
    expect(log.upstream).toEqual([]);
  });

  test("a name is passed on, nobody looks it up here, and BND.ADDR is the upstream's", async () => {
    const resolver = resolverOf({});
    const proxy = await startProxy(GRANTED);
    const { port } = await startServer({
      outbound: { resolver },
      rules: VIA,
      upstreams: { up: [[url(proxy.port)]] },
    });
    expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
    expect(proxy.heard).toEqual([namedRequest("www.example", 443)]);
    expect(resolver.asked).toEqual([]);
  });

  test("socks5 looks names up here: the address that the rules allow is the one that is passed on", async () => {
    const resolver = resolverOf({ "www.example": ["192.0.2.1", "192.0.2.2"], "bad.example": ["192.0.2.1"] });
    const proxy = await startProxy(GRANTED);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "deny", to: ["192.0.2.1"] }, ...VIA],
      upstreams: { up: [[url(proxy.port, "socks5")]] },
    });
    expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
    expect(await converse(port, GREETING, connectName("bad.example", 443))).toBe(refused("02"));
    expect(proxy.heard).toEqual(["05010001c000020201bb"]);
    expect(resolver.asked).toEqual(["www.example", "bad.example"]);
    expect(log.denied).toEqual([expect.objectContaining({ code: "ERR_SOCKS_DENIED", rule: 0 })]);
  });

  test("a rule on addresses sends what a name resolves to, and the rest goes directly", async () => {
    const echo = await startEcho();
    const resolver = resolverOf({ "in.example": ["10.1.2.3"], "out.example": ["127.0.0.1"] });
    const proxy = await startProxy(GRANTED);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "allow", to: ["10.0.0.0/8"], via: "up" }, { action: "allow" }],
      upstreams: { up: [[url(proxy.port)]] },
    });
    expect(await ask(port, connectName("in.example", 443))).toBe(GRANTED_HEX);
    expect(await ask(port, connectName("out.example", echo.port))).toMatch(/^0500050000017f000001/);
    expect(proxy.heard).toEqual(["050100010a01020301bb"]);
    expect(log.connected.map(({ via, rule }) => [via?.upstream, rule])).toEqual([
      ["up", 0],
      [undefined, 1],
    ]);
  });

  test("of the addresses of a name those that go directly are tried first, then the upstream gets its own", async () => {
    const echo = await startEcho();
    const resolver = resolverOf({ "both.example": ["10.1.2.3", "127.0.0.1"] });
    const proxy = await startProxy(GRANTED);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "allow", to: ["10.0.0.0/8"], via: "up" }, { action: "allow" }],
      upstreams: { up: [[url(proxy.port)]] },
    });
    expect(await ask(port, connectName("both.example", echo.port))).toMatch(/^0500050000017f000001/);
    expect(proxy.count()).toBe(0);
    const dead = await deadPort();
    expect(await ask(port, connectName("both.example", dead))).toBe(GRANTED_HEX);
    expect(proxy.heard).toEqual([`050100010a010203${portHex(dead)}`]);
    expect(log.connected.map(({ via, rule }) => [via?.upstream, rule])).toEqual([
      [undefined, 1],
      ["up", 0],
    ]);
  });

  test("what the target says first, and what the client said early, is not lost", async () => {
    const target = await startTarget((socket) => {
      socket.write("hello");
      socket.pipe(socket);
    });
    const upstream = await startServer();
    const { port } = await startServer({ rules: VIA, upstreams: { up: [[url(upstream.port)]] } });
    const client = await connectTo(port);
    client.write(concat(GREETING, connectRequest(target.port), Buffer.from("early")));
    expect(Buffer.from(await readOctets(client, 22)).toString("latin1", 12)).toBe("helloearly");
  });

  test("a rule's limit holds, and is given back", async () => {
    const proxy = await startProxy("05 05 00 01 00 00 00 00 00 00");
    const { port } = await startServer({
      rules: [{ action: "allow", via: "up", limit: { sessions: 1 } }],
      upstreams: { up: [[url(proxy.port)]] },
    });
    for (const _ of [1, 2]) {
      expect(await converse(port, GREETING, connectRequest(443, "c0 00 02 01"))).toBe(refused("05"));
    }
  });
});

describe("the client is told what the upstream said of the target", () => {
  test.each([
    ["02", "02"],
    ["03", "03"],
    ["04", "04"],
    ["05", "05"],
    ["06", "06"],
    ["f2", "f2"],
  ])("REP %s is the answer, and no other alternative is asked", async (rep, told) => {
    const proxy = await startProxy(`05 ${rep} 00 01 00 00 00 00 00 00`);
    const other = await startProxy(GRANTED);
    const { port, log } = await startServer({
      rules: VIA,
      upstreams: { up: [[url(proxy.port)], [url(other.port)]] },
    });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused(told));
    expect(other.count()).toBe(0);
    expect(log.upstream).toEqual([]);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed).toEqual([
      expect.objectContaining({ reason: "unreachable", via: { upstream: "up" }, code: "ERR_SOCKS_REQUEST_REFUSED" }),
    ]);
  });

  test.each(["01", "07", "08", "09"])(
    "REP %s may be about the proxy: the next is asked, none put aside",
    async (rep) => {
      const proxy = await startProxy(`05 ${rep} 00 01 00 00 00 00 00 00`);
      const other = await startProxy(GRANTED);
      const { port, log } = await startServer({
        rules: VIA,
        upstreams: { up: [[url(proxy.port)], [url(other.port)]] },
      });
      expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
      expect(log.upstream).toEqual([]);
      const alone = await startServer({ rules: VIA, upstreams: { up: [[url(proxy.port)]] } });
      const told = rep === "09" ? "01" : rep;
      expect(await converse(alone.port, GREETING, connectName("www.example", 443))).toBe(refused(told));
    },
  );

  test("a proxy that closes without an answer may mean the target, as OpenSSH does", async () => {
    const proxy = await startProxy("");
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(proxy.port)]] } });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("01"));
    expect(log.upstream).toEqual([]);
  });

  test("SOCKS 4 upstreams and clients: 5b says nothing more", async () => {
    const proxy = await startTarget((socket) => {
      socket.once("data", () => socket.end(octets("00 5b 00 00 00 00 00 00")));
    });
    const { port } = await startServer({ rules: VIA, upstreams: { up: [[url(proxy.port, "socks4a")]] } });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("01"));
    expect(await converse(port, connectRequest4(443))).toBe("005b000000000000");
    // IPv6 cannot be said in SOCKS 4.
    const request = octets(`05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 ${portHex(443)}`);
    expect(await converse(port, GREETING, request)).toBe(refused("08"));
  });

  test("an upstream that is down is no target that refused: REP 03", async () => {
    const dead = await deadPort();
    let dialled = 0;
    const target = await startTarget(() => (dialled += 1));
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(dead)], [url(await deadPort())]] } });
    expect(await converse(port, GREETING, connectRequest(target.port))).toBe(refused("03"));
    // It could have been reached directly, which nobody allowed.
    expect(dialled).toBe(0);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed).toEqual([
      expect.objectContaining({ reason: "unreachable", code: "ERR_SOCKS_UPSTREAM_FAILED", rep: 0x03 }),
    ]);
    expect(log.upstream.map(({ alternative, state }) => [alternative, state])).toEqual([
      [0, "aside"],
      [1, "aside"],
    ]);
  });
});

describe("failover", () => {
  test("a dead proxy is left out until its time has come, also after a reload", async () => {
    const proxy = await startProxy(GRANTED);
    let tries = 0;
    // It hangs up on everybody before it has chosen a method.
    const broken = await startTarget((socket) => {
      tries += 1;
      socket.end();
    });
    const options = { rules: VIA, upstreams: { up: [[url(broken.port)], [url(proxy.port)]] } };
    const { port, log, server } = await startServer({ listen: [{ port: 0 }], ...options });
    for (const _ of [1, 2, 3]) expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
    expect(tries).toBe(1);
    expect(log.upstream).toEqual([
      {
        upstream: "up",
        alternative: 0,
        proxies: [`socks5h://127.0.0.1:${broken.port}`],
        state: "aside",
        failures: 1,
        retryMs: 5_000,
        code: "ERR_SOCKS_PROXY_CLOSED",
        reason: expect.stringContaining(`socks5h://127.0.0.1:${broken.port} closed the connection`) as unknown,
      },
    ]);
    await server.reload({ ...options, listen: [{ port: 0 }] });
    await ask(port, connectName("www.example", 443));
    expect(tries).toBe(1);
    // Another user name: another alternative, of which nothing is known.
    const renamed = [[`socks5h://gw@127.0.0.1:${broken.port}`], [url(proxy.port)]];
    await server.reload({ ...options, upstreams: { up: renamed }, listen: [{ port: 0 }] });
    await ask(port, connectName("www.example", 443));
    expect(tries).toBe(2);
  });

  test("one that works again is told to be back", async () => {
    const dead = await deadPort();
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(dead)]] } });
    await converse(port, GREETING, connectName("www.example", 443));
    const revived = await startServer({ listen: [{ port: dead }] });
    const echo = await startEcho();
    await openTunnel(port, echo.port);
    expect(revived.log.connected.length).toBe(1);
    expect(log.upstream.map(({ state, failures }) => [state, failures])).toEqual([
      ["aside", 1],
      ["back", 1],
    ]);
  });

  test("a proxy that says nothing takes its share of the time only", async () => {
    const silent = await startTarget((socket) => socket.resume());
    const proxy = await startProxy(GRANTED);
    const { port, log } = await startServer({
      rules: VIA,
      timeouts: { connectMs: 2_000 },
      upstreams: { up: [[url(silent.port)], [url(proxy.port)]] },
    });
    expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
    expect(log.upstream).toEqual([expect.objectContaining({ alternative: 0, code: "ERR_SOCKS_TIMEOUT" })]);
  });

  test("nor does a chain whose second proxy says nothing", async () => {
    const silent = await startTarget((socket) => socket.resume());
    const [near, proxy] = [await startServer(), await startProxy(GRANTED)];
    const { port, log } = await startServer({
      rules: VIA,
      timeouts: { connectMs: 2_000 },
      upstreams: { up: [[url(near.port), url(silent.port)], [url(proxy.port)]] },
    });
    expect(await ask(port, connectName("www.example", 443))).toBe(GRANTED_HEX);
    expect(log.upstream).toEqual([expect.objectContaining({ alternative: 0, code: "ERR_SOCKS_TIMEOUT" })]);
  });

  test("when the whole time is over the answer is REP 06, and a target that is slow is nobody's fault", async () => {
    const slow = await startTarget((socket) => {
      socket.once("data", () => socket.write(octets("05 00")));
    });
    const { port, log } = await startServer({
      rules: VIA,
      timeouts: { connectMs: 300 },
      upstreams: { up: [[url(slow.port)]] },
    });
    expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("06"));
    expect(log.upstream).toEqual([]);
  });

  test("a client that leaves ends the attempt, and says nothing about the upstream", async () => {
    let left = false;
    const silent = await startTarget((socket) => {
      socket.resume();
      socket.on("end", () => (left = true));
    });
    const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(silent.port)], [url(1)]] } });
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("www.example", 443)));
    await until(() => log.session.length === 1, "the client is there");
    await readOctets(client, 2);
    client.resetAndDestroy();
    await until(() => left && log.closed.length === 1, "the upstream is left");
    expect(log.upstream).toEqual([]);
  });
});

test("a server that is its own upstream does not call itself", async () => {
  const resolver = resolverOf({ "me.example": ["127.0.0.1"] });
  const first = await startServer();
  const { port } = first;
  await first.server.close();
  const { log, server } = await startServer({
    listen: [{ port }],
    outbound: { resolver },
    rules: VIA,
    upstreams: { up: [[`socks5h://me.example:${port}`]] },
  });
  expect(await converse(port, GREETING, connectName("www.example", 443))).toBe(refused("03"));
  expect(server.stats.accepted).toBe(1);
  expect(log.upstream[0]?.reason).toContain("is a listener of this server");
});

describe("Tor's look-ups", () => {
  const rules = [{ action: "allow", commands: ["resolve", "resolve-ptr"], via: "up" }] as const;
  const name = octets(`05 f0 00 03 0b ${Buffer.from("www.example").toString("hex")} 00 00`);

  test("go by the upstream: nobody here is asked, and the rules decide on the answer", async () => {
    const resolver = resolverOf({});
    const proxy = await startProxy("05 00 00 01 c0 00 02 07 00 00");
    const upstreams = { up: [[url(proxy.port)]] };
    const { port } = await startServer({ outbound: { resolver }, rules, upstreams });
    expect(await converse(port, GREETING, name)).toBe("050005000001c00002070000");
    expect(proxy.heard).toEqual([`05f000030b${Buffer.from("www.example").toString("hex")}0000`]);
    const strict = await startServer({
      outbound: { resolver },
      rules: [{ action: "deny", to: ["192.0.2.7"] }, ...rules],
      upstreams,
    });
    expect(await converse(strict.port, GREETING, name)).toBe(refused("02"));
    expect(resolver.asked).toEqual([]);
  });

  test("names of addresses as well", async () => {
    const proxy = await startProxy(`05 00 00 03 0b ${Buffer.from("www.example").toString("hex")} 00 00`);
    const { port } = await startServer({ rules, upstreams: { up: [[url(proxy.port)]] } });
    expect(await converse(port, GREETING, octets("05 f1 00 01 c0 00 02 07 00 00"))).toBe(
      `0500050000030b${Buffer.from("www.example").toString("hex")}0000`,
    );
    expect(proxy.heard).toEqual(["05f10001c00002070000"]);
  });
});
