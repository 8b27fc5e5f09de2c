import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import type { OutboundOptions, ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import {
  connectName,
  connectRequest,
  connectTo,
  converse,
  GREETING,
  pause,
  portHex,
  startEcho,
  startServer,
  startTarget,
  refused,
} from "./server-support.ts";

const DENIED = refused("02");
const GRANTED = "05000500";

function resolverOf(...answers: readonly string[][]): {
  resolver: NonNullable<OutboundOptions["resolver"]>;
  asked: string[];
} {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<readonly IpAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(name);
    return answer.map((text) => parseIpAddress(text) as IpAddress);
  };
  return { resolver: { resolve }, asked };
}

describe("rules hold for the address that is dialled", () => {
  test("a name that resolves to a denied address is denied, although the name is allowed", async () => {
    const { resolver } = resolverOf(["127.0.0.1"]);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "deny", to: ["127.0.0.0/8"], reason: "not here" }, { action: "allow" }],
    });
    let dialled = 0;
    const target = await startTarget(() => (dialled += 1));
    expect(await converse(port, GREETING, connectName("allowed.example", target.port))).toBe(DENIED);
    await pause(30);
    expect(dialled).toBe(0);
    expect(log.denied).toEqual([
      expect.objectContaining({ stage: "request", code: "ERR_SOCKS_DENIED", reason: "not here", rule: 0, rep: 0x02 }),
    ]);
  });

  test("a name that changes its address meanwhile is looked up once: what was checked is what is dialled", async () => {
    // First an address that is allowed, then, were it asked again, one that is not.
    const { resolver, asked } = resolverOf(["127.0.0.1"], ["127.0.0.2"]);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "deny", to: ["127.0.0.2"] }, { action: "allow" }],
    });
    const echo = await startEcho();
    const forbidden = await startTarget(() => undefined);
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("rebind.example", echo.port)));
    await readOctets(client, 12);
    expect(asked).toEqual(["rebind.example"]);
    expect(log.connected[0]?.address).toMatchObject({ host: "127.0.0.1" });
    expect(await converse(port, GREETING, connectName("rebind.example", forbidden.port))).toBe(DENIED);
  });

  test("of several addresses only those are dialled that are allowed", async () => {
    const { resolver } = resolverOf(["127.0.0.2", "127.0.0.1"]);
    const { port, log } = await startServer({
      outbound: { resolver },
      rules: [{ action: "allow", to: ["127.0.0.1"] }],
    });
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(GREETING, connectName("both.example", echo.port)));
    expect(
      Buffer.from(await readOctets(client, 12))
        .toString("hex")
        .slice(0, 8),
    ).toBe(GRANTED);
    expect(log.connected[0]?.address).toMatchObject({ host: "127.0.0.1", port: echo.port });
  });

  test.each([
    ["as IPv4", "01 7f 00 00 01"],
    ["as text", `03 09 ${Buffer.from("127.0.0.1").toString("hex")}`],
    ["mapped into IPv6", "04 00 00 00 00 00 00 00 00 00 00 ff ff 7f 00 00 01"],
    ["mapped into IPv6, as text", `03 10 ${Buffer.from("::ffff:127.0.0.1").toString("hex")}`],
    ["unspecified", "01 00 00 00 00"],
    ["unspecified IPv6", "04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"],
    ["as a name of this host", `03 09 ${Buffer.from("localhost").toString("hex")}`],
    ["as a name with a dot behind it", `03 0a ${Buffer.from("localhost.").toString("hex")}`],
  ])("a denied address stays denied %s", async (_how, address) => {
    const { port } = await startServer({ rules: [{ action: "deny", to: ["loopback"] }, { action: "allow" }] });
    let dialled = 0;
    const target = await startTarget(() => (dialled += 1));
    expect(await converse(port, GREETING, octets(`05 01 00 ${address} ${portHex(target.port)}`))).toBe(DENIED);
    await pause(20);
    expect(dialled).toBe(0);
  });
});

