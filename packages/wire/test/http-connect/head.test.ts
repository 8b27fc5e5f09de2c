import { checkNoSecrets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import {
  type HttpConnectRequest,
  type HttpConnectResponse,
  MAX_HTTP_HEAD_LENGTH,
  decodeHttpConnectRequest,
  decodeHttpConnectResponse,
  encodeHttpConnectRequest,
  encodeHttpConnectResponse,
} from "../../src/index.ts";

const local = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "local" }) as Error;
const remote = (code: string): Error => expect.objectContaining({ name: "WireError", code, side: "remote" }) as Error;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const host = { name: "Host", value: "example.com:443" };
const request: HttpConnectRequest = { version: "HTTP/1.1", authority: "example.com:443", headers: [host] };
const response: HttpConnectResponse = { version: "HTTP/1.1", status: 200, reason: "OK", headers: [] };

test("a head of 16384 octets and 100 headers is taken, nothing longer", () => {
  const start = "HTTP/1.1 200 OK\r\n";
  const headers = "a: b\r\n".repeat(99);
  const filler = `x: ${"y".repeat(MAX_HTTP_HEAD_LENGTH - start.length - headers.length - 7)}\r\n`;
  const longest = ascii(`${start}${headers}${filler}\r\n`);
  expect(longest).toHaveLength(16_384);
  expect(decodeHttpConnectResponse(longest)?.byteLength).toBe(16_384);
  expect(decodeHttpConnectResponse(longest.subarray(0, -1))).toBeUndefined();
  expect(encodeHttpConnectResponse(decodeHttpConnectResponse(longest)!.value)).toEqual(longest);

  const longer = ascii(`${start}${headers}${filler.replace("x: ", "x: y")}\r\n`);
  expect(decodeHttpConnectResponse(longer.subarray(0, 16_383))).toBeUndefined();
  expect(() => decodeHttpConnectResponse(longer.subarray(0, 16_384))).toThrow(remote("ERR_SOCKS_OVERFLOW"));

  const one = "HTTP/1.1 200 OK\r\n";
  expect(decodeHttpConnectResponse(ascii(`${one}${"a: b\r\n".repeat(100)}\r\n`))?.value.headers).toHaveLength(100);
  expect(() => decodeHttpConnectResponse(ascii(`${one}${"a: b\r\n".repeat(101)}`))).toThrow(
    remote("ERR_SOCKS_OVERFLOW"),
  );
});

test("a limit that is no number lets nothing through", () => {
  expect(() => decodeHttpConnectResponse(ascii("HTTP/1.1"), 0, { maxLength: Number.NaN })).toThrow(
    remote("ERR_SOCKS_OVERFLOW"),
  );
});

test("a head that comes in single octets, full of white space, costs little", () => {
  const head = ascii(`HTTP/1.1 200 OK\r\nx:${" ".repeat(16_000)}y${" ".repeat(300)}\r\n\r\n`);
  for (let length = 0; length < head.length; length++) {
    expect(decodeHttpConnectResponse(head.subarray(0, length)) === undefined).toBe(true);
  }
  expect(decodeHttpConnectResponse(head)?.value.headers).toEqual([{ name: "x", value: "y" }]);
});

describe("what cannot be sent", () => {
  const attempt = (fields: object) => () => encodeHttpConnectRequest({ ...request, ...fields });
  const header = (name: string, value: string) => attempt({ headers: [host, { name, value }] });

  test.each(["example.com", "example.com:", ":80", "a b:80", "[::1:80", "::1:80", "u@h:1", "h:123456", "h:80\r\nX: y"])(
    "target %j",
    (authority) => {
      expect(attempt({ authority })).toThrow(local("ERR_SOCKS_BAD_ADDRESS"));
    },
  );

  test("header names and values that would read as something else", () => {
    for (const name of ["", "a b", "a:", "a\r\nb", "é", "a\0"]) {
      expect(header(name, "x")).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
    for (const value of ["a\r\nb: c", "a\nb", "a\rb", "a\0", " a", "a ", "\ta", "\x7f", "é€"]) {
      expect(header("a", value)).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    }
    expect(header("a", "b\tc \xe9")()).toEqual(
      ascii("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\na: b\tc \xe9\r\n\r\n"),
    );
  });

  test("no Host, two of them, a body, another version", () => {
    expect(attempt({ headers: [] })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt({ headers: [host, host] })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(header("content-length", "1")).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(header("Transfer-Encoding", "identity")).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt({ version: "HTTP/2" })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(attempt({ version: "HTTP/1.0", headers: [] })()).toEqual(ascii("CONNECT example.com:443 HTTP/1.0\r\n\r\n"));
  });

  test("too much", () => {
    const headers = [host, ...Array.from({ length: 100 }, () => ({ name: "a", value: "b" }))];
    expect(attempt({ headers })).toThrow(local("ERR_SOCKS_OVERFLOW"));
    expect(header("a", "b".repeat(16_384))).toThrow(local("ERR_SOCKS_OVERFLOW"));
  });

  test("status and reason", () => {
    const answer = (fields: object) => () => encodeHttpConnectResponse({ ...response, ...fields });
    for (const status of [99, 1000, 200.5, Number.NaN])
      expect(answer({ status })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    for (const reason of ["a\r\nb", "\0", "\x1b", "€"])
      expect(answer({ reason })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(answer({ version: "HTTP/3" })).toThrow(local("ERR_SOCKS_BAD_FIELD"));
    expect(answer({})()).toEqual(ascii("HTTP/1.1 200 OK\r\n\r\n"));
  });
});

test("errors show no credentials", () => {
  const secret = "canary-4fT8wq";
  const head = (value: string): string => `CONNECT a.example:80 HTTP/1.1\r\nProxy-Authorization: ${value}\r\n\r\n`;
  const attempts = [
    () => decodeHttpConnectRequest(ascii(head(secret))),
    () => decodeHttpConnectRequest(ascii(head(`${secret}\x07`))),
    () => decodeHttpConnectRequest(ascii(head(secret).replace(": ", " "))),
    () => decodeHttpConnectRequest(ascii(head(secret).replace("a.example", `u:${secret}@a.example`))),
    () => encodeHttpConnectRequest({ ...request, authority: `u:${secret}@h:1` }),
    () => encodeHttpConnectRequest({ ...request, headers: [{ name: "Proxy-Authorization", value: `${secret}\n` }] }),
    () => encodeHttpConnectRequest({ ...request, headers: [{ name: `Proxy-Authorization: ${secret}`, value: "x" }] }),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: "WireError" });
      checkNoSecrets(error, [secret]);
    }
  }
});
