import { describe, expect, test } from "vitest";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectTo,
  converse,
  GREETING,
  openTunnel,
  pause,
  portHex,
  startEcho,
  startServer,
  until,
} from "./server-support.ts";
import {
  ASSOCIATE,
  associate,
  droppedIn,
  header4,
  headerName,
  openUdp,
  openUdpEcho,
  resolverOf,
} from "./udp-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("rules", () => {
  test("no destination at all: refused at once", async () => {
    const running = await startServer({ rules: [{ action: "allow", commands: ["connect"] }] });
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("050005020001000000000000");
    expect(running.log.denied[0]).toMatchObject({ code: "ERR_SOCKS_DENIED" });
    expect(running.server.stats.associations).toBe(0);
  });

  test("decide on each datagram", async () => {
    const allowed = await openUdp();
    const denied = await openUdp();
    const running = await startServer({ rules: [{ action: "allow", ports: [allowed.port] }] });
    const { control, send } = await associate(running.port);
    send(header4(denied.port), "no");
    send(header4(allowed.port), "yes");
    send(header4(denied.port), "no");
    send(header4(allowed.port), "yes");
    expect(text(await allowed.next())).toBe("yes");
    expect(text(await allowed.next())).toBe("yes");
    expect(denied.received).toEqual([]);
    expect(await droppedIn(running, control)).toEqual({ denied: 2 });
  });

  test("a name goes to the first of its addresses that is allowed, and stays there", async () => {
    const resolver = resolverOf({ "two.example": ["127.0.0.2", "127.0.0.1"], "bad.example": ["127.0.0.2"] });
    const running = await startServer({
      outbound: { resolver },
      rules: [{ action: "deny", to: ["127.0.0.2"] }, { action: "allow" }],
    });
    const here = await openUdp();
    const { control, send } = await associate(running.port);
    send(headerName("two.example", here.port), "x");
    send(headerName("two.example", here.port), "y");
    send(headerName("bad.example", here.port), "z");
    expect([text(await here.next()), text(await here.next())]).toEqual(["x", "y"]);
    await pause(20);
    expect(resolver.asked.toSorted()).toEqual(["bad.example", "two.example"]);
    expect(await droppedIn(running, control)).toEqual({ denied: 1 });
  });

  test("a reload counts for what is open", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    send(header4(echo.port), "x");
    await client.next();
    await running.server.reload({ listen: [{ port: 0 }], rules: [{ action: "deny" }] });
    send(header4(echo.port), "y");
    // What comes now, the client may not hear of.
    echo.send("late", echo.received[0]?.from.port ?? 0);
    await pause(50);
    expect(client.received).toHaveLength(1);
    expect(await droppedIn(running, control)).toEqual({ denied: 2 });
  });

  test("a limit of sessions counts associations", async () => {
    const running = await startServer({ rules: [{ action: "allow", limit: { sessions: 1 } }] });
    const { control } = await associate(running.port);
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("050005020001000000000000");
    control.end();
    await until(() => running.server.stats.sessions === 0, "the place is free");
    await associate(running.port);
  });

  test("a reload neither frees the place of an association nor takes another", async () => {
    const listen = [{ port: 0 }];
    const limited = { action: "allow", limit: { sessions: 2 } } as const;
    const running = await startServer({ listen, rules: [limited] });
    const echo = await openUdpEcho();
    const { client, send } = await associate(running.port);
    const [moved] = await running.server.reload({ listen, rules: [{ action: "deny", ports: [1] }, limited] });
    const port = moved?.port ?? 0;
    send(header4(echo.port), "x");
    expect(text((await client.next()).subarray(10))).toBe("x");
    await associate(port);
    expect(await converse(port, GREETING, ASSOCIATE)).toBe("050005020001000000000000");
  });

  test("a limit of a rule about some destinations counts who goes there", async () => {
    const scarce = await openUdpEcho();
    const plenty = await openUdpEcho();
    const rules = [
      { action: "allow", ports: [scarce.port], limit: { sessions: 1 } },
      { action: "allow", ports: [plenty.port] },
    ] as const;
    const running = await startServer({ rules });
    const first = await associate(running.port);
    const second = await associate(running.port);
    first.send(header4(scarce.port), "first");
    await first.client.next();
    second.send(header4(scarce.port), "too many");
    second.send(header4(plenty.port), "second");
    expect(text((await second.client.next()).subarray(10))).toBe("second");
    expect(await droppedIn(running, second.control)).toEqual({ limit: 1 });
    first.control.end();
    await until(() => running.server.stats.sessions === 0, "the place is free");
    const third = await associate(running.port);
    third.send(header4(scarce.port), "third");
    expect(text((await third.client.next()).subarray(10))).toBe("third");
  });

  test("a rate drops what is too much", async () => {
    const running = await startServer({ rules: [{ action: "allow", limit: { rate: 10_000 } }] });
    const peer = await openUdp();
    const { control, send } = await associate(running.port);
    for (let i = 0; i < 50; i++) send(header4(peer.port), Buffer.alloc(1_000));
    await pause(100);
    const dropped = await droppedIn(running, control);
    expect(dropped.limit).toBeGreaterThan(40);
    expect(peer.received.length).toBeLessThan(10);
    expect(peer.received.length).toBeGreaterThan(0);
  });
});

