import { checkNoSecrets, hex } from "@sockskit/testing";
import { domainAddress, parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { type HandshakeError, HttpConnectHandshake, type HttpConnectEvent } from "../src/index.ts";

const destination = parseHostPort("example.com:80");
const alice = { username: "alice", password: "s3cret" };

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString("latin1");
}

function octetsOf(head: string): Uint8Array {
  return Buffer.from(head, "latin1");
}

/** Feeds a machine; one line per event, the octets left for the tunnel last. */
function run(machine: HttpConnectHandshake, chunks: Iterable<Uint8Array>): string[] {
  machine.start();
  const log: string[] = [];
  for (const chunk of chunks) for (const event of machine.receive(chunk)) log.push(line(event));
  const trailing = machine.takeTrailingData();
  if (trailing !== undefined) log.push(`trailing ${hex(trailing)}`);
  return log;
}

function line(event: HttpConnectEvent): string {
  switch (event.type) {
    case "send":
      return `send ${text(event.data)}`;
    case "http-answer":
      return `answer ${event.status} ${event.reason}`.trimEnd();
    case "established":
      return `established ${event.reply}`;
    case "failed":
      return `failed ${event.error.code} ${event.error.stage}`;
  }
}

function errorAfter(answer: string, credentials?: typeof alice): HandshakeError {
  const machine = new HttpConnectHandshake({ destination, credentials });
  machine.start();
  const last = machine.receive(octetsOf(answer)).at(-1);
  if (last?.type !== "failed") throw new TypeError(`no failure but ${last?.type}`);
  expect(last.error).toMatchObject({ name: "HandshakeError", side: "remote" });
  expect(machine.receive(octetsOf("HTTP/1.1 200 OK\r\n\r\n"))).toEqual([]);
  return last.error;
}

function refusal(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return error;
  }
}

describe("the request", () => {
  test.each([
    ["example.com:443", "example.com:443"],
    ["192.0.2.1:80", "192.0.2.1:80"],
    ["[2001:db8::1]:8080", "[2001:db8::1]:8080"],
    ["xn--bcher-kva.example:1", "xn--bcher-kva.example:1"],
  ])("for %s", (target, authority) => {
    const events = new HttpConnectHandshake({ destination: parseHostPort(target) }).start();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: "send", secret: false });
    expect(events.map(line)).toEqual([`send CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`]);
  });

  // The first two pairs and their base64 are those of RFC 7617 sections 2 and 2.1.
  test.each([
    ["Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["test", "123\u00a3", "dGVzdDoxMjPCow=="],
    ["a", "", "YTo="],
    ["a", "b:c", "YTpiOmM="],
    ["?>~", "\u{1f600}", "Pz5+OvCfmIA="],
  ])("with the credentials of %s, last and marked as a secret", (username, password, base64) => {
    const [event] = new HttpConnectHandshake({ destination, credentials: { username, password } }).start();
    expect(event).toMatchObject({ type: "send", secret: true });
    expect(event === undefined ? "" : line(event)).toMatch(
      new RegExp(`\r\nHost: example.com:80\r\nProxy-Authorization: Basic ${base64.replaceAll("+", "\\+")}\r\n\r\n$`),
    );
  });

  test.each([
    [{ destination: parseHostPort("example.com:0", 0) }, "ERR_SOCKS_BAD_PORT"],
    [{ destination: parseHostPort("[fe80::1%eth0]:80") }, "ERR_SOCKS_NOT_REPRESENTABLE"],
    [{ destination, credentials: { username: "a:b", password: "c" } }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ destination, credentials: { username: "a\r\nX: y", password: "c" } }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ destination, credentials: { username: "a", password: "hunter2-canary\u0085" } }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ destination, credentials: { username: "a", password: "hunter2-canary".repeat(2000) } }, "ERR_SOCKS_OVERFLOW"],
  ])("what cannot be said is refused before anything is sent: %#", (options, code) => {
    const error = refusal(() => new HttpConnectHandshake(options));
    expect(error).toMatchObject({ name: "HandshakeError", code, side: "local" });
    checkNoSecrets(error, ["hunter2-canary"]);
  });

  test("a name that would end the line is refused", () => {
    for (const name of ["a b", "a/b", "a@b", "a\r\nX"]) {
      const error = refusal(() => new HttpConnectHandshake({ destination: domainAddress(name, 80) }));
      expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_ADDRESS" });
    }
  });
});

