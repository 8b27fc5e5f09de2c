// GSS-API between our client and our server, in a realm of their own: every level, both forms, all commands.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { GssapiMechanism } from "@sockskit/auth";
import { GssapiInitiator, sharedMechanism } from "@sockskit/auth-gssapi";
import { bind, connect, createUdpSocket } from "@sockskit/client";
import { octets, readOctets, readToEnd } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { ALLOW, problem, useGssapi } from "./gssapi-support.ts";
import { afterTest, connectTo, startEcho, startServer, startTarget, until } from "./server-support.ts";
import { openUdpEcho } from "./udp-support.ts";

describe.skipIf(problem !== undefined)("GSS-API", () => {
  const { realm, start, open } = useGssapi();

  test.each([
    ["confidentiality", ["confidentiality", "integrity"], false],
    ["confidentiality", ["confidentiality", "integrity"], true],
    ["integrity", ["integrity"], false],
    ["integrity", ["integrity"], true],
  ] as const)("CONNECT with %s (%j, NEC %s): megabytes both ways, and the ends", async (_level, protection, nec) => {
    const { port, log } = await start(nec ? { nec: "accept" } : {});
    const echo = await startEcho();
    const socket = await open(port, echo.port, { protection, nec }, { allowHalfOpen: true });
    const sent = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) >> 5));
    socket.end(sent);
    expect(Buffer.compare(await readToEnd(socket), sent)).toBe(0);
    await until(() => log.closed.length === 1, "the session to close");
    expect(log.authenticated).toMatchObject([{ method: "gssapi", user: "alice", principal: "alice@TEST.LOCAL" }]);
    expect(log.connected).toMatchObject([{ user: "alice", principal: "alice@TEST.LOCAL" }]);
    expect(log.closed).toMatchObject([{ reason: "finished", bytesIn: sent.length, bytesOut: sent.length }]);
  });

  test("without protection where both sides allow that", async () => {
    const { port } = await start({ answerNone: true });
    const echo = await startEcho();
    const socket = await open(port, echo.port, { protection: ["confidentiality", "none"] });
    socket.write(octets("61 62"));
    expect(await readOctets(socket, 2)).toEqual(octets("61 62"));
    await expect(open(port, echo.port)).rejects.toMatchObject({ code: "ERR_SOCKS_GSSAPI_PROTECTION" });
  });

  test("what the target says first is read first", async () => {
    const { port } = await start();
    const target = await startTarget((socket) => socket.end("hello"));
    const socket = await open(port, target.port);
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("hello");
  });

  test("BIND: both replies and the data are protected", async () => {
    const { port } = await start();
    const binding = await bind({ proxy: `socks5h://localhost:${port}`, peer: "127.0.0.1", gssapi: {} });
    const peer = await connectTo(binding.address.port);
    const socket = await binding.accept();
    afterTest(() => socket.destroy());
    peer.write("from the peer");
    expect(Buffer.from(await readOctets(socket, 13)).toString()).toBe("from the peer");
    socket.write("to the peer");
    expect(Buffer.from(await readOctets(peer, 11)).toString()).toBe("to the peer");
  });

  test.each(["confidentiality", "integrity"] as const)("UDP ASSOCIATE with %s", async (level) => {
    const { port, log } = await start();
    const echo = await openUdpEcho();
    const socket = await createUdpSocket({ proxy: `socks5h://localhost:${port}`, gssapi: { protection: [level] } });
    afterTest(() => socket.close());
    for (const text of ["one", "two", "x".repeat(60_000)]) {
      const answer = once(socket, "message");
      await socket.send(text, `127.0.0.1:${echo.port}`);
      expect(((await answer) as [Buffer])[0].toString()).toBe(text);
    }
    await expect(socket.send(new Uint8Array(65_497), `127.0.0.1:${echo.port}`)).rejects.toMatchObject({
      code: "ERR_SOCKS_OVERFLOW",
    });
    socket.close();
    await until(() => log.closed.length === 1, "the session to close");
    expect(log.closed[0]).toMatchObject({ datagrams: { in: 3, out: 3 } });
  });

  test("an unprotected datagram is dropped and counted", async () => {
    const { port, log } = await start();
    const socket = await createUdpSocket({ proxy: `socks5h://localhost:${port}`, gssapi: {} });
    afterTest(() => socket.close());
    const raw = createSocket("udp4");
    afterTest(() => raw.close());
    raw.send(octets("00 00 00 01 7f 00 00 01 00 35 61"), socket.relayAddress.port, "127.0.0.1");
    await delay(50);
    socket.close();
    await until(() => log.closed.length === 1, "the session to close");
    expect(log.closed[0]?.datagrams?.dropped).toMatchObject({ malformed: 1 });
  });

  test("nothing goes in clear over the wire", async () => {
    const { port } = await start();
    const seen: Buffer[] = [];
    const tap = await startTarget((client) => {
      const onward = net.connect(port, "127.0.0.1");
      afterTest(() => onward.destroy());
      client.on("data", (chunk: Buffer) => seen.push(chunk)).pipe(onward);
      onward.on("data", (chunk: Buffer) => seen.push(chunk)).pipe(client);
    });
    const echo = await startEcho();
    const socket = await open(tap.port, echo.port);
    socket.write("a canary in the mine");
    await readOctets(socket, 20);
    expect(Buffer.concat(seen).includes("canary")).toBe(false);
    expect(Buffer.concat(seen).includes(Buffer.from([0x05, 0x01, 0x00, 0x01, 0x7f]))).toBe(false);
  });

  test("an octet that is changed on the way ends the session, with a code in the log", async () => {
    const { port, log } = await start();
    let spoil = false;
    const tap = await startTarget((client) => {
      const onward = net.connect(port, "127.0.0.1");
      afterTest(() => onward.destroy());
      client.on("error", () => undefined);
      onward.on("error", () => undefined).pipe(client);
      client.on("data", (chunk: Buffer) => {
        if (spoil) chunk[chunk.length - 3] = (chunk.at(-3) as number) ^ 0x10;
        onward.write(chunk);
      });
    });
    const received: Buffer[] = [];
    const target = await startTarget((socket) => socket.on("data", (chunk: Buffer) => received.push(chunk)));
    const socket = await open(tap.port, target.port);
    socket.write("sound");
    await until(() => Buffer.concat(received).length === 5, "the first octets");
    spoil = true;
    socket.write("spoilt");
    await until(() => log.closed.length === 1, "the end of the session");
    expect(log.closed[0]).toMatchObject({ code: "ERR_SOCKS_GSSAPI_TAMPERED" });
    expect(Buffer.concat(received).toString()).toBe("sound");
  });

  test("the context token of one connection opens no other", async () => {
    const { port, log } = await start();
    const sent: Buffer[] = [];
    const tap = await startTarget((client) => {
      const onward = net.connect(port, "127.0.0.1");
      afterTest(() => onward.destroy());
      client.on("data", (chunk: Buffer) => sent.push(chunk)).pipe(onward);
      onward.pipe(client);
    });
    const echo = await startEcho();
    await open(tap.port, echo.port);
    const replay = await connectTo(port);
    replay.write(Buffer.concat(sent).subarray(0, 3 + 4 + Buffer.concat(sent).readUInt16BE(5)));
    expect(Buffer.from(await readToEnd(replay)).toString("hex")).toBe("050101ff");
    expect(log.denied).toMatchObject([{ stage: "authenticate", code: "ERR_SOCKS_GSSAPI_TAMPERED" }]);
  });

  test("a stream needs a context that keeps messages in order", async () => {
    const { port, log } = await start();
    const gssapi = new GssapiInitiator();
    const unordered = { nec: false, start: ({ host }: { host: string }) => gssapi.start({ host, datagrams: true }) };
    const proxyAuth = { methods: ["gssapi"], gssapi: unordered } as const;
    const dialled = connect({ proxy: `socks5h://localhost:${port}`, target: "127.0.0.1:9", proxyAuth });
    await expect(dialled).rejects.toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 2 });
    expect(log.denied).toMatchObject([{ code: "ERR_SOCKS_GSSAPI_PROTECTION" }]);
  });

  describe("refuses", () => {
    test("a user whom no rule lets through, by the name that rules see", async () => {
      const { port, log } = await start({}, { rules: [{ action: "allow", users: ["bob"], to: ["loopback"] }] });
      await expect(open(port, 9)).rejects.toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 2 });
      expect(log.denied).toMatchObject([{ user: "alice", principal: "alice@TEST.LOCAL", code: "ERR_SOCKS_DENIED" }]);
    });

    test("a level that comes unprotected, unless that was allowed", async () => {
      const { port, log } = await start();
      await expect(open(port, 9, { nec: true })).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
      expect(log.denied[0]?.reason).toContain("unprotected");
    });

    test("a client that allows only more than the server does", async () => {
      const { port } = await start({ protection: ["integrity"] });
      await expect(open(port, 9, { protection: ["confidentiality"] })).rejects.toMatchObject({
        code: "ERR_SOCKS_GSSAPI_PROTECTION",
        stage: "authenticate",
      });
    });

    test("a ticket for another service", async () => {
      const { port, log } = await start();
      await expect(open(port, 9, { service: "socks" })).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
      expect(log.denied).toMatchObject([{ code: "ERR_SOCKS_GSSAPI_WRONG_KEY" }]);
    });

    test.each([
      ["garbage", "01 01 00 02 61 62", "ERR_SOCKS_GSSAPI_TAMPERED"],
      ["an empty token", "01 01 00 00", "ERR_SOCKS_AUTH_PROTOCOL"],
      ["a level before the context", "01 02 00 01 02", "ERR_SOCKS_AUTH_PROTOCOL"],
      ["a request that nobody protected", "05 01 00 01 7f 00 00 01 00 50", "ERR_SOCKS_AUTH_PROTOCOL"],
    ])("%s", async (_name, hex, code) => {
      const { port, log } = await start();
      const client = await connectTo(port);
      client.write(Buffer.concat([octets("05 01 01"), octets(hex)]));
      expect(Buffer.from(await readToEnd(client)).toString("hex")).toBe("050101ff");
      expect(log.denied).toMatchObject([{ stage: "authenticate", code }]);
    });

    test("a client that says nothing more, in time", async () => {
      const { port, log } = await start({}, { timeouts: { handshakeMs: 100 } });
      const client = await connectTo(port);
      client.write(octets("05 01 01 01 01 02"));
      client.resume();
      await until(() => log.closed.length === 1, "the end of the session");
      expect(log.closed).toMatchObject([{ reason: "handshake-timeout" }]);
    });
  });

  test("falls back only when allowed to", async () => {
    const { port } = await startServer({ authMethods: ["none"] });
    const echo = await startEcho();
    await expect(open(port, echo.port)).rejects.toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" });
    const socket = await open(port, echo.port, { fallback: true });
    socket.write("x");
    await readOctets(socket, 1);
  });

  test("the client says what is wrong on its side, and where", async () => {
    const { port } = await start();
    await expect(open(port, 9, { credentials: { type: "ccache", ccache: "FILE:/nonexistent" } })).rejects.toMatchObject(
      {
        code: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS",
        stage: "authenticate",
        side: "local",
        message: expect.stringContaining("kinit"),
      },
    );
  });

  describe("the server's keys", () => {
    test("are needed at the start", async () => {
      await expect(start({ keytab: "/nonexistent/keytab" })).rejects.toMatchObject({
        code: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS",
        message: expect.stringContaining("klist -k /nonexistent/keytab"),
      });
    });

    test("a reload with wrong ones changes nothing", async () => {
      const { server, port } = await start();
      const echo = await startEcho();
      const wrong = { keytab: "/nonexistent/keytab" };
      const reload = server.reload({ listen: [{ port }], authMethods: ["gssapi"], gssapi: wrong, rules: ALLOW });
      await expect(reload).rejects.toMatchObject({ code: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS" });
      const socket = await open(port, echo.port);
      socket.write("x");
      await readOctets(socket, 1);
    });

    test("each listener may have its own", async () => {
      const listen = [
        { port: 0 },
        { port: 0, gssapi: { service: "socks@localhost", protection: ["integrity"] as const } },
      ];
      const { server, port } = await start({}, { listen });
      const other = server.addresses[1]?.port ?? 0;
      const echo = await startEcho();
      await open(port, echo.port);
      await open(other, echo.port, { service: "socks" });
      await expect(open(other, echo.port)).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
    });
  });

  test("a ticket that expires ends the client's connection", async () => {
    await realm().admin("addprinc -maxlife 3s -pw shortpw short");
    const { port } = await start({}, { rules: [{ action: "allow", users: ["short"], to: ["loopback"] }] });
    const echo = await startEcho();
    const credentials = { type: "password", password: "shortpw" } as const;
    const socket = await open(port, echo.port, { principal: "short", credentials });
    const [error] = (await once(socket, "error")) as [{ code: string }];
    expect(error.code).toBe("ERR_SOCKS_GSSAPI_EXPIRED");
  });

  test("a context that expires ends the session, and the log says why", async () => {
    const { port, log } = await start({ mechanism: hasty(sharedMechanism(), 200) });
    const echo = await startEcho();
    const socket = await open(port, echo.port);
    socket.write("x");
    await readOctets(socket, 1);
    await until(() => log.closed.length === 1, "the end of the session");
    expect(log.closed[0]).toMatchObject({ reason: "client-reset", code: "ERR_SOCKS_GSSAPI_EXPIRED" });
  });
});

/** A mechanism whose servers have little time. */
function hasty(mechanism: GssapiMechanism, lifetimeMs: number): GssapiMechanism {
  return {
    initiate: (options) => mechanism.initiate(options),
    async acquire(options) {
      const credentials = await mechanism.acquire(options);
      return {
        accept() {
          const context = credentials.accept();
          const step = context.step.bind(context);
          context.step = async (token) => {
            const { established, ...rest } = await step(token);
            return { ...rest, established: established && { ...established, lifetimeMs } };
          };
          return context;
        },
        dispose: () => credentials.dispose(),
      };
    },
  };
}
