// Both machines against each other in memory, and each alone against arbitrary octets.
import { noneClient, noneServer, userPassClient, userPassServer } from "@sockskit/auth";
import { arbitraryOctets, concat, hex } from "@sockskit/testing";
import {
  type Address,
  domainAddress,
  formatAddress,
  ipv4Address,
  ipv6Address,
  unmapAddress,
  withPort,
} from "@sockskit/wire";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClientEvent,
  ClientHandshake,
  type ClientHandshakeOptions,
  MAX_BUFFERED_LENGTH,
  type ServerEvent,
  ServerHandshake,
} from "../src/index.ts";
import { clientLine, serverLine } from "./machine-log.ts";

const NOTHING = new Uint8Array(0);

const port = fc.integer({ min: 1, max: 0xffff });
const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const label = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/);
const ipv4 = fc
  .tuple(octets(4), port)
  .filter(([bytes]) => bytes[0] !== 0)
  .map(([bytes, number]) => ipv4Address(bytes, number));
const ipv6 = fc.tuple(octets(16), port).map(([bytes, number]) => ipv6Address(bytes, number));
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), port)
  .map(([labels, number]) => domainAddress(labels.join("."), number));

interface Talk {
  readonly options: ClientHandshakeOptions;
  readonly accept: boolean;
  readonly rep: number;
  readonly bound: Address;
  readonly fromClient: Uint8Array;
  readonly fromServer: Uint8Array;
  readonly sizes: readonly number[];
}

const options: fc.Arbitrary<ClientHandshakeOptions> = fc.oneof(
  fc.record({
    version: fc.constant(5 as const),
    command: fc.constantFrom("connect" as const, "bind" as const, "udp-associate" as const, "resolve" as const),
    destination: fc.oneof(ipv4, ipv6, name),
    authMethods: fc.constantFrom(
      [noneClient()],
      [userPassClient({ username: "alice", password: "pw" })],
      [noneClient(), userPassClient({ username: "alice" })],
    ),
  }),
  fc.record({
    version: fc.constant(4 as const),
    command: fc.constantFrom("connect" as const, "bind" as const, "resolve" as const),
    destination: fc.oneof(ipv4, name),
    userId: fc.constantFrom("", "fred", "é"),
  }),
);

const talk: fc.Arbitrary<Talk> = fc.record({
  options,
  accept: fc.boolean(),
  rep: fc.oneof(fc.constant(0x00), fc.integer({ min: 0x01, max: 0xff })),
  bound: fc.oneof(ipv4, ipv6, name),
  fromClient: arbitraryOctets({ maxLength: 40 }),
  fromServer: arbitraryOctets({ maxLength: 40 }),
  sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
});

test("client and server understand each other, however the octets are cut up", () => {
  fc.assert(
    fc.property(talk, (it) => {
      const { client, server } = converse(it);
      const { version, command = "connect", destination } = it.options;
      const password = it.options.authMethods?.some(({ method }) => method === 0x02) ?? false;
      const authenticated = it.accept || !password;
      const granted = authenticated && it.rep === 0x00;

      expect(client.state).toBe(granted ? "established" : "failed");
      expect(server.state).toBe(client.state);
      const asked = formatAddress(unmapAddress(command === "resolve" ? withPort(destination, 0) : destination));
      const request = server.log.find((line) => line.startsWith("request"));
      if (authenticated) expect(request).toContain(` ${command} ${asked} `);
      else expect(request).toBeUndefined();

      if (granted) {
        const seen = unmapAddress(it.bound);
        const sent = version === 5 ? formatAddress(seen) : seen.type === "ipv4" ? formatAddress(seen) : "0.0.0.0:0";
        expect(client.log.at(-1)).toBe(`established ${sent} ${version === 5 ? "00" : "5a"}`);
        // What each sent right behind its part of the handshake arrives whole.
        expect([client.trailing, server.trailing]).toEqual([hex(it.fromServer), hex(it.fromClient)]);
      } else if (authenticated) {
        const reply = version === 5 ? hex(Uint8Array.of(it.rep)) : "5b";
        expect(client.log.at(-1)).toBe(`failed ERR_SOCKS_REQUEST_REFUSED remote request reply ${reply}`);
      } else {
        expect(client.log.at(-1)).toBe("failed ERR_SOCKS_AUTH_REJECTED remote authenticate");
      }
    }),
    { numRuns: 500 },
  );
});

interface Side {
  readonly state: string;
  readonly log: string[];
  readonly trailing: string;
}

/** Lets a client and a server machine talk; pieces of given sizes arrive in turn. */
function converse(it: Talk): { client: Side; server: Side } {
  const client = new ClientHandshake(it.options);
  const server = new ServerHandshake({
    authMethods: [userPassServer(), noneServer()].filter(
      ({ method }) => it.options.authMethods?.some((offered) => offered.method === method) ?? true,
    ),
    commands: [0x01, 0x02, 0x03, 0xf0],
    socks4WithoutAuthentication: true,
  });
  const clientLog: string[] = [];
  const serverLog: string[] = [];
  let toClient: Uint8Array = NOTHING;
  let toServer: Uint8Array = NOTHING;

  takeClient(client.start());
  for (let piece = 0; toClient.length + toServer.length > 0; piece++) {
    const size = it.sizes[piece % it.sizes.length] as number;
    const arrived = toServer.slice(0, size);
    toServer = toServer.slice(size);
    takeServer(server.receive(arrived));
    const answered = toClient.slice(0, size);
    toClient = toClient.slice(size);
    takeClient(client.receive(answered));
  }
  return {
    client: { state: client.state, log: clientLog, trailing: hex(client.takeTrailingData() ?? NOTHING) },
    server: { state: server.state, log: serverLog, trailing: hex(server.takeTrailingData() ?? NOTHING) },
  };

  function takeClient(events: readonly ClientEvent[]): void {
    for (const event of events) {
      clientLog.push(clientLine(event));
      if (event.type !== "send") continue;
      const last = client.state === "requesting" && event === events.at(-1);
      toServer = concat(toServer, event.data, last ? it.fromClient : NOTHING);
    }
  }

  function takeServer(events: readonly ServerEvent[]): void {
    for (const event of events) {
      serverLog.push(serverLine(event));
      if (event.type === "send") toClient = concat(toClient, event.data);
      if (event.type === "authenticate") {
        takeServer(server.authenticated(it.accept ? { accepted: true, identity: "alice" } : { accepted: false }));
      }
      if (event.type === "request") reply();
    }
  }

  function reply(): void {
    const answer = { rep: it.rep, boundAddress: it.bound };
    takeServer(server.reply(answer));
    if (server.state === "binding") takeServer(server.reply(answer));
    if (server.state === "established") toClient = concat(toClient, it.fromServer);
  }
}

