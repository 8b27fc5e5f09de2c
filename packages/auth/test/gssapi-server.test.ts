import { concat, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { gssapiServer, type ServerAuthExchange } from "../src/index.ts";
import { ABORT, CLIENT_TOKEN, CONTEXT_FRAME, evidence, goOn, REPLY_FRAME } from "./gssapi-support.ts";

const refused = { type: "failed", send: ABORT, error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" } };
const broken = { ...refused, error: { code: "ERR_SOCKS_GSSAPI_FAILED", side: "local" } };
const rejected = { ...refused, error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } };

/** An exchange whose context is complete. */
function complete(nec = false): ServerAuthExchange {
  const exchange = gssapiServer({ nec }).start();
  exchange.receive(octets(CONTEXT_FRAME));
  exchange.resolve(goOn());
  return exchange;
}

test("a context, a level, and a layer", () => {
  expect(gssapiServer()).toMatchObject({ method: 0x01, name: "gssapi" });
  const exchange = gssapiServer().start();
  expect(evidence(exchange, CONTEXT_FRAME)).toEqual({ type: "gssapi", step: "context", token: octets(CLIENT_TOKEN) });
  expect(exchange.resolve(goOn())).toEqual({ type: "send", consumed: 0, data: octets(REPLY_FRAME) });
  expect(evidence(exchange, "01 02 00 03 77 00 01")).toEqual({
    type: "gssapi",
    step: "level",
    token: octets("77 00 01"),
  });
  const response = octets("77 00 01");
  const verdict = { accepted: true, identity: "alice", response, protection: "integrity" } as const;
  expect(exchange.resolve(verdict)).toEqual({
    type: "secure",
    consumed: 0,
    send: octets("01 02 00 03 77 00 01"),
    layer: { type: "gssapi", protection: "integrity" },
  });
  expect(exchange.secured?.()).toEqual({ type: "done", consumed: 0, identity: "alice" });
});

test("a context of several rounds, the last of which has no token", () => {
  const exchange = gssapiServer().start();
  for (let round = 1; round <= 7; round += 1) {
    expect(evidence(exchange, "01 01 00 01 61")).toMatchObject({ step: "context" });
    expect(exchange.resolve(goOn("62", false))).toMatchObject({ data: octets("01 01 00 01 62") });
  }
  expect(evidence(exchange, "01 01 00 01 61")).toMatchObject({ step: "context" });
  expect(exchange.resolve(goOn("", true))).toMatchObject({ type: "send", data: octets("01 01 00 00") });
});

test("no protection ends it at once, without a layer", () => {
  const exchange = complete();
  evidence(exchange, "01 02 00 03 77 00 02");
  const response = octets("77 00 00");
  expect(exchange.resolve({ accepted: true, identity: "alice", response, protection: "none" })).toEqual({
    type: "done",
    consumed: 0,
    send: octets("01 02 00 03 77 00 00"),
    identity: "alice",
  });
});

describe("a level that comes unprotected", () => {
  test("is refused unless that was allowed", () => {
    expect(evidence(complete(), "01 02 00 01 02")).toMatchObject(refused);
  });

  test("is answered in the same form", () => {
    const exchange = complete(true);
    expect(evidence(exchange, "01 02 00 01 02")).toMatchObject({ step: "level-unprotected", token: octets("02") });
    const verdict = { accepted: true, response: octets("02"), protection: "confidentiality" } as const;
    expect(exchange.resolve(verdict)).toMatchObject({ type: "secure", send: octets("01 02 00 01 02") });
  });

  test("does not replace the other form", () => {
    expect(evidence(complete(true), "01 02 00 03 77 00 01")).toMatchObject({ step: "level" });
  });
});

describe("refused with 01 ff", () => {
  test.each([
    ["an empty context token", "01 01 00 00"],
    ["a level before the context", "01 02 00 03 77 00 01"],
    ["data before the context", "01 03 00 03 77 00 01"],
    ["another version", "05 01 00 03"],
    ["an unassigned message type", "01 07"],
    ["an abort", "01 ff"],
  ])("%s", (_name, hex) => {
    expect(gssapiServer().start().receive(octets(hex))).toMatchObject(refused);
  });

  test.each([
    ["a context token after the last one", CONTEXT_FRAME],
    ["a request that nobody protected", "05 01 00 03 0b"],
    ["data instead of a level", "01 03 00 03 77 00 05"],
    ["an empty level", "01 02 00 00"],
  ])("%s", (_name, hex) => {
    expect(complete().receive(octets(hex))).toMatchObject(refused);
  });

  test("a ninth context token", () => {
    const exchange = gssapiServer().start();
    for (let round = 1; round <= 8; round += 1) {
      exchange.receive(octets("01 01 00 01 61"));
      exchange.resolve(goOn("62", false));
    }
    expect(exchange.receive(octets("01 01 00 01 61"))).toMatchObject(refused);
  });

  test("what the verdict refuses, at either point", () => {
    const exchange = gssapiServer().start();
    exchange.receive(octets(CONTEXT_FRAME));
    expect(exchange.resolve({ accepted: false })).toMatchObject(rejected);
    const later = complete();
    later.receive(octets("01 02 00 03 77 00 01"));
    expect(later.resolve({ accepted: false })).toMatchObject(rejected);
  });

  test("a verdict that accepts before the level is known lets nobody in", () => {
    const exchange = gssapiServer().start();
    exchange.receive(octets(CONTEXT_FRAME));
    expect(exchange.resolve({ accepted: true, identity: "alice" })).toMatchObject(rejected);
  });

  test.each([
    ["no token while the context is not complete", goOn("", false)],
    ["a token that does not fit", { accepted: false, token: new Uint8Array(65_536), complete: true } as const],
  ])("%s", (_name, verdict) => {
    const exchange = gssapiServer().start();
    exchange.receive(octets(CONTEXT_FRAME));
    expect(exchange.resolve(verdict)).toMatchObject(broken);
  });

  test("a level without a response", () => {
    const exchange = complete();
    exchange.receive(octets("01 02 00 03 77 00 01"));
    expect(exchange.resolve({ accepted: true, identity: "alice" })).toMatchObject(broken);
  });
});

test("the longest token is taken, and what follows stays", () => {
  const longest = concat(octets("01 01 ff ff"), new Uint8Array(65_535).fill(0x61), octets("01 02"));
  const step = gssapiServer().start().receive(longest);
  expect(step).toMatchObject({ type: "verify", consumed: 65_539 });
  expect(gssapiServer().start().receive(longest.subarray(0, 65_538))).toEqual({ type: "incomplete" });
});

test("verbs out of turn are the owner's mistake", () => {
  const local = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  expect(() => gssapiServer().start().resolve({ accepted: false })).toThrow(local);
  expect(() => complete().secured?.()).toThrow(local);
});