describe("a tunnel", () => {
  test.each([
    "HTTP/1.1 200 Connection established\r\n\r\n",
    "HTTP/1.0 200\r\n\r\n",
    "HTTP/1.1 299 \r\nServer: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
  ])("begins behind %j", (head) => {
    const [answer = "", ...rest] = run(new HttpConnectHandshake({ destination }), [octetsOf(`${head}SSH-2.0`)]);
    expect(answer).toMatch(/^answer 2\d\d/);
    expect(rest).toEqual([`established ${head.slice(9, 12)}`, "trailing 53 53 48 2d 32 2e 30"]);
  });

  test("comes after interim answers, each of them told", () => {
    const heads = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    expect(run(new HttpConnectHandshake({ destination }), [octetsOf(heads)])).toEqual([
      "answer 100 Continue",
      "answer 103 Early Hints",
      "answer 200 OK",
      "established 200",
    ]);
  });

  test("begins at the same octet however the answer is cut up", () => {
    const answer = octetsOf(
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nVia: 1.1 x\r\n\r\n\r\nHTTP/1.1 407 No\r\n\r\n",
    );
    const whole = run(new HttpConnectHandshake({ destination }), [answer]);
    expect(whole.at(-1)).toBe(`trailing ${hex(octetsOf("\r\nHTTP/1.1 407 No\r\n\r\n"))}`);
    for (let at = 1; at < answer.length; at++) {
      const pieces = [answer.subarray(0, at), answer.subarray(at)];
      expect(run(new HttpConnectHandshake({ destination }), pieces)).toEqual(whole);
    }
    const single = [...answer].map((octet) => Uint8Array.of(octet));
    expect(run(new HttpConnectHandshake({ destination }), single)).toEqual(whole);
  });

  test("keeps nothing of the caller's buffer", () => {
    const machine = new HttpConnectHandshake({ destination });
    machine.start();
    const buffer = octetsOf("HTTP/1.1 2");
    machine.receive(buffer);
    buffer.fill(0);
    expect(machine.receive(octetsOf("00 OK\r\n\r\n")).map(line)).toEqual(["answer 200 OK", "established 200"]);
  });
});

