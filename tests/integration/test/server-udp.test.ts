import { describe, expect, test } from "vitest";
import type { DropReason } from "@sockskit/server";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectTo,
  converse,
  GREETING,
  openTunnel,
  pause,
  portHex,
  type Running,
  startEcho,
  startServer,
  until,
} from "./server-support.ts";
import { ASSOCIATE, associate, header4, header6, headerName, openUdp, openUdpEcho } from "./udp-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Ends the association, and tells what was dropped in it. */
async function droppedIn(running: Running, control: { end: () => void }): Promise<Partial<Record<DropReason, number>>> {
  control.end();
  await until(() => running.log.closed.length === 1, "the session is closed");
  expect(running.log.error).toEqual([]);
  const { dropped } = running.log.closed[0]?.datagrams ?? {};
  return Object.fromEntries(Object.entries(dropped ?? {}).filter(([, count]) => count > 0));
}

/** A resolver that knows these names. */
function resolverOf(names: Readonly<Record<string, readonly string[]>>): {
  asked: string[];
  resolve: (name: string) => Promise<never>;
} {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (name) => {
      asked.push(name);
      const hosts = names[name];
      if (hosts === undefined) throw new TypeError("no such name");
      return hosts.map((host) => ({
        type: "ipv4",
        host,
        port: 0,
        octets: Uint8Array.from(host.split("."), Number),
      })) as never;
    },
  };
}

describe("an association", () => {
  test("relays both ways, names the sender, and counts", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, relayPort, send } = await associate(running.port);
    expect([...running.server.sessions()][0]).toMatchObject({ phase: "association" });
    send(header4(echo.port), "first");
    expect(hex(await client.next())).toBe(
      `00000001${"7f000001"}${portHex(echo.port)}${Buffer.from("first").toString("hex")}`,
    );
    send(header4(echo.port), "second");
    expect(text((await client.next()).subarray(10))).toBe("second");
    send(header4(echo.port));
    expect((await client.next()).length).toBe(10);
    expect(running.server.stats).toMatchObject({ associations: 1, associated: 1, datagramsIn: 3, datagramsOut: 3 });
    expect(running.log.bound[0]).toMatchObject({
      command: "udp-associate",
      address: { host: "127.0.0.1", port: relayPort },
    });
    expect(await droppedIn(running, control)).toEqual({});
    expect(running.log.closed[0]).toMatchObject({
      reason: "finished",
      bytesIn: 11,
      bytesOut: 11,
      datagrams: { in: 3, out: 3, errors: 0 },
    });
    expect(running.server.stats).toMatchObject({
      sessions: 0,
      associations: 0,
      associated: 1,
      datagramsIn: 3,
      bytesIn: 11,
    });
  });

  test("reaches IPv4, IPv6 and names, and one after the other", async () => {
    const running = await startServer({ outbound: { resolver: resolverOf({ "echo.example": ["127.0.0.1"] }) } });
    const four = await openUdpEcho();
    const six = await openUdpEcho("::1");
    const { client, control, send } = await associate(running.port);
    for (const round of ["a", "b"]) {
      send(header4(four.port), `four ${round}`);
      expect(text((await client.next()).subarray(10))).toBe(`four ${round}`);
      send(header6(six.port), `six ${round}`);
      const answer = await client.next();
      expect(hex(answer.subarray(0, 22))).toBe(hex(header6(six.port)));
      expect(text(answer.subarray(22))).toBe(`six ${round}`);
      send(headerName("echo.example", four.port), `name ${round}`);
      const named = await client.next();
      // The answer names the address that it came from, not the name.
      expect(hex(named.subarray(0, 10))).toBe(hex(header4(four.port)));
      expect(text(named.subarray(10))).toBe(`name ${round}`);
    }
    expect(await droppedIn(running, control)).toEqual({});
  });

  test("is asked for over IPv6, and relays to IPv4", async () => {
    const running = await startServer({ listen: [{ host: "::1", port: 0 }] });
    const echo = await openUdpEcho();
    const control = await connectTo(running.port, "::1");
    control.write(concat(GREETING, octets(`05 03 00 04 ${"00".repeat(16)} 00 00`)));
    const reply = (await readOctets(control, 2 + 22)).subarray(2);
    expect(hex(reply.subarray(0, 20))).toBe(`05000004${"0000000000000000"}${"0000000000000001"}`);
    const client = await openUdp("::1");
    client.send(concat(header4(echo.port), Buffer.from("x")), Buffer.from(reply).readUInt16BE(20), "::1");
    expect(hex(await client.next())).toBe(hex(header4(echo.port)) + "78");
  });

  test("a client that comes by an IPv4-mapped address is the same client", async () => {
    const running = await startServer({ listen: [{ host: "::", port: 0 }], allowOpenProxy: true });
    const echo = await openUdpEcho();
    const { client, send } = await associate(running.port);
    send(header4(echo.port), "mapped");
    expect(text((await client.next()).subarray(10))).toBe("mapped");
  });

  test("a destination in the mapped form is the IPv4 address", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, send } = await associate(running.port);
    send(octets(`00 00 00 04 ${"00".repeat(10)} ff ff 7f 00 00 01 ${portHex(echo.port)}`), "mapped");
    expect(hex((await client.next()).subarray(0, 10))).toBe(hex(header4(echo.port)));
  });

  test("carries datagrams up to the limit; larger answers are dropped and counted", async () => {
    const running = await startServer();
    const peer = await openUdp();
    const { client, control, send } = await associate(running.port);
    const largest = Buffer.alloc(65_507 - 10, 0x61);
    send(header4(peer.port), largest);
    expect(Buffer.compare(await peer.next(), largest)).toBe(0);
    const relay = peer.received[0]?.from.port ?? 0;
    peer.send(Buffer.alloc(65_507 - 9), relay);
    peer.send(largest, relay);
    expect((await client.next()).length).toBe(65_507);
    expect(await droppedIn(running, control)).toEqual({ tooLong: 1 });
  });

  test("reads and throws away what comes on the TCP connection", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    control.write(Buffer.alloc(3_000_000));
    await until(() => control.writableLength === 0, "everything is taken");
    send(header4(echo.port), "x");
    await client.next();
    await droppedIn(running, control);
    expect(running.log.closed[0]).toMatchObject({ bytesIn: 1 });
  });
});

