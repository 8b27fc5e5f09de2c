import { X509Certificate } from "node:crypto";
import { certificatePair } from "@sockskit/testing";
import { expect, test } from "vitest";
import { certificateName } from "../../src/transport/certificate-name.ts";

/** A certificate with this subject, as the TLS library takes it apart. */
function withSubject(subject: unknown): X509Certificate {
  return { toLegacyObject: () => ({ subject }) } as unknown as X509Certificate;
}

test("the one common name of the subject", () => {
  expect(certificateName(new X509Certificate(certificatePair("alice").cert))).toBe("alice");
  expect(certificateName(withSubject({ CN: "Zoë van Dijk" }))).toBe("Zoë van Dijk");
});

test.each<[string, unknown]>([
  ["no subject", undefined],
  ["none", { O: "tests" }],
  ["an empty one", { CN: "" }],
  ["two", { CN: ["alice", "bob"] }],
  ["one with a line break", { CN: "alice\nO=admins" }],
  ["one that turns the writing direction", { CN: "alice\u202E" }],
  ["one that is cut by a NUL", { CN: "root\0x" }],
  ["one that is too long", { CN: "é".repeat(128) }],
])("%s is no user", (_, subject) => {
  expect(certificateName(withSubject(subject))).toBeUndefined();
});

test("certificates of the real kind", () => {
  for (const name of ["nameless", "two-names"] as const) {
    expect(certificateName(new X509Certificate(certificatePair(name).cert))).toBeUndefined();
  }
});
