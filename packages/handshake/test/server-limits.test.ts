// A client that never stops sending is stopped, in every state.
import { noneServer, userPassServer } from "@sockskit/auth";
import { concat, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { MAX_BUFFERED_LENGTH, ServerHandshake, type ServerState } from "../src/index.ts";
import { serverLine } from "./machine-log.ts";

const GREETING = octets("05 01 02");
const CREDENTIALS = octets("01 01 61 01 62");
const CONNECT = octets("05 01 00 01 c0 00 02 0a 00 50");
const BIND = octets("05 02 00 01 c0 00 02 0a 00 50");

interface Flood {
  readonly state: ServerState;
  /** What came before. */
  readonly received: Uint8Array;
  /** The reply given before. */
  readonly granted?: boolean;
  /** The octet that is sent without end. */
  readonly octet: number;
  /** Most octets that are held in this state. */
  readonly limit: number;
  /** What the end is. */
  readonly log: readonly string[];
}

const OVERFLOW = "failed ERR_SOCKS_OVERFLOW remote";
const FLOODS: readonly Flood[] = [
  { state: "start", received: octets(""), octet: 0x41, limit: 0, log: ["failed ERR_SOCKS_NOT_SOCKS remote negotiate"] },
  // NMETHODS, ULEN, PLEN and the length of a name are octets: these end by themselves.
  {
    state: "greeting",
    received: octets("05 ff"),
    octet: 0x80,
    limit: 256,
    log: ["send 05 ff", "failed ERR_SOCKS_NO_ACCEPTABLE_METHOD remote negotiate"],
  },
  {
    state: "requesting4",
    received: octets("04 01 00 50 c0 00 02 0a"),
    octet: 0x61,
    limit: 8 + 512,
    log: ["send 00 5b 00 00 00 00 00 00", `${OVERFLOW} request answered 5b`],
  },
  {
    state: "requesting4",
    received: octets("04 01 00 50 00 00 00 01 00"),
    octet: 0x61,
    limit: 8 + 1 + 255,
    log: ["send 00 5b 00 00 00 00 00 00", `${OVERFLOW} request answered 5b`],
  },
  {
    state: "verifying",
    received: concat(GREETING, CREDENTIALS),
    octet: 0x05,
    limit: MAX_BUFFERED_LENGTH,
    log: [`${OVERFLOW} authenticate`],
  },
  {
    state: "deciding",
    received: concat(octets("05 01 00"), CONNECT),
    octet: 0x05,
    limit: MAX_BUFFERED_LENGTH,
    log: ["send 05 01 00 01 00 00 00 00 00 00", `${OVERFLOW} request answered 01`],
  },
  {
    state: "binding",
    received: concat(octets("05 01 00"), BIND),
    granted: true,
    octet: 0x05,
    limit: MAX_BUFFERED_LENGTH,
    log: ["send 05 01 00 01 00 00 00 00 00 00", `${OVERFLOW} request answered 01`],
  },
  {
    state: "established",
    received: concat(octets("05 01 00"), CONNECT),
    granted: true,
    octet: 0x05,
    limit: MAX_BUFFERED_LENGTH,
    log: [`${OVERFLOW} request`],
  },
];

describe("a flood", () => {
  for (const flood of FLOODS) {
    for (const size of [1, 1000, 0x10000]) {
      test(`in ${flood.state} after ${flood.received.length} octets, ${size} at a time`, () => {
        const server = machine(flood);
        const chunk = new Uint8Array(size).fill(flood.octet);
        let log: readonly string[] = [];
        let sent = 0;
        for (; log.length === 0 && sent <= MAX_BUFFERED_LENGTH + size; sent += size) {
          log = server.receive(chunk).map(serverLine);
          expect(server.bufferedLength).toBeLessThanOrEqual(flood.limit);
        }
        expect(log).toEqual(flood.log);
        expect(sent).toBeGreaterThan(flood.limit - flood.received.length);
        expect(server.state).toBe("failed");
        expect(server.bufferedLength).toBe(0);
        expect(server.receive(chunk)).toEqual([]);
      });
    }
  }

  test("as much as fits is kept to the last octet", () => {
    const server = machine(FLOODS.find(({ state }) => state === "deciding") as Flood);
    expect(server.receive(new Uint8Array(MAX_BUFFERED_LENGTH).fill(0x61))).toEqual([]);
    expect(server.takeTrailingData()).toHaveLength(MAX_BUFFERED_LENGTH);
  });
});

describe("a method that never finishes a message", () => {
  test("is stopped at its own limit", () => {
    const method = {
      method: 0x80,
      name: "endless",
      start: () => ({
        maxMessageLength: 10,
        receive: () => ({ type: "incomplete" }) as const,
        resolve: () => ({ type: "incomplete" }) as const,
      }),
    };
    const server = new ServerHandshake({ authMethods: [method] });
    server.receive(octets("05 01 80"));
    expect(server.receive(new Uint8Array(10))).toEqual([]);
    expect(server.receive(new Uint8Array(1)).map(serverLine)).toEqual([`${OVERFLOW} authenticate`]);
  });
});

test("the limit of USERID can be set", () => {
  const server = new ServerHandshake({ authMethods: [noneServer()], maxUseridLength: 3 });
  server.receive(octets("04 01 00 50 c0 00 02 0a 61 62 63"));
  expect(server.state).toBe("requesting4");
  expect(server.receive(octets("64")).map(serverLine).at(-1)).toBe(`${OVERFLOW} request answered 5b`);
});

test("verdicts and replies that come after the end are dropped", () => {
  const verifying = machine(FLOODS.find(({ state }) => state === "verifying") as Flood);
  verifying.receive(new Uint8Array(MAX_BUFFERED_LENGTH + 1));
  expect(verifying.authenticated({ accepted: true })).toEqual([]);
  expect(verifying.state).toBe("failed");
  const deciding = machine(FLOODS.find(({ state }) => state === "deciding") as Flood);
  deciding.receive(new Uint8Array(MAX_BUFFERED_LENGTH + 1));
  expect(deciding.reply({ rep: 0x00 })).toEqual([]);
  expect(deciding.state).toBe("failed");
});

function machine(flood: Flood): ServerHandshake {
  const authMethods = flood.state === "verifying" ? [userPassServer()] : [noneServer()];
  const server = new ServerHandshake({ authMethods, commands: [0x01, 0x02] });
  server.receive(flood.received);
  if (flood.granted === true) server.reply({ rep: 0x00 });
  expect(server.state).toBe(flood.state);
  return server;
}
