import { type ClientAuthMethod, noneClient, userPassClient } from "@sockskit/auth";
import { octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { ClientHandshake, type ClientHandshakeOptions, MAX_BUFFERED_LENGTH } from "../src/index.ts";
import { clientLine, runClient } from "./machine-log.ts";

const TARGET = parseAddress("192.0.2.10", 80);
const ALICE = userPassClient({ username: "alice", password: "s3cret" });

function play(options: Partial<ClientHandshakeOptions>, ...received: string[]): string[] {
  return runClient(new ClientHandshake({ version: 5, destination: TARGET, ...options }), received.map(octets));
}

describe("what is sent", () => {
  test.each([
    { version: 5, destination: "192.0.2.10", request: "05 01 00 01 c0 00 02 0a 00 50" },
    { version: 5, destination: "2001:db8::1", request: `05 01 00 04 20 01 0d b8${" 00".repeat(11)} 01 00 50` },
    { version: 5, destination: "example.com", request: "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50" },
    { version: 5, command: "bind", destination: "192.0.2.10", request: "05 02 00 01 c0 00 02 0a 00 50" },
    { version: 5, command: "udp-associate", destination: "0.0.0.0", request: "05 03 00 01 00 00 00 00 00 50" },
    { version: 5, command: "resolve", destination: "a.b", request: "05 f0 00 03 03 61 2e 62 00 50" },
    { version: 5, command: "resolve-ptr", destination: "192.0.2.10", request: "05 f1 00 01 c0 00 02 0a 00 50" },
    { version: 4, command: "resolve", destination: "a.b", request: "04 f0 00 50 00 00 00 01 00 61 2e 62 00" },
    { version: 4, command: "resolve", destination: "192.0.2.10", request: "04 f0 00 50 c0 00 02 0a 00" },
    { version: 4, destination: "192.0.2.10", request: "04 01 00 50 c0 00 02 0a 00" },
    { version: 4, destination: "::ffff:192.0.2.10", request: "04 01 00 50 c0 00 02 0a 00" },
    { version: 4, command: "bind", destination: "192.0.2.10", request: "04 02 00 50 c0 00 02 0a 00" },
    { version: 4, command: "bind", destination: "0.0.0.0", request: "04 02 00 50 00 00 00 00 00" },
    { version: 4, destination: "a.b", request: "04 01 00 50 00 00 00 01 00 61 2e 62 00" },
    { version: 4, userId: "fred", destination: "192.0.2.10", request: "04 01 00 50 c0 00 02 0a 66 72 65 64 00" },
    { version: 4, userId: "é", destination: "192.0.2.10", request: "04 01 00 50 c0 00 02 0a c3 a9 00" },
    { version: 4, userId: octets("ff"), destination: "192.0.2.10", request: "04 01 00 50 c0 00 02 0a ff 00" },
  ] as const)("SOCKS $version to $destination", ({ request, destination, ...options }) => {
    const log = play({ ...options, destination: parseAddress(destination, 80) }, options.version === 5 ? "05 00" : "");
    expect(log.at(-1)).toBe(`send ${request}`);
  });

  test("methods are offered in their order", () => {
    expect(play({ authMethods: [ALICE, noneClient()] })).toEqual(["send 05 02 02 00"]);
    expect(play({ authMethods: [noneClient(), ALICE] })).toEqual(["send 05 02 00 02"]);
    expect(play({})).toEqual(["send 05 01 00"]);
  });

  test("each message waits for its answer, and credentials are marked", () => {
    const answers = ["05 02", "01 00", "05 00 00 01 c6 33 64 07 c3 50"];
    expect(play({ authMethods: [noneClient(), ALICE] }, ...answers)).toEqual([
      "send 05 02 00 02",
      "method-selected userpass",
      "send 01 05 61 6c 69 63 65 06 73 33 63 72 65 74 (secret)",
      "authenticated userpass",
      "send 05 01 00 01 c0 00 02 0a 00 50",
      "established 198.51.100.7:50000 00",
    ]);
  });
});

describe("early data", () => {
  const earlyData = octets("48 69");

  test("goes out behind the request, marked as what is not to be shown", () => {
    const log = play({ earlyData, authMethods: [ALICE] }, "05 02", "01 00");
    expect(log.slice(-2)).toEqual(["send 05 01 00 01 c0 00 02 0a 00 50", "send 48 69 (secret)"]);
    expect(play({ earlyData }).at(-1)).toBe("send 05 01 00");
    expect(play({ version: 4, earlyData })).toEqual(["send 04 01 00 50 c0 00 02 0a 00", "send 48 69 (secret)"]);
    expect(play({ version: 4, earlyData: octets("") })).toHaveLength(1);
  });

  test("is a copy", () => {
    const mine = Buffer.from("Hi");
    const machine = new ClientHandshake({ version: 4, destination: TARGET, earlyData: mine });
    mine.fill(0);
    expect(machine.start().at(-1)).toMatchObject({ data: octets("48 69") });
  });

  test("what the target says is behind the reply as always", () => {
    const log = play({ earlyData }, "05 00", "05 00 00 01 c6 33 64 07 c3 50 68 69");
    expect(log.slice(-2)).toEqual(["established 198.51.100.7:50000 00", "trailing 68 69"]);
  });
});

describe("what cannot be asked is refused before anything is sent", () => {
  test.each([
    { what: "IPv6 with SOCKS 4", version: 4, destination: parseAddress("2001:db8::1", 80), code: "NOT_REPRESENTABLE" },
    { what: "0.0.0.5 with SOCKS 4", version: 4, destination: parseAddress("0.0.0.5", 80), code: "NOT_REPRESENTABLE" },
    { what: "a zone", version: 5, destination: parseAddress("fe80::1%eth0", 80), code: "NOT_REPRESENTABLE" },
    { what: "UDP with SOCKS 4", version: 4, command: "udp-associate", destination: TARGET, code: "NOT_REPRESENTABLE" },
    { what: "PTR with SOCKS 4", version: 4, command: "resolve-ptr", destination: TARGET, code: "NOT_REPRESENTABLE" },
    {
      what: "PTR of a name",
      version: 5,
      command: "resolve-ptr",
      destination: parseAddress("example.com", 0),
      code: "BAD_ADDRESS",
    },
    { what: "port 0", version: 5, destination: parseAddress("example.com", 0), code: "BAD_PORT" },
    { what: "NUL in the user id", version: 4, userId: "fr\0ed", destination: TARGET, code: "BAD_FIELD" },
    { what: "a user id of 256 octets", version: 4, userId: "é".repeat(128), destination: TARGET, code: "OVERFLOW" },
    {
      what: "early data with BIND",
      version: 5,
      command: "bind",
      earlyData: octets("00"),
      destination: TARGET,
      code: "BAD_OPTION",
    },
    {
      what: "65537 octets of early data",
      version: 5,
      earlyData: new Uint8Array(0x10001),
      destination: TARGET,
      code: "OVERFLOW",
    },
    { what: "no method", version: 5, authMethods: [], destination: TARGET, code: "BAD_OPTION" },
    {
      what: "method ff",
      version: 5,
      authMethods: [{ ...noneClient(), method: 0xff }],
      destination: TARGET,
      code: "BAD_OPTION",
    },
  ] as const)("$what", ({ what: _what, code, ...options }) => {
    expect(() => new ClientHandshake(options)).toThrow(
      expect.objectContaining({ name: "HandshakeError", code: `ERR_SOCKS_${code}`, side: "local" }),
    );
  });

  test("the message says what and why", () => {
    const destination = parseAddress("2001:db8::1", 443);
    expect(() => new ClientHandshake({ version: 4, destination })).toThrow(
      "SOCKS 4 cannot carry the address [2001:db8::1]:443: it has no IPv6; use SOCKS 5",
    );
  });
});

describe("answers that are accepted", () => {
  test.each([
    { answer: "05 00 00 01 00 00 00 00 00 00", bound: "0.0.0.0:0" },
    { answer: `05 00 00 04 ${"00 ".repeat(15)}01 00 50`, bound: "[::1]:80" },
    { answer: "05 00 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50", bound: "example.com:80" },
    { answer: "05 00 00 03 09 31 32 37 2e 30 2e 30 2e 31 00 50", bound: "127.0.0.1:80" },
    { answer: "05 00 00 03 00 00 50", bound: "nowhere" },
    { answer: `05 00 00 03 ff ${"20 ".repeat(255)}00 50`, bound: "nowhere" },
    { answer: "05 00 ff 01 00 00 00 00 00 00", bound: "0.0.0.0:0" },
  ])("$answer", ({ answer, bound }) => {
    expect(play({}, "05 00", answer).at(-1)).toBe(`established ${bound} 00`);
    expect(play({}, "05 00", answer, "aa bb").at(-1)).toBe("trailing aa bb");
    expect(play({}, "05 00", `${answer} aa`, "bb").at(-1)).toBe("trailing aa bb");
  });

  test("a reply to user/password with VER 05, with a warning", () => {
    const log = play({ authMethods: [ALICE] }, "05 02", "05 00");
    expect(log.slice(3)).toEqual([
      "authenticated userpass (user/password reply has VER 0x05 instead of 0x01)",
      "send 05 01 00 01 c0 00 02 0a 00 50",
    ]);
  });

  test("a SOCKS 4 reply with VN 04, only when told so", () => {
    const answer = "04 5a 00 00 00 00 00 00";
    expect(play({ version: 4, lenientVersion: true }, answer).at(-1)).toBe("established 0.0.0.0:0 5a");
    expect(play({ version: 4 }, answer).at(-1)).toBe("failed ERR_SOCKS_BAD_VERSION remote request");
    expect(play({ version: 4, lenientVersion: true }, "04 5b").at(-1)).toMatch(/reply 5b$/);
    expect(play({ version: 4 }, "04 5b").at(-1)).toBe("failed ERR_SOCKS_BAD_VERSION remote request");
  });
});

describe("strict", () => {
  test("a reply to user/password with VER 05 fails", () => {
    const log = play({ authMethods: [ALICE], strict: true }, "05 02", "05 00");
    expect(log.at(-1)).toBe("failed ERR_SOCKS_AUTH_PROTOCOL remote authenticate");
    expect(log.filter((line) => line.startsWith("send"))).toHaveLength(2);
  });

  test("a non-zero RSV fails", () => {
    const log = play({ strict: true }, "05 00", "05 00 ff 01 00 00 00 00 00 00");
    expect(log.at(-1)).toBe("failed ERR_SOCKS_BAD_FIELD remote request");
  });

  test("what is by the book passes", () => {
    const log = play({ authMethods: [ALICE], strict: true }, "05 02", "01 00", "05 00 00 01 00 00 00 00 00 00");
    expect(log.at(-1)).toBe("established 0.0.0.0:0 00");
  });
});

describe("BIND", () => {
  const first = "05 00 00 01 c6 33 64 07 9c 40";
  const second = "05 00 00 01 c0 00 02 0a 00 14";

  test("two replies", () => {
    expect(play({ command: "bind" }, "05 00", first + second + "aa").slice(3)).toEqual([
      "send 05 02 00 01 c0 00 02 0a 00 50",
      "listening 198.51.100.7:40000 00",
      "established 192.0.2.10:20 00",
      "trailing aa",
    ]);
  });

  test.each(["05 02", "05 06 00 01 00 00 00 00 00 00"])("a failure as the second reply: %s", (refusal) => {
    expect(play({ command: "bind" }, "05 00", first, refusal).at(-1)).toMatch(/^failed ERR_SOCKS_REQUEST_REFUSED/);
  });
});

describe("a flood", () => {
  const endless: ClientAuthMethod = {
    method: 0x80,
    name: "endless",
    start: () => ({ maxMessageLength: 10, begin: () => undefined, receive: () => ({ type: "incomplete" }) }),
  };

  test("behind the last reply, when the owner does not take it", () => {
    const machine = new ClientHandshake({ version: 4, destination: TARGET });
    machine.start();
    machine.receive(octets("00 5a 00 00 00 00 00 00"));
    expect(machine.receive(new Uint8Array(MAX_BUFFERED_LENGTH))).toEqual([]);
    expect(machine.bufferedLength).toBe(MAX_BUFFERED_LENGTH);
    expect(machine.receive(new Uint8Array(1)).map(clientLine)).toEqual(["failed ERR_SOCKS_OVERFLOW remote request"]);
    expect(machine.bufferedLength).toBe(0);
  });

  test("in a method that never finishes a message", () => {
    const machine = new ClientHandshake({ version: 5, destination: TARGET, authMethods: [endless] });
    machine.start();
    machine.receive(octets("05 80"));
    expect(machine.receive(new Uint8Array(10))).toEqual([]);
    expect(machine.receive(new Uint8Array(1)).map(clientLine)).toEqual([
      "failed ERR_SOCKS_OVERFLOW remote authenticate",
    ]);
  });

  test("in every other state a message ends it, of 262 octets at most", () => {
    for (const received of [[], ["05 00"]]) {
      const machine = new ClientHandshake({ version: 5, destination: TARGET });
      machine.start();
      for (const chunk of received) machine.receive(octets(chunk));
      let fed = 0;
      for (; machine.state !== "failed" && fed < 300; fed++) {
        machine.receive(Uint8Array.of(fed % 262 === 0 ? 0x05 : 0x03));
        expect(machine.bufferedLength).toBeLessThan(262);
      }
      expect(machine.state).toBe("failed");
    }
  });
});
