import { checkNoSecrets, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { type ClientAuthExchange, type ClientAuthStep, type CramQuestion, cramClient } from "../src/index.ts";

const ask = "01 02 03 10 6f 74 70 2d 6d 64 35 20 34 38 37 20 64 6f 67 32 01 09 45 6e 74 65 72 20 4f 54 50"; // vector cram
const protocol = { type: "failed", error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" } };
const credentials = { type: "failed", consumed: 0, error: { code: "ERR_SOCKS_AUTH_CREDENTIALS", side: "local" } };

function started(): ClientAuthExchange {
  const exchange = cramClient({ username: "alice" }).start();
  exchange.begin();
  return exchange;
}

function answer(exchange: ClientAuthExchange, response: string | Uint8Array | undefined): ClientAuthStep {
  return exchange.answer?.({ type: "cram", response }) ?? { type: "incomplete" };
}

/** The question that a message leads to. */
function question(message: string | Uint8Array): CramQuestion | undefined {
  const step = started().receive(typeof message === "string" ? octets(message) : message);
  return step.type === "ask" && step.question.type === "cram" ? step.question : undefined;
}

/** A message: CHALLENGE, TEXT-MESSAGE, and CHARSET if there is one. */
function message(challenge: string, text: string, charset: string | undefined, encoding: BufferEncoding): Uint8Array {
  const attribute = (att: number, val: Buffer): number[] => [att, val.length, ...val];
  return Uint8Array.of(
    0x01,
    charset === undefined ? 2 : 3,
    ...attribute(0x03, Buffer.from(challenge, encoding)),
    ...(charset === undefined ? [] : attribute(0x05, Buffer.from(charset))),
    ...attribute(0x01, Buffer.from(text, encoding)),
  );
}

describe("what is sent", () => {
  test("the name, with its character set where that matters", () => {
    expect(cramClient({ username: "alice" }).start().begin()).toEqual(octets("01 01 02 05 61 6c 69 63 65"));
    expect(cramClient({ username: "é" }).start().begin()).toEqual(octets("01 02 02 02 c3 a9 05 05 55 54 46 2d 38"));
    expect(cramClient({ username: "a" })).toMatchObject({ method: 0x05, name: "cram" });
  });

  test("the answer, likewise", () => {
    const cases = [
      ["ALEC HUH", "01 01 04 08 41 4c 45 43 20 48 55 48"],
      ["é", "01 02 04 02 c3 a9 05 05 55 54 46 2d 38"],
      ["", "01 01 04 00"],
      [octets("41 42"), "01 01 04 02 41 42"],
    ] as const;
    for (const [response, sent] of cases) {
      const exchange = started();
      exchange.receive(octets(ask));
      expect(answer(exchange, response)).toEqual({ type: "send", consumed: 0, data: octets(sent) });
    }
  });

  test("a name that cannot be sent is refused", () => {
    for (const username of ["", "a\0", "é".repeat(128), "\ud800"]) {
      expect(() => cramClient({ username })).toThrow(
        expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_AUTH_CREDENTIALS", side: "local" }),
      );
    }
  });
});

describe("questions", () => {
  test("challenge and text, as octets for programs and as text for people", () => {
    expect(started().receive(octets(ask))).toEqual({
      type: "ask",
      consumed: 31,
      question: {
        type: "cram",
        round: 1,
        challenge: octets("6f 74 70 2d 6d 64 35 20 34 38 37 20 64 6f 67 32"),
        prompt: "otp-md5 487 dog2",
        text: "Enter OTP",
      },
    });
  });

  test("text is ISO 8859-1 unless the proxy says otherwise, until it says otherwise again", () => {
    expect(question(message("é", "ü", undefined, "latin1"))).toMatchObject({ prompt: "é", text: "ü" });
    expect(question(message("é", "漢", "UTF-8", "utf8"))).toMatchObject({ prompt: "é", text: "漢" });
    expect(question(message("é", "a", "us-ascii", "latin1"))).toMatchObject({ prompt: "\ufffd", text: "a" });
    expect(question(message("é", "a", "koi8-r", "latin1"))).toMatchObject({ prompt: "\ufffd", text: "a" });
    const exchange = started();
    exchange.receive(message("é", "é", "utf-8", "utf8"));
    answer(exchange, "a");
    expect(exchange.receive(message("ß", "ß", undefined, "utf8"))).toMatchObject({
      question: { prompt: "ß", round: 2 },
    });
  });

  test("nothing in them moves a cursor, breaks a line or turns text round", () => {
    const evil = "a\x1b]0;b\x07\r\nc\x00\u200bd\u2066e\u2029f\ufeff\u{e0041}g\u{f0000}";
    const clean = "a ]0;b c d e f g";
    expect(question(message(evil, evil, "utf-8", "utf8"))).toMatchObject({ prompt: clean, text: clean });
    expect(question(message("\x9b2J", "\x85x", undefined, "latin1"))).toMatchObject({ prompt: "2J", text: "x" });
  });

  test("texts are joined, and too long ones cut", () => {
    expect(question("01 03 01 02 61 62 03 01 3f 01 02 63 64")).toMatchObject({ text: "abcd" });
    const texts = Array.from({ length: 5 }, () => [0x01, 0xff, ...new Uint8Array(255).fill(0x61)]).flat();
    const shown = question(Uint8Array.of(0x01, 0x06, 0x03, 0x01, 0x3f, ...texts))?.text;
    expect(shown).toBe(`${"a".repeat(1000)}...`);
  });
});

describe("the end", () => {
  test("STATUS, after an answer or without a question", () => {
    for (const messages of [[ask], []]) {
      for (const [status, end] of [
        ["01 01 00 01 00", { type: "done", consumed: 5 }],
        ["01 01 00 01 ff", { type: "failed", error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } }],
        ["01 01 00 00", { type: "failed", error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } }],
      ] as const) {
        const exchange = started();
        for (const one of messages) {
          exchange.receive(octets(one));
          answer(exchange, "x");
        }
        expect(exchange.receive(octets(status))).toMatchObject(end);
      }
    }
  });

  test("a status counts more than a challenge beside it", () => {
    expect(started().receive(octets("01 02 03 01 3f 00 01 00"))).toMatchObject({ type: "done" });
    expect(started().receive(octets("01 02 03 01 3f 00 01 01"))).toMatchObject({ type: "failed" });
  });

  test("what the proxy says at the end is in the message", () => {
    const step = started().receive(octets("01 02 00 01 01 01 04 62 79 1b 65"));
    expect(step.type === "failed" && step.error.message).toBe('proxy rejected the user name or the answer: "by e"');
  });

  test("nobody answers, or what cannot be sent", () => {
    for (const response of [undefined, "a\0", "é".repeat(128), new Uint8Array(256), "\ud800"]) {
      const exchange = started();
      exchange.receive(octets(ask));
      expect(answer(exchange, response)).toMatchObject(credentials);
    }
  });

  test("ten challenges, not more", () => {
    const exchange = started();
    for (let round = 1; round <= 10; round++) {
      expect(exchange.receive(octets(ask))).toMatchObject({ type: "ask", question: { round } });
      answer(exchange, "x");
    }
    expect(exchange.receive(octets(ask))).toMatchObject(protocol);
  });
});

test.each(["01 01 01 02 68 69", "01 00", "05 00", "01 02 03 01 61 03 01 62"])("%s breaks the protocol", (hex) => {
  expect(started().receive(octets(hex))).toMatchObject(protocol);
});

test("an answer that nobody asked for is a misuse", () => {
  const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  const exchange = started();
  expect(() => answer(exchange, "x")).toThrow(misuse);
  exchange.receive(octets(ask));
  answer(exchange, "x");
  expect(() => answer(exchange, "x")).toThrow(misuse);
});

test("the exchange keeps no answer, and errors quote none", () => {
  const response = "canary-3nPz0w";
  const exchange = started();
  exchange.receive(octets(ask));
  answer(exchange, response);
  const second = started();
  second.receive(octets(ask));
  const steps = [answer(second, `${response}\0`), exchange.receive(octets("01 01 00 01 01"))];
  checkNoSecrets({ exchange, second, steps }, [response]);
});
