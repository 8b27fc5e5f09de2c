import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { type ServerAuthStep, userPassServer } from "../src/index.ts";

function receive(hex: string): ServerAuthStep {
  return userPassServer().start().receive(octets(hex));
}

describe("what it asks about", () => {
  test.each([
    { hex: "01 05 61 6c 69 63 65 06 73 33 63 72 65 74", username: "61 6c 69 63 65", password: "73 33 63 72 65 74" },
    { hex: "01 00 00", username: "", password: "" },
    { hex: "01 01 61 00", username: "61", password: "" },
    { hex: "01 00 01 70", username: "", password: "70" },
    // A NUL ends nothing: "root\0x" is not "root".
    { hex: "01 06 72 6f 6f 74 00 78 01 70", username: "72 6f 6f 74 00 78", password: "70" },
    { hex: `01 ff ${"61".repeat(255)} ff ${"62".repeat(255)}`, username: "61".repeat(255), password: "62".repeat(255) },
  ])("$hex", ({ hex, username, password }) => {
    const step = receive(hex);
    expect(step).toMatchObject({ type: "verify", consumed: octets(hex).length, evidence: { type: "userpass" } });
    if (step.type !== "verify" || step.evidence.type !== "userpass") return;
    expect(step.evidence.username).toEqual(octets(username));
    expect(step.evidence.password).toEqual(octets(password));
  });

  test("the evidence does not share memory with what was received", () => {
    const bytes = Buffer.from(octets("01 01 61 01 62"));
    const step = userPassServer().start().receive(bytes);
    bytes.fill(0xff);
    const evidence = step.type === "verify" && step.evidence.type === "userpass" ? step.evidence : undefined;
    expect(evidence?.username).toEqual(octets("61"));
    expect(evidence?.password).toEqual(octets("62"));
  });
});

describe("verdicts", () => {
  const credentials = "01 01 61 01 62";

  test("accepted: 01 00, and the identity of the verdict, or none", () => {
    for (const identity of ["alice", undefined]) {
      const exchange = userPassServer().start();
      exchange.receive(octets(credentials));
      const step = exchange.resolve({ accepted: true, identity });
      expect(step).toEqual({ type: "done", consumed: 0, send: octets("01 00"), identity });
    }
  });

  test("rejected: 01 01", () => {
    const exchange = userPassServer().start();
    exchange.receive(octets(credentials));
    expect(exchange.resolve({ accepted: false })).toMatchObject({
      type: "failed",
      consumed: 0,
      send: octets("01 01"),
      error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" },
    });
  });

  test("a verdict of another method that wants more is a rejection", () => {
    const exchange = userPassServer().start();
    exchange.receive(octets(credentials));
    expect(exchange.resolve({ accepted: false, challenge: "token?" })).toMatchObject({
      type: "failed",
      send: octets("01 01"),
    });
  });

  test("a verdict that nobody asked for is a misuse", () => {
    const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
    const exchange = userPassServer().start();
    expect(() => exchange.resolve({ accepted: true })).toThrow(misuse);
    exchange.receive(octets("01 01 61"));
    expect(() => exchange.resolve({ accepted: true })).toThrow(misuse);
    exchange.receive(octets(credentials));
    exchange.resolve({ accepted: true });
    expect(() => exchange.resolve({ accepted: true })).toThrow(misuse);
  });
});

test.each(["05 01 00 01", "00", "47 45 54"])("a first octet other than 01 is answered with a failure: %s", (hex) => {
  expect(receive(hex)).toMatchObject({
    type: "failed",
    send: octets("01 01"),
    error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote", cause: { code: "ERR_SOCKS_BAD_VERSION" } },
  });
});