describe("the server itself is never a destination", () => {
  const itself = ["7f 00 00 01", "7f 00 00 05", "00 00 00 00"];
  test.each(itself)("listening on every address, asked for %s", async (address) => {
    const { port, server } = await startServer({ listen: [{ host: "0.0.0.0", port: 0 }], allowOpenProxy: true });
    expect(await converse(port, GREETING, connectRequest(port, address))).toBe(DENIED);
    expect(server.stats.accepted).toBe(1);
  });

  test("nor another listener of it, by name or mapped", async () => {
    const { port, server } = await startServer({ listen: [{ port: 0 }, { port: 0 }] });
    const other = server.addresses[1]?.port ?? 0;
    expect(await converse(port, GREETING, connectRequest(other))).toBe(DENIED);
    // "localhost" may have ::1 as well, where nothing listens: then it is that failure that is told.
    expect(await converse(port, GREETING, connectName("localhost", other))).toMatch(/^0500050[25]/);
    expect(await converse(port, GREETING, connectName("::ffff:127.0.0.1", other))).toBe(DENIED);
    expect(await converse(port, GREETING, connectRequest(other, "00 00 00 00"))).toBe(DENIED);
    expect(server.stats.accepted).toBe(4);
  });

  test("nor a listener that a reload opened", async () => {
    const { port, server } = await startServer({ listen: [{ port: 0 }] });
    const [, second] = await server.reload({ listen: [{ port: 0 }, { port: 0 }] });
    expect(await converse(port, GREETING, connectRequest(second?.port ?? 0))).toBe(DENIED);
  });

  test("the same port of another host is another matter", async () => {
    // 127.0.0.9 is not where the server listens, so nothing is there.
    const { port } = await startServer();
    expect(await converse(port, GREETING, connectRequest(port, "7f 00 00 09"))).toBe(refused("05"));
  });
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry !== undefined && !entry.internal && entry.family === "IPv4")?.address;
const octetsOf = (address: string): string => Buffer.from(address.split(".").map(Number)).toString("hex");

describe(`clients from elsewhere (${outside ?? "not tested: this host has no address but loopback"})`, () => {
  test.runIf(outside !== undefined)(
    "reach neither loopback nor link-local nor metadata, unless a rule names them",
    async () => {
      const host = outside ?? "";
      const options: ServerOptions = { listen: [{ host, port: 0 }], allowOpenProxy: true };
      const everything = await startServer({ ...options, rules: [{ action: "allow" }] });
      let dialled = 0;
      const target = await startTarget(() => (dialled += 1));
      const ask = async (port: number, address: string): Promise<string> => {
        const client = await connectTo(port, host, host);
        client.write(concat(GREETING, octets(`05 01 00 01 ${address} ${portHex(target.port)}`)));
        return Buffer.from(await readOctets(client, 12))
          .toString("hex")
          .slice(4, 8);
      };
      for (const address of [
        "7f 00 00 01",
        "7f 01 02 03",
        "00 00 00 00",
        "a9 fe 00 01",
        "a9 fe a9 fe",
        "64 64 64 c8",
        "e0 00 00 01",
      ]) {
        expect(await ask(everything.port, address)).toBe("0502");
      }
      expect(dialled).toBe(0);
      const loopback = await startServer({ ...options, rules: [{ action: "allow", to: ["loopback"] }] });
      expect(await ask(loopback.port, "7f 00 00 01")).toBe("0500");
    },
  );

  test.runIf(outside !== undefined)("reach the server by none of this host's addresses", async () => {
    const { port } = await startServer({
      listen: [{ host: "0.0.0.0", port: 0 }],
      allowOpenProxy: true,
      rules: [{ action: "allow" }],
    });
    const client = await connectTo(port, outside, outside);
    client.write(concat(GREETING, connectRequest(port, octetsOf(outside ?? ""))));
    expect(
      Buffer.from(await readOctets(client, 12))
        .toString("hex")
        .slice(4, 8),
    ).toBe("0502");
  });
});

test("limits of a rule: sessions at a time", async () => {
  const { port, log } = await startServer({ rules: [{ action: "allow", limit: { sessions: 1 } }] });
  const echo = await startEcho();
  const first = await connectTo(port);
  first.write(concat(GREETING, connectRequest(echo.port)));
  await readOctets(first, 12);
  expect(await converse(port, GREETING, connectRequest(echo.port))).toBe(DENIED);
  expect(await converse(port, GREETING, connectName("localhost", echo.port))).toBe(DENIED);
  expect(log.denied.map(({ code, rule }) => [code, rule])).toEqual([
    ["ERR_SOCKS_LIMIT", 0],
    ["ERR_SOCKS_LIMIT", 0],
  ]);
  first.end();
  first.resume();
  await pause(50);
  const next = await connectTo(port);
  next.write(concat(GREETING, connectRequest(echo.port)));
  expect(
    Buffer.from(await readOctets(next, 12))
      .toString("hex")
      .slice(0, 8),
  ).toBe(GRANTED);
});

test("limits of a rule: bytes per second, shared by a client's tunnels", async () => {
  const { port, server } = await startServer({ rules: [{ action: "allow", limit: { rate: 200_000 } }] });
  const target = await startTarget((socket) => socket.resume());
  const clients = await Promise.all([1, 2].map(() => connectTo(port)));
  for (const client of clients) client.write(concat(GREETING, connectRequest(target.port), Buffer.alloc(1_000_000)));
  await pause(1_000);
  expect(server.stats.bytesIn).toBeLessThan(200_000 * 1.5);
  expect(server.stats.bytesIn).toBeGreaterThan(50_000);
  const perTunnel = [...server.sessions()].map(({ bytesIn }) => bytesIn);
  expect(Math.abs((perTunnel[0] ?? 0) - (perTunnel[1] ?? 0))).toBeLessThan(40_000);
});
