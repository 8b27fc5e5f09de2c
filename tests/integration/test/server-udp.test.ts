import { describe, expect, test } from "vitest";
import type { DropReason } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import { connectTo, GREETING, pause, portHex, startServer, until } from "./server-support.ts";
import { associate, droppedIn, header4, header6, headerName, openUdp, openUdpEcho, resolverOf } from "./udp-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("an association", () => {
  test("relays both ways, names the sender, and counts", async () => {
    const running = await startServer();
    const echo = await openUdpEcho();
    const { client, control, relayPort, send } = await associate(running.port);
    expect([...running.server.sessions()][0]).toMatchObject({ phase: "association" });
    send(header4(echo.port), "first");
    expect(hex(await client.next())).toBe(
      `000000017f000001${portHex(echo.port)}${Buffer.from("first").toString("hex")}`,
    );
    send(header4(echo.port), "second");
    expect(text((await client.next()).subarray(10))).toBe("second");
    send(header4(echo.port));
    expect((await client.next()).length).toBe(10);
    // The answer may be here before the figures.
    await expect
      .poll(() => running.server.stats)
      .toMatchObject({ associations: 1, associated: 1, datagramsIn: 3, datagramsOut: 3 });
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
    expect(hex(reply.subarray(0, 20))).toBe(`05000004${"00".repeat(15)}01`);
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
    await gone.close();
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
    // Twice: the second time the destination is known, and from then on its header is only compared.
    send(header4(peer.port), "one");
    send(header4(peer.port), "one");
    send(header4(peer.port, undefined, "01"), "hel");
    send(header4(peer.port), "two");
    send(header4(peer.port, undefined, "82"), "lo");
    send(header4(peer.port), "three");
    for (const expected of ["one", "one", "two", "three"]) expect(text(await peer.next())).toBe(expected);
    expect(await droppedIn(running, control)).toEqual({ fragment: 2 });
  });
});
