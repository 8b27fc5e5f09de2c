import { expect, test } from "vitest";
import { repForError, socks4CdForRep } from "../src/index.ts";

test.each<[string, number]>([
  ["EACCES", 0x02],
  ["EPERM", 0x02],
  ["ERR_SOCKS_ADDRESS_DENIED", 0x02],
  ["ERR_SOCKS_AUTH_REJECTED", 0x02],
  ["ENETUNREACH", 0x03],
  ["ENETDOWN", 0x03],
  ["EHOSTUNREACH", 0x04],
  ["EHOSTDOWN", 0x04],
  ["ENOTFOUND", 0x04],
  ["EAI_AGAIN", 0x04],
  ["EAI_FAIL", 0x04],
  ["ENODATA", 0x04],
  ["ESERVFAIL", 0x04],
  ["ETIMEOUT", 0x04],
  ["ERR_SOCKS_RESOLVE_FAILED", 0x04],
  ["ECONNREFUSED", 0x05],
  ["ECONNRESET", 0x05],
  ["ETIMEDOUT", 0x06],
  ["ERR_SOCKS_TIMEOUT", 0x06],
  ["ERR_SOCKS_COMMAND_NOT_SUPPORTED", 0x07],
  ["EAFNOSUPPORT", 0x08],
  ["ERR_SOCKS_BAD_ATYP", 0x08],
  ["ERR_SOCKS_NOT_REPRESENTABLE", 0x08],
  ["EMFILE", 0x01],
  ["EADDRINUSE", 0x01],
  ["EINVAL", 0x01],
  ["constructor", 0x01],
  ["", 0x01],
])("%s is answered with REP %i, 5b in SOCKS 4", (code, rep) => {
  expect(repForError({ code })).toBe(rep);
  expect(repForError({ code: "ERR_SOCKS_TARGET_UNREACHABLE", cause: { code } })).toBe(rep);
  expect(socks4CdForRep(rep)).toBe(0x5b);
});

test("success is 5a in SOCKS 4", () => {
  expect(socks4CdForRep(0x00)).toBe(0x5a);
});

test("an error without a code, with an odd one, or with a circle of causes", () => {
  expect(repForError({})).toBe(0x01);
  expect(repForError({ code: 111 })).toBe(0x01);
  expect(repForError({ cause: "ECONNREFUSED" })).toBe(0x01);
  const circle: { cause?: unknown } = {};
  circle.cause = circle;
  expect(repForError(circle)).toBe(0x01);
});

test.each<[string, number, number]>([
  ["general failure is passed on", 0x01, 0x01],
  ["not allowed is passed on", 0x02, 0x02],
  ["connection refused is passed on", 0x05, 0x05],
  ["address type not supported is passed on", 0x08, 0x08],
  ["an answer of Tor about an onion service is passed on", 0xf2, 0xf2],
  ["SOCKS 4 does not say which", 0x5b, 0x01],
  ["an unassigned REP is a general failure", 0x09, 0x01],
  ["success is no refusal", 0x00, 0x01],
])("a refusal of an upstream: %s", (_what, reply, rep) => {
  expect(repForError({ code: "ERR_SOCKS_REQUEST_REFUSED", reply, cause: { code: "ECONNREFUSED" } })).toBe(rep);
});

test.each([
  [403, 0x02],
  [502, 0x04],
  [503, 0x04],
  [504, 0x06],
  [500, 0x01],
  [undefined, 0x01],
])("a refusal of an HTTP proxy: %s", (httpStatus, rep) => {
  expect(repForError({ code: "ERR_SOCKS_REQUEST_REFUSED", httpStatus, cause: { code: "ECONNREFUSED" } })).toBe(rep);
});

test("an upstream that is down is no target that refused", () => {
  const cause = { code: "ECONNREFUSED" };
  expect(repForError({ code: "ERR_SOCKS_PROXY_UNREACHABLE", cause })).toBe(0x03);
  expect(repForError({ code: "ERR_SOCKS_UPSTREAM_FAILED", cause })).toBe(0x03);
  expect(repForError({ code: "ERR_SOCKS_PROXY_CLOSED", cause })).toBe(0x01);
});