/** Octets that get further than random ones: pieces of real messages, in any order. */
const nearlyRight = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        Uint8Array.of(0x05, 0x01, 0x00),
        Uint8Array.of(0x05, 0x02, 0x00, 0x02),
        Uint8Array.of(0x01, 0x01, 0x61, 0x01, 0x62),
        Uint8Array.of(0x05, 0x01, 0x00, 0x01, 0xc0, 0x00, 0x02, 0x0a, 0x00, 0x50),
        Uint8Array.of(0x05, 0x02, 0x00, 0x03, 0x01, 0x61, 0x00, 0x50),
        Uint8Array.of(0x04, 0x01, 0x00, 0x50, 0x00, 0x00, 0x00, 0x01, 0x00),
        Uint8Array.of(0x05, 0x00),
        Uint8Array.of(0x05, 0x02),
        Uint8Array.of(0x01, 0x00),
        Uint8Array.of(0x05, 0x00, 0x00, 0x01, 0xc0, 0x00, 0x02, 0x0a, 0x00, 0x50),
        Uint8Array.of(0x00, 0x5a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
      ),
      arbitraryOctets({ maxLength: 12 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => concat(...pieces));

const anyOctets = fc.oneof(arbitraryOctets(), nearlyRight);
const anySizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

/** Cuts octets into pieces of given sizes, over and over. */
function pieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] as number;
    cut.push(bytes.slice(at, at + size));
    at += size;
  }
  return cut;
}

describe("arbitrary octets", () => {
  test("never make a server machine throw, and their cuts do not matter", () => {
    const run = (chunks: readonly Uint8Array[], accept: boolean, password: boolean): string[] => {
      const authMethods = password ? [userPassServer()] : [userPassServer(), noneServer()];
      const server = new ServerHandshake({ authMethods, commands: [0x01, 0x02] });
      const log: string[] = [];
      const take = (events: readonly ServerEvent[]): void => {
        for (const event of events) {
          log.push(serverLine(event));
          if (event.type === "failed") expect(event.error).toMatchObject({ name: "HandshakeError", side: "remote" });
          if (event.type === "authenticate") take(server.authenticated({ accepted: accept as true }));
          if (event.type === "request") take(server.reply({ rep: 0x00 }));
        }
      };
      for (const chunk of chunks) {
        take(server.receive(chunk));
        expect(server.bufferedLength).toBeLessThanOrEqual(MAX_BUFFERED_LENGTH);
      }
      const requests = log.findIndex((line) => line.startsWith("request 5"));
      const accepted = log.findIndex((line) => line.startsWith("authenticated"));
      if (requests >= 0) expect(accepted).toBeGreaterThanOrEqual(0);
      if (requests >= 0) expect(accepted).toBeLessThan(requests);
      if (password) expect(log.some((line) => line.startsWith("request 4"))).toBe(false);
      if (password && !accept) expect(requests).toBe(-1);
      return [...log, server.state, hex(server.takeTrailingData() ?? NOTHING)];
    };
    fc.assert(
      fc.property(anyOctets, anySizes, fc.boolean(), fc.boolean(), (bytes, sizes, accept, password) => {
        expect(run(pieces(bytes, sizes), accept, password)).toEqual(run([bytes], accept, password));
      }),
      { numRuns: 1000 },
    );
  });

  test("never make a client machine throw, and their cuts do not matter", () => {
    const authMethods = [noneClient(), userPassClient({ username: "a" })];
    const run = (chunks: readonly Uint8Array[], asked: ClientHandshakeOptions): string[] => {
      const client = new ClientHandshake(asked);
      const events = [...client.start()];
      for (const chunk of chunks) {
        events.push(...client.receive(chunk));
        expect(client.bufferedLength).toBeLessThanOrEqual(MAX_BUFFERED_LENGTH);
      }
      for (const event of events) {
        if (event.type === "failed") expect(event.error).toMatchObject({ name: "HandshakeError", side: "remote" });
      }
      return [...events.map(clientLine), client.state, hex(client.takeTrailingData() ?? NOTHING)];
    };
    const destination = ipv4Address(Uint8Array.of(192, 0, 2, 10), 80);
    const asked = fc.record({
      version: fc.constantFrom(4 as const, 5 as const),
      command: fc.constantFrom("connect" as const, "bind" as const),
      strict: fc.boolean(),
      lenientVersion: fc.boolean(),
    });
    fc.assert(
      fc.property(anyOctets, anySizes, asked, (bytes, sizes, what) => {
        const whole = run([bytes], { ...what, destination, authMethods });
        expect(run(pieces(bytes, sizes), { ...what, destination, authMethods })).toEqual(whole);
      }),
      { numRuns: 1000 },
    );
  });
});
