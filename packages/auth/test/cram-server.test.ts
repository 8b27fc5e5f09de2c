import { inspect } from "node:util";
import { checkNoSecrets, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import {
  type AuthStep,
  type AuthVerdict,
  type CramEvidence,
  type ServerAuthExchange,
  cramServer,
} from "../src/index.ts";

const NAME = "01 01 02 05 61 6c 69 63 65";
const broken = {
  type: "failed",
  send: octets("01 01 00 01 01"),
  error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" },
};
const rejected = { ...broken, consumed: 0, error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } };

/** The evidence that a message leads to. */
function evidence(exchange: ServerAuthExchange, message: string): CramEvidence | undefined {
  const step = exchange.receive(octets(message));
  return step.type === "verify" && step.evidence.type === "cram" ? step.evidence : undefined;
}

/** An exchange that knows the name and waits for a verdict. */
function named(): ServerAuthExchange {
  const exchange = cramServer().start();
  exchange.receive(octets(NAME));
  return exchange;
}

function challenged(verdict: AuthVerdict): AuthStep {
  return named().resolve(verdict);
}

test("it asks about the name, then about each answer", () => {
  const exchange = cramServer().start();
  expect(cramServer()).toMatchObject({ method: 0x05, name: "cram" });
  const first = evidence(exchange, NAME);
  expect({ ...first, response: first?.response }).toEqual({
    type: "cram",
    username: octets("61 6c 69 63 65"),
    round: 0,
    challenge: undefined,
    response: undefined,
  });
  const asked = exchange.resolve({ accepted: false, challenge: "otp-md5 487 dog2", text: "Enter OTP" });
  expect(asked).toEqual({
    type: "send",
    consumed: 0,
    data: octets("01 02 03 10 6f 74 70 2d 6d 64 35 20 34 38 37 20 64 6f 67 32 01 09 45 6e 74 65 72 20 4f 54 50"),
  });
  const second = evidence(exchange, "01 01 04 08 41 4c 45 43 20 48 55 48");
  expect({ ...second, response: second?.response }).toEqual({
    type: "cram",
    username: octets("61 6c 69 63 65"),
    round: 1,
    challenge: octets("6f 74 70 2d 6d 64 35 20 34 38 37 20 64 6f 67 32"),
    response: octets("41 4c 45 43 20 48 55 48"),
  });
  expect(exchange.resolve({ accepted: true, identity: "alice" })).toEqual({
    type: "done",
    consumed: 0,
    send: octets("01 01 00 01 00"),
    identity: "alice",
  });
});

test("without a challenge the verdict ends it", () => {
  expect(challenged({ accepted: false })).toMatchObject(rejected);
  expect(challenged({ accepted: true })).toMatchObject({ type: "done", send: octets("01 01 00 01 00") });
});

describe("character sets", () => {
  test("what is not ASCII goes out as UTF-8, and says so", () => {
    expect(challenged({ accepted: false, challenge: "é" })).toMatchObject({
      data: octets("01 02 03 02 c3 a9 05 05 55 54 46 2d 38"),
    });
    expect(challenged({ accepted: false, challenge: "a", text: "é" })).toMatchObject({
      data: octets("01 03 03 01 61 01 02 c3 a9 05 05 55 54 46 2d 38"),
    });
    // Octets are the owner's business.
    expect(challenged({ accepted: false, challenge: octets("e9") })).toMatchObject({ data: octets("01 01 03 01 e9") });
  });

  test("what comes is ISO 8859-1 unless the client says otherwise, and becomes UTF-8", () => {
    expect(evidence(cramServer().start(), "01 01 02 01 e9")?.username).toEqual(octets("c3 a9"));
    expect(evidence(cramServer().start(), "01 02 02 02 c3 a9 05 05 75 74 66 2d 38")?.username).toEqual(octets("c3 a9"));
    expect(evidence(cramServer().start(), "01 02 02 01 e9 05 06 6b 6f 69 38 2d 72")?.username).toEqual(octets("e9"));
    const exchange = cramServer().start();
    exchange.receive(octets("01 02 02 02 c3 a9 05 05 55 54 46 2d 38"));
    exchange.resolve({ accepted: false, challenge: "?" });
    expect(evidence(exchange, "01 01 04 02 c3 9f")?.response).toEqual(octets("c3 9f"));
  });
});

test("ten challenges, then the client is rejected", () => {
  const exchange = named();
  for (let round = 1; round <= 10; round++) {
    expect(exchange.resolve({ accepted: false, challenge: `${round}?` })).toMatchObject({ type: "send" });
    expect(evidence(exchange, "01 01 04 01 78")).toMatchObject({ round });
  }
  expect(exchange.resolve({ accepted: false, challenge: "again?" })).toMatchObject(rejected);
});

test("a challenge or a text that cannot be sent is a misuse", () => {
  const misuse = expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }) as Error;
  for (const verdict of [
    { challenge: "" },
    { challenge: "é".repeat(128) },
    { challenge: "?", text: "x".repeat(256) },
  ]) {
    expect(() => challenged({ accepted: false, ...verdict })).toThrow(misuse);
  }
  expect(challenged({ accepted: false, challenge: "x".repeat(255), text: "" })).toMatchObject({ type: "send" });
});

describe("a client that breaks the protocol gets STATUS 01", () => {
  test.each(["01 01 04 01 61", "01 01 05 05 55 54 46 2d 38", "01 00", "05 01 00", "01 02 02 01 61 02 01 62"])(
    "%s as the first message",
    (hex) => {
      expect(cramServer().start().receive(octets(hex))).toMatchObject(broken);
    },
  );

  test("no answer", () => {
    const exchange = named();
    exchange.resolve({ accepted: false, challenge: "?" });
    expect(exchange.receive(octets("01 01 02 05 61 6c 69 63 65"))).toMatchObject(broken);
  });

  test("a flood of attributes", () => {
    const flood = new Uint8Array(cramServer().start().maxMessageLength).fill(0x01);
    flood.set(octets("01 ff"));
    expect(flood).toHaveLength(4096);
    expect(cramServer().start().receive(flood)).toMatchObject(broken);
  });
});

test("a verdict that nobody asked for is a misuse", () => {
  const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  const exchange = cramServer().start();
  expect(() => exchange.resolve({ accepted: true })).toThrow(misuse);
  exchange.receive(octets(NAME));
  exchange.resolve({ accepted: false, challenge: "?" });
  expect(() => exchange.resolve({ accepted: true })).toThrow(misuse);
});

test("evidence hands the answer over and shows it to nobody else", () => {
  const canary = "canary-6cMk1s";
  const exchange = named();
  exchange.resolve({ accepted: false, challenge: "?" });
  const step = exchange.receive(octets(`01 01 04 0d ${Buffer.from(canary).toString("hex")}`));
  const shown = step.type === "verify" && step.evidence.type === "cram" ? step.evidence : undefined;
  expect(Buffer.from(shown?.response ?? []).toString()).toBe(canary);
  checkNoSecrets(JSON.stringify(step), [canary]);
  checkNoSecrets(inspect(step, { showHidden: true, depth: Infinity }), [canary]);
  checkNoSecrets({ ...shown }, [canary]);
  checkNoSecrets({ exchange, after: exchange.resolve({ accepted: false }) }, [canary]);
});
