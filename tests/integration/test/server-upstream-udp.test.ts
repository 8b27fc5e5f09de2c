// Datagrams that go by an upstream.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { ServerOptions } from "@sockskit/server";
import { concat, octets, openDescriptors, readOctets } from "@sockskit/testing";
import {
  afterTest,
  connectRequest,
  connectTo,
  GREETING,
  openTunnel,
  pause,
  portHex,
  type Running,
  startEcho,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { associate, droppedIn, header4, headerName, openUdp, openUdpEcho, resolverOf } from "./udp-support.ts";
import { startProxy } from "./upstream-support.ts";

type Rules = NonNullable<ServerOptions["rules"]>;

/** A server whose way out is another one of ours. */
async function startPair(
  rules: Rules = [{ action: "allow", via: "up" }],
  farOptions: ServerOptions = {},
  options: ServerOptions = {},
): Promise<{ near: Running; far: Running }> {
  const far = await startServer(farOptions);
  const upstreams = { up: [[`socks5h://127.0.0.1:${far.port}`]] };
  return { near: await startServer({ rules, upstreams, ...options }), far };
}

describe("datagrams by an upstream", () => {
  test("go there and back; its association is opened with the first of them, and ends with ours", async () => {
    const { near, far } = await startPair();
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(near.port);
    await pause(50);
    expect(far.log.session.length).toBe(0);
    for (const word of ["one", "two", "three"]) send(header4(echo.port), word);
    for (const word of ["one", "two", "three"]) {
      expect(Buffer.from(await client.next()).toString("latin1")).toBe(
        Buffer.from(concat(header4(echo.port), Buffer.from(word))).toString("latin1"),
      );
    }
    expect(far.log.bound.length).toBe(1);
    // Straight from the server nothing came: what the echo saw is the upstream's socket.
    expect(new Set(echo.received.map(({ from }) => from.port)).size).toBe(1);
    control.end();
    await until(() => near.log.closed.length === 1 && far.log.closed.length === 1, "both associations are closed");
    expect(near.log.closed[0]).toMatchObject({
      via: { upstream: "up", alternative: 0 },
      datagrams: { in: 3, out: 3 },
      bytesIn: 11,
      bytesOut: 11,
    });
    expect(far.log.closed[0]).toMatchObject({ datagrams: { in: 3, out: 3 } });
  });

  test("the rules decide on each: one goes directly, one by the upstream, one nowhere", async () => {
    const [direct, by, nowhere] = [await openUdpEcho(), await openUdpEcho(), await openUdp()];
    const { near, far } = await startPair([
      { action: "deny", ports: [nowhere.port] },
      { action: "allow", ports: [by.port], via: "up" },
      { action: "allow" },
    ]);
    const { client, control, send } = await associate(near.port);
    send(header4(nowhere.port), "nowhere");
    send(header4(direct.port), "direct");
    await client.next();
    send(header4(by.port), "by");
    await client.next();
    send(header4(direct.port), "direct");
    await client.next();
    expect(await droppedIn(near, control)).toEqual({ denied: 1 });
    await until(() => far.log.closed.length === 1, "the upstream's association is closed");
    expect(far.log.closed[0]?.datagrams).toMatchObject({ in: 1, out: 1 });
    expect(nowhere.received.length).toBe(0);
  });

  test("a name is passed on; answers come from the address that only the upstream knows", async () => {
    const resolver = resolverOf({});
    const { near, far } = await startPair(
      undefined,
      { outbound: { resolver: resolverOf({ "www.example": ["127.0.0.1"] }) } },
      { outbound: { resolver } },
    );
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(near.port);
    send(headerName("www.example", echo.port), "x");
    expect(Buffer.from(await client.next())).toEqual(Buffer.from(concat(header4(echo.port), Buffer.from("x"))));
    send(headerName("www.example", echo.port), "y");
    await client.next();
    expect(resolver.asked).toEqual([]);
    // Another port of that host is nobody that the client has written to.
    const { address, port } = echo.received[0]?.from ?? { address: "", port: 0 };
    const stranger = await openUdp();
    stranger.send("hello", port, address);
    await pause(50);
    expect(await droppedIn(near, control)).toEqual({});
    await until(() => far.log.closed.length === 1, "the upstream's association is closed");
    expect(far.log.closed[0]?.datagrams?.dropped.unsolicited).toBe(1);
  });

  test("a name that the rules deny, or want the address of, does not go there", async () => {
    const echo = await openUdpEcho();
    const resolver = resolverOf({ "in.example": ["127.0.0.1"] });
    const { near, far } = await startPair(
      [
        { action: "deny", to: ["bad.example"] },
        { action: "allow", to: ["loopback"], via: "up" },
      ],
      {},
      { outbound: { resolver } },
    );
    const { client, control, send } = await associate(near.port);
    send(headerName("bad.example", echo.port), "x");
    send(headerName("in.example", echo.port), "y");
    await client.next();
    expect(resolver.asked).toEqual(["in.example"]);
    expect(await droppedIn(near, control)).toEqual({ denied: 1 });
    await until(() => far.log.closed.length === 1, "the upstream's association is closed");
    expect(far.log.closed[0]?.datagrams).toMatchObject({ in: 1 });
  });

  test("a reload that wants the address of a name that was passed on: one datagram is lost, then it goes", async () => {
    const echo = await openUdpEcho();
    const listen = [{ port: 0 }];
    const resolver = resolverOf({ "www.example": ["127.0.0.1"] });
    const { near } = await startPair(undefined, { outbound: { resolver } }, { listen, outbound: { resolver } });
    const { client, control, send } = await associate(near.port);
    send(headerName("www.example", echo.port), "by the upstream");
    await client.next();
    await near.server.reload({ listen, outbound: { resolver }, rules: [{ action: "allow", to: ["loopback"] }] });
    for (const word of ["lost", "directly"]) send(headerName("www.example", echo.port), word);
    expect(Buffer.from(await client.next()).toString("latin1", 10)).toBe("directly");
    expect(new Set(echo.received.map(({ from }) => from.port)).size).toBe(2);
    expect(await droppedIn(near, control)).toEqual({ unresolved: 1 });
  });

  test("what comes directly is no answer to what went by the upstream", async () => {
    const both = await openUdp();
    const other = await openUdpEcho();
    const { near } = await startPair([{ action: "allow", ports: [both.port], via: "up" }, { action: "allow" }]);
    const { client, control, send } = await associate(near.port);
    send(header4(both.port), "by");
    await both.next();
    // The server's own socket is known once something goes out directly.
    send(header4(other.port), "direct");
    await client.next();
    both.send("forged", other.received[0]?.from.port ?? 0);
    await pause(50);
    expect(await droppedIn(near, control)).toEqual({ unsolicited: 1 });
    expect(client.received.length).toBe(1);
  });

  test("unsolicited datagrams that the upstream passes on stay out, unless fullCone is on", async () => {
    for (const fullCone of [false, true]) {
      const { near } = await startPair(undefined, { udp: { fullCone: true } }, { udp: { fullCone } });
      const [target, stranger] = [await openUdp(), await openUdp()];
      const { client, control, send } = await associate(near.port);
      send(header4(target.port), "x");
      await target.next();
      stranger.send("hello", target.received[0]?.from.port ?? 0);
      if (fullCone) {
        expect(Buffer.from(await client.next()).toString("latin1", 10)).toBe("hello");
        expect(await droppedIn(near, control)).toEqual({});
      } else {
        await pause(50);
        expect(await droppedIn(near, control)).toEqual({ unsolicited: 1 });
      }
    }
  });
});

describe("an upstream that does not relay", () => {
  test("is told by the count, put aside, and not called for each datagram", async () => {
    let calls = 0;
    const broken = await startTarget((socket) => {
      calls += 1;
      socket.end();
    });
    const upstreams = { up: [[`socks5h://127.0.0.1:${broken.port}`]] };
    const near = await startServer({ rules: [{ action: "allow", via: "up" }], upstreams });
    const { control, send } = await associate(near.port);
    const target = await openUdp();
    send(header4(target.port), "first");
    await until(() => near.log.upstream.length === 1, "it is put aside");
    for (let count = 0; count < 20; count++) send(header4(target.port), "more");
    await pause(100);
    expect(target.received).toEqual([]);
    expect(calls).toBe(1);
    expect(await droppedIn(near, control)).toEqual({ upstream: 21 });
    expect(near.log.upstream[0]).toMatchObject({ state: "aside", upstream: "up" });
  });

  test("gives way to the next that does", async () => {
    const refusing = await startProxy("05 07 00 01 00 00 00 00 00 00");
    const far = await startServer();
    const echo = await openUdpEcho();
    const chain = [`socks5h://127.0.0.1:${far.port}`, `socks5h://127.0.0.1:${far.port}`];
    const alternatives = [chain, ["socks4a://127.0.0.1:9"], [`socks5h://127.0.0.1:${refusing.port}`], [chain[0] ?? ""]];
    const near = await startServer({ rules: [{ action: "allow", via: "up" }], upstreams: { up: alternatives } });
    const { client, control, send } = await associate(near.port);
    send(header4(echo.port), "x");
    await client.next();
    expect(refusing.count()).toBe(1);
    expect(await droppedIn(near, control)).toEqual({});
    expect(near.log.closed[0]?.via).toMatchObject({ alternative: 3 });
    expect(near.log.upstream).toEqual([]);
  });

  test("is left with everything that waits when the client leaves meanwhile", async () => {
    let left = false;
    const silent = await startTarget((socket) => {
      socket.resume();
      socket.on("end", () => (left = true));
    });
    const upstreams = { up: [[`socks5h://127.0.0.1:${silent.port}`]] };
    const near = await startServer({ rules: [{ action: "allow", via: "up" }], upstreams });
    const { control, send } = await associate(near.port);
    for (let count = 0; count < 20; count++) send(header4(9), "x");
    await until(() => silent.sockets.size === 1, "the upstream is called");
    expect(await droppedIn(near, control)).toEqual({ limit: 4 });
    await until(() => left, "the upstream is left");
  });

  test("ends its association: the next datagram opens another one after a pause", async () => {
    const { near, far } = await startPair(undefined, { timeouts: { udpMs: 200 } });
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(near.port);
    send(header4(echo.port), "one");
    await client.next();
    await until(() => far.log.closed.length === 1, "the upstream ended it");
    await pause(1_300);
    send(header4(echo.port), "two");
    await client.next();
    expect(far.log.bound.length).toBe(2);
    expect(await droppedIn(near, control)).toEqual({});
    expect(near.log.upstream).toEqual([]);
  });
});

test("a datagram that does not fit through the upstream is counted, and the relay goes on", async () => {
  const { near } = await startPair();
  const echo = await openUdpEcho();
  const { client, control, send } = await associate(near.port);
  // 65,507 with the header of the client fits; the name's header at the upstream is as long, so it fits there as well.
  send(header4(echo.port), Buffer.alloc(65_497, 1));
  expect((await client.next()).length).toBe(65_507);
  send(header4(echo.port), "small");
  await client.next();
  expect(await droppedIn(near, control)).toEqual({});
});

test("a relay that sends what it likes: broken headers, names, ports of nobody", async () => {
  const relay = createSocket("udp4");
  relay.bind(0, "127.0.0.1");
  await once(relay, "listening");
  afterTest(() => relay.close());
  const { port: relayPort } = relay.address();
  const proxy = await startTarget((socket) => {
    const serve = async (): Promise<void> => {
      await readOctets(socket, 3);
      socket.write(octets("05 00"));
      await readOctets(socket, 10);
      socket.write(octets(`05 00 00 01 7f 00 00 01 ${portHex(relayPort)}`));
    };
    serve().catch(() => socket.destroy());
  });
  const upstreams = { up: [[`socks5h://127.0.0.1:${proxy.port}`]] };
  const near = await startServer({ rules: [{ action: "allow", via: "up" }], upstreams });
  const { client, control, send } = await associate(near.port);
  send(header4(7, "c0 00 02 01"), "to an address");
  const [, from] = (await once(relay, "message")) as [Buffer, { address: string; port: number }];
  send(headerName("www.example", 8), "to a name");
  const [named] = (await once(relay, "message")) as [Buffer];
  expect(named).toEqual(Buffer.from(concat(headerName("www.example", 8), Buffer.from("to a name"))));
  const answer = (bytes: Uint8Array): void => relay.send(bytes, from.port, from.address);
  answer(octets("00"));
  answer(octets("00 00 00 09 01 02 03 04 00 07 78"));
  answer(concat(header4(9, "c0 00 02 01"), Buffer.from("another port")));
  answer(concat(header4(7, "c0 00 02 02"), Buffer.from("another host")));
  answer(concat(headerName("other.example", 8), Buffer.from("another name")));
  answer(concat(headerName("www.example", 8), Buffer.from("by its name")));
  answer(concat(header4(8, "c0 00 02 63"), Buffer.from("by an address")));
  answer(concat(octets("00 00 00 04 00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 01 00 07"), Buffer.from("mapped")));
  expect(Buffer.from(await client.next()).toString("latin1")).toContain("by its name");
  expect(Buffer.from(await client.next())).toEqual(
    Buffer.from(concat(header4(8, "c0 00 02 63"), Buffer.from("by an address"))),
  );
  expect(Buffer.from(await client.next())).toEqual(
    Buffer.from(concat(header4(7, "c0 00 02 01"), Buffer.from("mapped"))),
  );
  expect(await droppedIn(near, control)).toEqual({ unsolicited: 3 });
});

const isLinux = process.platform === "linux";
const why = isLinux ? "" : " (not run: only Linux tells the descriptors of a process)";

test.runIf(isLinux)(`sessions by upstreams, whatever becomes of them, leave no descriptor behind${why}`, async () => {
  const echo = await openUdpEcho();
  const tcp = await startEcho();
  const silent = await startTarget((socket) => socket.resume());
  const far = await startServer();
  const url = `socks5h://127.0.0.1:${far.port}`;
  const near = await startServer({
    rules: [
      { action: "allow", ports: [9], via: "silent" },
      { action: "allow", via: "up" },
    ],
    upstreams: { up: [[url]], silent: [[`socks5h://127.0.0.1:${silent.port}`]] },
    timeouts: { connectMs: 300 },
  });
  const round = async (): Promise<void> => {
    const { client, control, send } = await associate(near.port);
    send(header4(echo.port), "x");
    await client.next();
    send(header4(9), "to nobody");
    const tunnel = await openTunnel(near.port, tcp.port);
    const waiting = await connectTo(near.port);
    waiting.write(concat(GREETING, connectRequest(9)));
    const listening = await connectTo(near.port);
    listening.write(concat(GREETING, octets("05 02 00 01 7f 00 00 01 00 15")));
    await readOctets(listening, 12);
    for (const socket of [control, tunnel, waiting, listening]) socket.destroy();
    await client.close();
  };
  const settled = (): boolean => near.server.stats.sessions === 0 && far.server.stats.sessions === 0;
  await round();
  await until(settled, "everything is closed");
  await until(() => silent.sockets.size === 0 || settled(), "the silent one is left");
  for (const socket of silent.sockets) socket.destroy();
  await pause(100);
  const before = openDescriptors() ?? 0;
  for (let count = 0; count < 10; count++) await round();
  await until(settled, "everything is closed");
  for (const socket of silent.sockets) socket.destroy();
  await until(() => (openDescriptors() ?? 0) <= before, "the descriptors are back");
});