describe("who may send", () => {
  test("another host is a stranger, before and after the client has sent", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, relayPort, send } = await associate(running.port);
    const stranger = await openUdp("127.0.0.2");
    stranger.send(concat(header4(echo.port), Buffer.from("stolen")), relayPort, "127.0.0.1");
    await pause(50);
    send(header4(echo.port), "mine");
    expect(text((await client.next()).subarray(10))).toBe("mine");
    stranger.send(concat(header4(echo.port), Buffer.from("stolen")), relayPort, "127.0.0.1");
    await pause(50);
    expect(stranger.received).toEqual([]);
    expect(echo.received.map(({ data }) => text(data))).toEqual(["mine"]);
    expect(await droppedIn(running, control)).toEqual({ stranger: 2 });
  });

  test("the first port that sends something readable is the client's", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, relayPort, send } = await associate(running.port);
    const other = await openUdp();
    other.send("rubbish", relayPort);
    await pause(50);
    send(header4(echo.port), "mine");
    await client.next();
    other.send(concat(header4(echo.port), Buffer.from("late")), relayPort);
    await pause(50);
    expect(other.received).toEqual([]);
    expect(await droppedIn(running, control)).toEqual({ malformed: 1, stranger: 1 });
  });

  test.each([
    ["with the client's address", "7f 00 00 01"],
    ["with zeros for the address", "00 00 00 00"],
  ])("a port that the request names is the client's: %s", async (_what, host) => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const named = await openUdp();
    const { client, control, relayPort, send } = await associate(
      running.port,
      octets(`05 03 00 01 ${host} ${portHex(named.port)}`),
    );
    send(header4(echo.port), "not from there");
    await pause(50);
    named.send(concat(header4(echo.port), Buffer.from("from there")), relayPort);
    expect(text((await named.next()).subarray(10))).toBe("from there");
    expect(client.received).toEqual([]);
    expect(await droppedIn(running, control)).toEqual({ stranger: 1 });
  });

  test("a request that names another host, as its target, says nothing about the port", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, send } = await associate(running.port, octets(`05 03 00 01 c0 00 02 01 ${portHex(echo.port)}`));
    send(header4(echo.port), "x");
    expect((await client.next()).length).toBe(11);
  });

  test("answers come only from addresses that the client wrote to", async () => {
    const running = await startServer();
    const peer = await openUdp();
    const other = await openUdp();
    const { client, control, send } = await associate(running.port);
    send(header4(peer.port), "x");
    await peer.next();
    const relay = peer.received[0]?.from.port ?? 0;
    other.send("unasked", relay);
    peer.send("answer", relay);
    expect(text((await client.next()).subarray(10))).toBe("answer");
    expect(await droppedIn(running, control)).toEqual({ unsolicited: 1 });
  });

  test("with fullCone from every address that the rules allow", async () => {
    const running = await startServer({
      udp: { fullCone: true },
      rules: [{ action: "deny", to: ["127.0.0.3"] }, { action: "allow" }],
    });
    const peer = await openUdp();
    const { client, control, send } = await associate(running.port);
    send(header4(peer.port), "x");
    await peer.next();
    const relay = peer.received[0]?.from.port ?? 0;
    const denied = await openUdp("127.0.0.3");
    denied.send("no", relay, "127.0.0.1");
    const other = await openUdp("127.0.0.2");
    other.send("hello", relay, "127.0.0.1");
    expect(hex(await client.next())).toBe(
      hex(header4(other.port, "7f 00 00 02")) + Buffer.from("hello").toString("hex"),
    );
    expect(await droppedIn(running, control)).toEqual({ denied: 1 });
  });

  test("the relay stands only where the client came to", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { control, relayPort } = await associate(running.port);
    const elsewhere = await openUdp("127.0.0.1");
    elsewhere.send(concat(header4(echo.port), Buffer.from("x")), relayPort, "127.0.0.2");
    await pause(50);
    expect(echo.received).toEqual([]);
    expect(await droppedIn(running, control)).toEqual({});
  });
});