describe("a refusal", () => {
  test.each([
    ["HTTP/1.1 403 Filtered\r\n\r\n<html>", 403, "HTTP status 403 (Filtered)"],
    ["HTTP/1.0 500\r\n\r\n", 500, "HTTP status 500"],
    ["HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n", 302, "HTTP status 302 (Found)"],
    ["HTTP/1.1 101 Switching\r\n\r\n", 101, "HTTP status 101 (Switching)"],
    ["HTTP/1.1 999 X\r\n\r\n", 999, "HTTP status 999 (X)"],
    [`HTTP/1.1 502 \x9b2J\xe9 ${"x".repeat(100)}\r\n\r\n`, 502, `HTTP status 502 (?2J? ${"x".repeat(75)}...)`],
  ])("%j", (answer, httpStatus, message) => {
    expect(errorAfter(answer)).toMatchObject({
      code: "ERR_SOCKS_REQUEST_REFUSED",
      stage: "request",
      httpStatus,
      message,
    });
  });

  test.each([
    ["", undefined, "ERR_SOCKS_NO_ACCEPTABLE_METHOD", "does not say which; none were given"],
    ["", alice, "ERR_SOCKS_AUTH_REJECTED", "rejected the user name or password"],
    [
      'Proxy-Authenticate: Basic realm="a, b"\r\n',
      undefined,
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      "offers Basic; none were given",
    ],
    ["PROXY-AUTHENTICATE:basic\r\n", alice, "ERR_SOCKS_AUTH_REJECTED", "rejected the user name or password"],
    [
      'Proxy-Authenticate: Digest realm = "x, Basic y", nonce="\\", Basic z", qop=auth, NTLM, Negotiate abc==\r\n',
      alice,
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      "offers Digest, NTLM, Negotiate; only Basic is known",
    ],
    ["Proxy-Authenticate: NTLM\r\n", undefined, "ERR_SOCKS_NO_ACCEPTABLE_METHOD", "offers NTLM; only Basic is known"],
    [
      "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=x\r\n",
      undefined,
      "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      "offers Negotiate, Basic; none were given",
    ],
    ["WWW-Authenticate: Basic\r\n", undefined, "ERR_SOCKS_NO_ACCEPTABLE_METHOD", "does not say which"],
  ])("407 with %j", (headers, credentials, code, problem) => {
    const error = errorAfter(`HTTP/1.1 407 No\r\n${headers}\r\n`, credentials);
    const stage = code === "ERR_SOCKS_AUTH_REJECTED" ? "authenticate" : "negotiate";
    expect(error).toMatchObject({ code, stage, httpStatus: 407 });
    expect(error.message).toContain(problem);
  });

  test("names eight schemes at most, in time that grows with the head only", () => {
    const many = Array.from({ length: 50 }, (_, index) => `S${index}`).join(",");
    expect(errorAfter(`HTTP/1.1 407 No\r\nProxy-Authenticate: ${many}\r\n\r\n`).message).toContain("S6, S7; only");
    const start = performance.now();
    for (const hostile of ['"\\'.repeat(8000), '"'.repeat(16_001), " ".repeat(16_000), "a ".repeat(8000)]) {
      errorAfter(`HTTP/1.1 407 No\r\nProxy-Authenticate: x ${hostile}\r\n\r\n`);
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("what is not an answer", () => {
  test.each([
    ["\x05\x00", "a SOCKS 5 server"],
    ["\x00\x5b", "a SOCKS 4 server"],
    ["\x15\x03\x01\x00\x02\x02\x46", "a TLS server"],
    ["SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"],
    ["<html>", "an HTTP server"],
    ["HTTP/2 200\r\n\r\n", "is it an HTTP/1 proxy?"],
    ["ICY 200 OK\r\n\r\n", "is it an HTTP/1 proxy?"],
  ])("%j", (answer, guess) => {
    const error = errorAfter(answer);
    expect(error).toMatchObject({ code: "ERR_SOCKS_NOT_HTTP", stage: "negotiate" });
    expect(error.message).toContain(guess);
  });

  test.each([
    ["HTTP/1.1 200 OK\n\n", "ERR_SOCKS_BAD_FIELD"],
    ["HTTP/1.1 20x\r\n\r\n", "ERR_SOCKS_BAD_FIELD"],
    ["HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "ERR_SOCKS_BAD_FIELD"],
    [`HTTP/1.1 200 ${"x".repeat(16_384)}`, "ERR_SOCKS_OVERFLOW"],
    [`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(101)}\r\n`, "ERR_SOCKS_OVERFLOW"],
    ["HTTP/1.1 100 Continue\r\n\r\n".repeat(9), "ERR_SOCKS_OVERFLOW"],
  ])("%#", (answer, code) => {
    expect(errorAfter(answer)).toMatchObject({ code, stage: "request" });
  });

  test("a head that never ends is refused at its limit, not kept", () => {
    const machine = new HttpConnectHandshake({ destination });
    machine.start();
    const piece = octetsOf("x".repeat(1000));
    let sent = 0;
    let events = machine.receive(octetsOf("HTTP/1.1 200 "));
    while (events.length === 0 && sent < 100_000) {
      events = machine.receive(piece);
      sent += piece.length;
    }
    expect(events.map(line)).toEqual(["failed ERR_SOCKS_OVERFLOW request"]);
    expect(sent).toBeLessThan(18_000);
    expect(machine.bufferedLength).toBe(0);
  });

  test("octets that nobody takes are bounded", () => {
    const machine = new HttpConnectHandshake({ destination });
    machine.start();
    machine.receive(octetsOf("HTTP/1.1 200 OK\r\n\r\n"));
    expect(machine.receive(new Uint8Array(0x10000))).toEqual([]);
    expect(machine.receive(Uint8Array.of(1)).map(line)).toEqual(["failed ERR_SOCKS_OVERFLOW request"]);
  });
});

test("verbs out of order are the caller's mistake", () => {
  const machine = new HttpConnectHandshake({ destination });
  expect(refusal(() => machine.receive(octetsOf("H")))).toMatchObject({ code: "ERR_SOCKS_STATE", side: "local" });
  machine.start();
  expect(refusal(() => machine.start())).toMatchObject({ code: "ERR_SOCKS_STATE" });
  expect(machine.takeTrailingData()).toBeUndefined();
});

test("no secret but in the octets to send", () => {
  const secret = "canary-Hx82";
  const machine = new HttpConnectHandshake({ destination, credentials: { username: "alice", password: secret } });
  machine.start();
  const base64 = Buffer.from(`alice:${secret}`).toString("base64");
  const events = machine.receive(octetsOf("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n"));
  checkNoSecrets({ machine, events }, [secret, base64]);
  for (const event of events) if (event.type === "failed") checkNoSecrets(event.error, [secret, base64]);
});
