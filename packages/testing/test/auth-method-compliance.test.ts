import { expect, test } from "vitest";
import { checkAuthMethod, type AuthMethodPair, type Exchange, type ExchangeStep } from "../src/index.ts";

interface Faults {
  /** The server answers although the second octet is missing. */
  readonly early?: boolean;
  /** The server takes whatever has arrived. */
  readonly greedy?: boolean;
  /** The server throws when the first octet is not 01. */
  readonly throws?: boolean;
  /** The server forgets who it is. */
  readonly nameless?: boolean;
  /** The client believes every answer. */
  readonly credulous?: boolean;
}

/** A method for these tests: the client sends 01 02, the server answers 01 for yes and 00 for no. */
function toyMethod(faults: Faults): AuthMethodPair {
  const rejected = (): NonNullable<ExchangeStep["error"]> =>
    Object.assign(new Error("no"), { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" });
  const client = (): Exchange => ({
    maxMessageLength: 1,
    begin: () => Uint8Array.of(0x01, 0x02),
    receive(bytes) {
      if (bytes.length === 0) return { type: "incomplete" };
      if (bytes[0] === 0x01 || faults.credulous === true) return { type: "done", consumed: 1 };
      return { type: "failed", consumed: 1, error: rejected() };
    },
  });
  const server = (): Exchange => ({
    maxMessageLength: 2,
    receive(bytes) {
      if (faults.throws === true && bytes.length > 0 && bytes[0] !== 0x01) throw new TypeError("not 01");
      if (bytes.length === 0 || (bytes.length === 1 && faults.early !== true)) return { type: "incomplete" };
      return { type: "verify", consumed: faults.greedy === true ? bytes.length : Math.min(bytes.length, 2) };
    },
    resolve(verdict) {
      if (!verdict.accepted) return { type: "failed", consumed: 0, send: Uint8Array.of(0x00), error: rejected() };
      const identity = faults.nameless === true ? undefined : verdict.identity;
      return { type: "done", consumed: 0, send: Uint8Array.of(0x01), identity };
    },
  });
  const method = { method: 0x90, name: "toy" };
  return { client: { ...method, start: client }, server: { ...method, start: server }, asks: true };
}

test("a sound method passes", () => {
  checkAuthMethod(toyMethod({}));
});

test.each<Faults>([{ early: true }, { greedy: true }, { throws: true }, { nameless: true }, { credulous: true }])(
  "a method with a fault does not pass: %o",
  (faults) => {
    expect(() => checkAuthMethod(toyMethod(faults))).toThrow();
  },
);