describe("bad datagrams are dropped, and the relay goes on", () => {
  test.each<[string, Uint8Array, DropReason]>([
    ["nothing at all", octets(""), "malformed"],
    ["cut in the header", octets("00 00 00 01 7f 00"), "malformed"],
    ["cut in a name", octets("00 00 00 03 09 61 62"), "malformed"],
    ["RSV is not zero", octets("00 01 00 01 7f 00 00 01 00 50 78"), "malformed"],
    ["unknown kind of address", octets("00 00 00 02 7f 00 00 01 00 50 78"), "malformed"],
    ["port 0", octets("00 00 00 01 7f 00 00 01 00 00 78"), "malformed"],
    ["an empty name", octets("00 00 00 03 00 00 50 78"), "malformed"],
    ["a name with an octet 00", octets("00 00 00 03 03 61 00 62 00 50 78"), "malformed"],
    ["multicast", octets("00 00 00 01 e0 00 00 fb 14 e9 78"), "denied"],
    ["multicast of IPv6", octets(`00 00 00 04 ff 02 ${"00".repeat(13)} fb 14 e9 78`), "denied"],
    ["broadcast", octets("00 00 00 01 ff ff ff ff 00 44 78"), "denied"],
    ["a fragment without its beginning", header4(80, undefined, "02"), "fragment"],
    ["the end of no sequence", header4(80, undefined, "80"), "fragment"],
  ])("%s", async (_what, datagram, reason) => {
    const running = await startServer({ rules: [{ action: "allow" }] });
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    send(datagram);
    send(header4(echo.port), "good");
    expect(text((await client.next()).subarray(10))).toBe("good");
    expect(await droppedIn(running, control)).toEqual({ [reason]: 1 });
  });

  test("an address where nobody listens ends nothing", async () => {
    const running = await startServer();
    const gone = await openUdp();
    await new Promise<void>((resolve) => gone.socket.close(() => resolve()));
    gone.socket.close = ((done?: () => void) => done?.()) as never;
    const echo = await openUdpEcho();
    const { client, control, send } = await associate(running.port);
    for (let i = 0; i < 5; i++) send(header4(gone.port), "x");
    await pause(50);
    send(header4(echo.port), "good");
    await client.next();
    await droppedIn(running, control);
  });
});

describe("fragments", () => {
  test("are put together, and go to the destination of the first", async () => {
    const running = await startServer();
    const peer = await openUdp();
    const { control, send } = await associate(running.port);
    send(header4(peer.port, undefined, "01"), "hel");
    send(header4(peer.port, undefined, "82"), "lo");
    expect(text(await peer.next())).toBe("hello");
    expect(await droppedIn(running, control)).toEqual({});
    expect(running.log.closed[0]?.datagrams?.in).toBe(1);
  });

  test("a whole datagram abandons what was begun, also one to the same place as before", async () => {
    const running = await startServer();
    const peer = await openUdp();
    const { control, send } = await associate(running.port);
    send(header4(peer.port), "one");
    send(header4(peer.port, undefined, "01"), "hel");
    send(header4(peer.port), "two");
    send(header4(peer.port, undefined, "82"), "lo");
    send(header4(peer.port), "three");
    expect([text(await peer.next()), text(await peer.next()), text(await peer.next())]).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(await droppedIn(running, control)).toEqual({ fragment: 2 });
  });
});

describe("rules", () => {
  test("no destination at all: refused at once", async () => {
    const running = await startServer({ rules: [{ action: "allow", commands: ["connect"] }] });
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("0500" + "05020001000000000000");
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
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("0500" + "05020001000000000000");
    control.end();
    await until(() => running.server.stats.sessions === 0, "the place is free");
    await associate(running.port);
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
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("0500" + "05020001000000000000");
    expect(running.log.denied[0]).toMatchObject({ code: "ERR_SOCKS_LIMIT" });
    expect(running.server.stats).toMatchObject({ associations: 2 });
    await openTunnel(running.port, echo.port);
  });

  test("udp.ports and advertise", async () => {
    const free = await openUdp();
    await new Promise<void>((resolve) => free.socket.close(() => resolve()));
    free.socket.close = ((done?: () => void) => done?.()) as never;
    const running = await startServer({
      udp: { ports: `${free.port}-${free.port}` },
      listen: [{ port: 0, advertise: "203.0.113.7" }],
    });
    const control = await connectTo(running.port);
    control.write(concat(GREETING, ASSOCIATE));
    expect(hex(await readOctets(control, 12))).toBe(`0500${"05000001"}${"cb007107"}${portHex(free.port)}`);
    // The only port is taken.
    expect(await converse(running.port, GREETING, ASSOCIATE)).toBe("0500" + "05010001000000000000");
  });

  test("SOCKS 4 has no such command", async () => {
    const running = await startServer();
    expect(await converse(running.port, octets("04 03 00 50 7f 00 00 01 00"))).toBe("005b000000000000");
  });
});