describe("names", () => {
  test("that are not found are dropped", async () => {
    const running = await startServer({ outbound: { resolver: resolverOf({}) } });
    const { control, send } = await associate(running.port);
    send(headerName("no.example", 53), "x");
    await pause(50);
    expect(await droppedIn(running, control)).toEqual({ unresolved: 1 });
  });

  test("datagrams wait for a slow look-up, in order and 16 at most", async () => {
    let answer: (hosts: readonly unknown[]) => void = () => undefined;
    const resolver = { resolve: () => new Promise<never>((resolve) => (answer = resolve as never)) };
    const running = await startServer({ outbound: { resolver } });
    const peer = await openUdp();
    const { control, send } = await associate(running.port);
    for (let i = 0; i < 20; i++) send(headerName("slow.example", peer.port), `${i}`);
    await pause(50);
    answer([{ type: "ipv4", host: "127.0.0.1", port: 0, octets: octets("7f 00 00 01") }]);
    for (let i = 0; i < 16; i++) expect(text(await peer.next())).toBe(`${i}`);
    expect(await droppedIn(running, control)).toEqual({ limit: 4 });
  });

  test("16 look-ups at a time, and none outlives the association", async () => {
    let open = 0;
    let most = 0;
    const resolver = {
      resolve: (_name: string, { signal }: { signal?: AbortSignal | undefined }) =>
        new Promise<never>((_resolve, reject) => {
          open += 1;
          most = Math.max(most, open);
          signal?.addEventListener("abort", () => {
            open -= 1;
            reject(new DOMException("aborted", "AbortError"));
          });
        }),
    };
    const running = await startServer({ outbound: { resolver } });
    const { control, send } = await associate(running.port);
    for (let i = 0; i < 40; i++) send(headerName(`n${i}.example`, 53), "x");
    await pause(50);
    expect(await droppedIn(running, control)).toEqual({ limit: 24 });
    expect([most, open]).toEqual([16, 0]);
  });
});

describe("its end", () => {
  test("by RST of the client", async () => {
    const running = await startServer();
    const { control } = await associate(running.port);
    control.resetAndDestroy();
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.closed[0]).toMatchObject({ reason: "client-left" });
    expect(running.server.stats.associations).toBe(0);
  });

  test("the port is free again", async () => {
    const running = await startServer();
    const { control, relayPort } = await associate(running.port);
    await droppedIn(running, control);
    expect((await openUdp("127.0.0.1", relayPort)).port).toBe(relayPort);
  });

  test("when nothing has passed for long, and not before", async () => {
    const running = await startServer({ timeouts: { udpMs: 400 } });
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    for (let i = 0; i < 6; i++) {
      await pause(100);
      send(header4(echo.port), "x");
      await client.next();
    }
    expect(running.log.closed).toEqual([]);
    expect(await readToEnd(control)).toHaveLength(0);
    await until(() => running.log.closed.length === 1, "the session is closed");
    expect(running.log.closed[0]).toMatchObject({ reason: "idle", datagrams: { in: 6, out: 6 } });
  });

  test("datagrams of strangers do not keep it", async () => {
    const running = await startServer({ timeouts: { udpMs: 200 } });
    const { relayPort } = await associate(running.port);
    const stranger = await openUdp("127.0.0.2");
    const timer = setInterval(() => stranger.send("x", relayPort, "127.0.0.1"), 20);
    await until(() => running.log.closed.length === 1, "the session is closed");
    clearInterval(timer);
    expect(running.log.closed[0]).toMatchObject({ reason: "idle" });
  });

  test("when the server closes, after the time to drain", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    control.on("error", () => undefined);
    const ended = running.server.close({ drainMs: 300 });
    await pause(50);
    send(header4(echo.port), "still");
    expect(text((await client.next()).subarray(10))).toBe("still");
    await ended;
    expect(running.log.closed[0]).toMatchObject({ reason: "server-closed" });
  });
});

describe("limits and options", () => {
  test("associations in all, and of one client; connections go on", async () => {
    const running = await startServer({ limits: { associations: 3, associationsPerClient: 2 } });
    const echo = await startEcho();
    await associate(running.port);
    await associate(running.port);
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("050005020001000000000000");
    expect(running.log.denied[0]).toMatchObject({ code: "ERR_SOCKS_LIMIT" });
    expect(running.server.stats).toMatchObject({ associations: 2 });
    await openTunnel(running.port, echo.port);
  });

  test("udp.ports and advertise", async () => {
    const free = await openUdp();
    await free.close();
    const running = await startServer({
      udp: { ports: `${free.port}-${free.port}` },
      listen: [{ port: 0, advertise: "203.0.113.7" }],
    });
    const control = await connectTo(running.port);
    control.write(concat(GREETING, ASSOCIATE));
    expect(hex(await readOctets(control, 12))).toBe(`050005000001cb007107${portHex(free.port)}`);
    // The only port is taken.
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("050005010001000000000000");
  });

  test("SOCKS 4 has no such command", async () => {
    const running = await startServer();
    expect(await converse(running.port, octets("04 03 00 50 7f 00 00 01 00"))).toBe("005b000000000000");
  });
});
