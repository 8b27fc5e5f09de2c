// A client may send everything at once. Nothing is lost, and nothing is acted upon before its turn.
import { noneServer, userPassServer } from "@sockskit/auth";
import { concat, everySplit, hex, octets, singleOctets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { ServerHandshake, type ServerHandshakeOptions } from "../src/index.ts";
import { runServer, serverLine } from "./machine-log.ts";

const GREETING = octets("05 02 00 02");
const CREDENTIALS = octets("01 05 61 6c 69 63 65 06 73 33 63 72 65 74");
const CONNECT = octets("05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50");
const DATA = octets("47 45 54 20 2f 0d 0a 0d 0a");
const PASSWORD: ServerHandshakeOptions = { authMethods: [userPassServer()] };
const GRANTED = { rep: 0x00 };

const everything = concat(GREETING, CREDENTIALS, CONNECT, DATA);

test("greeting, credentials, request and data in one segment, cut at every place", () => {
  const expected = [
    "send 05 02",
    'authenticate userpass "alice" "s3cret"',
    "send 01 00",
    "authenticated userpass as alice",
    "request 5 connect example.com:80 userpass alice",
    "send 05 00 00 01 00 00 00 00 00 00",
    `trailing ${hex(DATA)}`,
  ];
  for (const late of [false, true]) {
    const owner = { accept: true, replies: [GRANTED], late };
    for (const chunks of [...everySplit(everything), singleOctets(everything)]) {
      expect(runServer(new ServerHandshake(PASSWORD), chunks, owner)).toEqual(expected);
    }
  }
});

describe("while the verdict is awaited", () => {
  test("no request comes out, whatever arrives", () => {
    const server = new ServerHandshake(PASSWORD);
    expect(server.receive(concat(GREETING, CREDENTIALS)).map(serverLine).at(-1)).toMatch(/^authenticate /);
    for (const chunk of singleOctets(concat(CONNECT, DATA))) expect(server.receive(chunk)).toEqual([]);
    expect(server.state).toBe("verifying");
    expect(server.takeTrailingData()).toBeUndefined();
    expect(server.bufferedLength).toBe(CONNECT.length + DATA.length);
  });

  test("a second message of the method is not read as another try", () => {
    const log = runServer(new ServerHandshake(PASSWORD), [concat(GREETING, CREDENTIALS, CREDENTIALS)], {
      accept: true,
    });
    expect(log.filter((line) => line.startsWith("authenticate "))).toHaveLength(1);
    expect(log.at(-1)).toBe("failed ERR_SOCKS_BAD_VERSION remote request answered 01");
  });
});

test("a request behind rejected credentials is never seen", () => {
  for (const late of [false, true]) {
    for (const chunks of [...everySplit(everything), singleOctets(everything)]) {
      const server = new ServerHandshake(PASSWORD);
      expect(runServer(server, chunks, { accept: false, replies: [GRANTED], late })).toEqual([
        "send 05 02",
        'authenticate userpass "alice" "s3cret"',
        "send 01 01",
        "failed ERR_SOCKS_AUTH_REJECTED remote authenticate",
      ]);
      expect(server.receive(CONNECT)).toEqual([]);
      expect(server.bufferedLength).toBe(0);
    }
  }
});

test("a request instead of credentials is a broken message of the method", () => {
  for (const split of everySplit(concat(GREETING, CONNECT))) {
    expect(runServer(new ServerHandshake(PASSWORD), split, { accept: true })).toEqual([
      "send 05 02",
      "send 01 01",
      "failed ERR_SOCKS_AUTH_PROTOCOL remote authenticate",
    ]);
  }
});

test("a request behind a refused greeting is never seen", () => {
  const sent = concat(octets("05 01 00"), CONNECT);
  for (const split of everySplit(sent)) {
    expect(runServer(new ServerHandshake(PASSWORD), split, { accept: true })).toEqual([
      "send 05 ff",
      "failed ERR_SOCKS_NO_ACCEPTABLE_METHOD remote negotiate",
    ]);
  }
});

test("data behind a request can be taken before the reply, and once only", () => {
  const server = new ServerHandshake({ authMethods: [noneServer()] });
  server.receive(concat(octets("05 01 00"), CONNECT, DATA));
  expect(server.state).toBe("deciding");
  expect(server.takeTrailingData()).toEqual(DATA);
  expect(server.takeTrailingData()).toBeUndefined();
  server.receive(octets("01 02"));
  server.reply(GRANTED);
  server.receive(octets("03"));
  expect(server.takeTrailingData()).toEqual(octets("01 02 03"));
  expect(server.takeTrailingData()).toBeUndefined();
});

test("octets that are kept do not share memory with what was received", () => {
  for (const make of [(bytes: Uint8Array) => new Uint8Array(bytes), (bytes: Uint8Array) => Buffer.from(bytes)]) {
    const server = new ServerHandshake(PASSWORD);
    const first = make(concat(GREETING, CREDENTIALS, CONNECT.slice(0, 7)));
    server.receive(first);
    first.fill(0xff);
    const second = make(concat(CONNECT.slice(7), DATA));
    server.receive(second);
    second.fill(0xff);
    expect(server.authenticated({ accepted: true }).map(serverLine).at(-1)).toMatch(/example\.com:80/);
    expect(server.takeTrailingData()).toEqual(DATA);
  }
});
