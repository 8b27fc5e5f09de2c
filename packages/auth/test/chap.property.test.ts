import { checkAuthMethod, octets } from "@sockskit/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AuthEvidence,
  type AuthVerdict,
  type ChapAlgorithm,
  type ServerAuthMethod,
  chapClient,
  chapServer,
  chapVerdict,
} from "../src/index.ts";
import { md5 } from "./md5.ts";

const challenge = (): Uint8Array => octets("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
const ownChallenge = (): Uint8Array => octets("10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f");

/** A server whose every exchange has the identifier 00, so that what is sent can be compared. */
function server(algorithms?: readonly ChapAlgorithm[]): ServerAuthMethod {
  const { method, name } = chapServer({ challenge });
  return { method, name, start: () => chapServer({ challenge, algorithms }).start() };
}

const judge = (password: string) => (evidence: unknown, accept: boolean, identity: string) =>
  chapVerdict({
    evidence: evidence as AuthEvidence & { type: "chap" },
    password: accept ? password : `not ${password}`,
    identity,
    md5,
  });

describe("fulfils the contract of a method", () => {
  test.each<readonly [string, readonly ChapAlgorithm[], readonly ChapAlgorithm[], boolean]>([
    ["as it comes", ["hmac-md5"], ["hmac-md5"], false],
    ["with both ways", ["hmac-md5"], ["hmac-md5"], true],
    ["with the weak algorithm", ["hmac-md5", "md5"], ["md5"], false],
    ["with the weak algorithm both ways", ["md5"], ["md5", "hmac-md5"], true],
  ])("%s", (_name, offered, taken, mutual) => {
    const client = chapClient({
      username: "alice",
      password: "correct horse",
      md5,
      algorithms: offered,
      ...(mutual ? { challenge: ownChallenge, requireMutual: true } : {}),
    });
    checkAuthMethod({ client, server: server(taken), asks: true, judge: judge("correct horse") });
  });
});

test("whatever name and password are, they fit themselves and no others", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "漢", "😀", " ", "\n"), minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, (name, password, other) => {
      const username = `u${name}`;
      const verdicts = [password, other, "", undefined].map((known) => verdictOf({ username, password }, known));
      expect(verdicts).toEqual([
        { accepted: true, identity: "somebody" },
        other === password ? { accepted: true, identity: "somebody" } : { accepted: false },
        { accepted: false },
        { accepted: false },
      ]);
    }),
  );
});

/** What the server says to a client with these credentials when it knows this password. */
function verdictOf(
  credentials: { readonly username: string; readonly password: string },
  known: string | undefined,
): AuthVerdict | undefined {
  const client = chapClient({ ...credentials, md5 }).start();
  const exchange = chapServer({ challenge }).start();
  const asked = exchange.receive(client.begin() ?? octets(""));
  const answered = client.receive(asked.type === "send" ? asked.data : octets(""));
  const step = exchange.receive(answered.type === "send" ? answered.data : octets(""));
  if (step.type !== "verify" || step.evidence.type !== "chap") return undefined;
  expect(new TextDecoder().decode(step.evidence.username)).toBe(credentials.username);
  return chapVerdict({ evidence: step.evidence, password: known, identity: "somebody", md5 });
}
