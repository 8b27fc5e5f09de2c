import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { AuthError, type ClientAuthExchange, gssapiClient } from "../src/index.ts";
import { CLIENT_TOKEN, CONTEXT_FRAME, question, REPLY_FRAME, SERVER_TOKEN } from "./gssapi-support.ts";

const broken = { type: "failed", error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" } };
const unsendable = { type: "failed", error: { code: "ERR_SOCKS_GSSAPI_FAILED", side: "local" } };
const local = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;

/** An exchange that sent its first token. */
function begun(nec = false): ClientAuthExchange {
  const exchange = gssapiClient({ nec }).start();
  exchange.begin();
  exchange.receive(octets(""));
  exchange.answer?.({ type: "gssapi", token: octets(CLIENT_TOKEN), level: undefined });
  return exchange;
}

/** An exchange that asked for a level. */
function complete(nec = false): ClientAuthExchange {
  const exchange = begun(nec);
  exchange.receive(octets(REPLY_FRAME));
  exchange.answer?.({ type: "gssapi", token: octets(""), level: octets(nec ? "02" : "77 00 01") });
  return exchange;
}

test("a context, a level, and a layer", () => {
  expect(gssapiClient()).toMatchObject({ method: 0x01, name: "gssapi" });
  const exchange = gssapiClient().start();
  expect(exchange.begin()).toBeUndefined();
  expect(question(exchange, "")).toEqual({ type: "gssapi", step: "context", token: undefined });
  expect(exchange.answer?.({ type: "gssapi", token: octets(CLIENT_TOKEN), level: undefined })).toEqual({
    type: "send",
    consumed: 0,
    data: octets(CONTEXT_FRAME),
  });
  expect(question(exchange, REPLY_FRAME)).toEqual({ type: "gssapi", step: "context", token: octets(SERVER_TOKEN) });
  expect(exchange.answer?.({ type: "gssapi", token: octets(""), level: octets("77 00 01") })).toEqual({
    type: "send",
    consumed: 0,
    data: octets("01 02 00 03 77 00 01"),
  });
  expect(question(exchange, "01 02 00 03 77 00 01")).toEqual({
    type: "gssapi",
    step: "level",
    token: octets("77 00 01"),
  });
  expect(exchange.answer?.({ type: "gssapi", protection: "integrity" })).toEqual({
    type: "secure",
    consumed: 0,
    layer: { type: "gssapi", protection: "integrity" },
  });
  expect(exchange.secured?.()).toEqual({ type: "done", consumed: 0 });
});

test("the last token and the level go out together", () => {
  const exchange = begun();
  exchange.receive(octets(REPLY_FRAME));
  expect(exchange.answer?.({ type: "gssapi", token: octets("61"), level: octets("77 00 02") })).toMatchObject({
    data: octets("01 01 00 01 61 01 02 00 03 77 00 02"),
  });
});

test("without protection there is no layer", () => {
  const exchange = complete();
  exchange.receive(octets("01 02 00 03 77 00 00"));
  expect(exchange.answer?.({ type: "gssapi", protection: "none" })).toEqual({ type: "done", consumed: 0 });
});

test("one empty context token before the level is skipped, not two", () => {
  const exchange = complete();
  expect(exchange.receive(octets("01 01 00 00"))).toEqual({ type: "continue", consumed: 4 });
  expect(exchange.receive(octets("01 01 00 00"))).toMatchObject(broken);
});

test("the unprotected form goes both ways or not at all", () => {
  const nec = complete(true);
  expect(question(nec, "01 02 00 01 02")).toMatchObject({ step: "level", token: octets("02") });
  expect(complete(true).receive(octets("01 02 00 03 77 00 02"))).toMatchObject(broken);
  expect(complete().receive(octets("01 02 00 01 02"))).toMatchObject(broken);
});

test("01 ff is a refusal, at either point", () => {
  const rejected = { type: "failed", consumed: 2, error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } };
  expect(begun().receive(octets("01 ff"))).toMatchObject(rejected);
  expect(complete().receive(octets("01 ff"))).toMatchObject(rejected);
});

describe("broken", () => {
  test.each([
    ["a level before the context is complete", "01 02 00 03 77 00 01"],
    ["an empty context token", "01 01 00 00"],
    ["another version", "05 00"],
  ])("%s", (_name, hex) => {
    expect(begun().receive(octets(hex))).toMatchObject(broken);
  });

  test.each([
    ["a context token after the last one", REPLY_FRAME],
    ["a reply that nobody protected", "05 00 00 01"],
    ["data instead of a level", "01 03 00 03 77 00 05"],
  ])("%s", (_name, hex) => {
    expect(complete().receive(octets(hex))).toMatchObject(broken);
  });

  test("a ninth context token", () => {
    const exchange = begun();
    for (let round = 1; round <= 8; round += 1) {
      expect(exchange.receive(octets("01 01 00 01 62"))).toMatchObject({ type: "ask" });
      exchange.answer?.({ type: "gssapi", token: octets("61"), level: undefined });
    }
    expect(exchange.receive(octets("01 01 00 01 62"))).toMatchObject(broken);
  });
});

test("what the mechanism cannot do ends the exchange with its error", () => {
  const exchange = gssapiClient().start();
  exchange.receive(octets(""));
  const error = new AuthError("ERR_SOCKS_GSSAPI_NO_CREDENTIALS", "no ticket", { side: "local" });
  expect(exchange.answer?.({ type: "gssapi", error })).toEqual({ type: "failed", consumed: 0, error });
});

test.each([
  ["nothing", octets(""), undefined],
  ["a token that does not fit", new Uint8Array(65_536), undefined],
  ["a level in the other form", octets("61"), octets("02")],
])("%s is not sent", (_name, token, level) => {
  const exchange = gssapiClient().start();
  exchange.receive(octets(""));
  expect(exchange.answer?.({ type: "gssapi", token, level })).toMatchObject(unsendable);
});

test("verbs out of turn are the owner's mistake", () => {
  expect(() => gssapiClient().start().answer?.({ type: "gssapi", protection: "none" })).toThrow(local);
  expect(() => gssapiClient().start().secured?.()).toThrow(local);
  const asked = gssapiClient().start();
  asked.receive(octets(""));
  expect(() => asked.answer?.({ type: "gssapi", protection: "none" })).toThrow(local);
  expect(() => asked.answer?.({ type: "cram", response: "x" })).toThrow(local);
});
