import { generateKeyPairSync } from "node:crypto";
import { authorityCertificate, certificatePair } from "@sockskit/testing";
import { expect, test } from "vitest";
import type { ListenTlsOptions } from "../../src/options.ts";
import { contextFor, tlsPlan } from "../../src/transport/tls-plan.ts";

const server = certificatePair("server");
const other = certificatePair("other-server");
const plan = (options: unknown): ReturnType<typeof tlsPlan> =>
  tlsPlan(options as ListenTlsOptions, ["listen", 0, "tls"]);
const encrypted = generateKeyPairSync("ed25519", {
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
}).privateKey;

test("no TLS, and what is needed", () => {
  expect(plan(undefined)).toBeUndefined();
  expect(plan({ certificates: [server] })?.asksClients).toBe(false);
  expect(plan({ certificates: [server], clientCa: authorityCertificate() })?.asksClients).toBe(true);
  const octets = { cert: Buffer.from(server.cert), key: new Uint8Array(Buffer.from(server.key)) };
  expect(plan({ certificates: [octets], clientCa: Buffer.from(authorityCertificate()) })).toBeDefined();
});

test("a certificate is chosen by its alternative names", () => {
  const made = plan({ certificates: [server, other] });
  if (made === undefined) throw new TypeError("no plan");
  const [first, second] = made.choices;
  expect(contextFor(made, "localhost")).toBe(first.context);
  expect(contextFor(made, "OTHER.example")).toBe(second?.context);
  expect(contextFor(made, "a.wild.example")).toBe(second?.context);
  for (const host of ["wild.example", "a.b.wild.example", "server", "", "other.example."]) {
    expect([host, contextFor(made, host)]).toEqual([host, undefined]);
  }
});

test.each<[string, unknown, string, RegExp]>([
  ["no map", 5, "", /expected an object/u],
  [
    "an unknown key",
    { certificates: [server], ca: "" },
    ".ca",
    /no such option; expected one of certificates, clientCa/u,
  ],
  ["no list", { certificates: server }, ".certificates", /a list of one or more/u],
  ["an empty list", { certificates: [] }, ".certificates", /a list of one or more/u],
  ["an unknown key in it", { certificates: [{ ...server, pfx: "" }] }, ".certificates[0].pfx", /no such option/u],
  ["no text", { certificates: [{ ...server, cert: 5 }] }, ".certificates[0].cert", /content of a PEM file/u],
  ["no PEM", { certificates: [{ ...server, cert: "x" }] }, ".certificates[0].cert", /no PEM certificate in it/u],
  [
    "the key as certificate",
    { certificates: [{ cert: server.key, key: server.key }] },
    ".certificates[0].cert",
    /no PEM certificate/u,
  ],
  [
    "the certificate as key",
    { certificates: [{ cert: server.cert, key: server.cert }] },
    ".certificates[0].key",
    /no PEM private key/u,
  ],
  [
    "a broken certificate",
    { certificates: [{ ...server, cert: server.cert.replace("MII", "AAA") }] },
    ".certificates[0].cert",
    /cannot be read/u,
  ],
  [
    "a broken key",
    { certificates: [{ ...server, key: server.key.replace("MIG", "AAA") }] },
    ".certificates[0].key",
    /cannot be read$/u,
  ],
  ["an encrypted key", { certificates: [{ ...server, key: encrypted }] }, ".certificates[0].key", /is encrypted/u],
  [
    "another one's key",
    { certificates: [server, { cert: server.cert, key: other.key }] },
    ".certificates[1].key",
    /does not belong/u,
  ],
  [
    "an expired certificate",
    { certificates: [certificatePair("late-server")] },
    ".certificates[0].cert",
    /expired on 20\d\d-/u,
  ],
  [
    "an authority that is none",
    { certificates: [server], clientCa: server.cert },
    ".clientCa",
    /not one of an authority/u,
  ],
  [
    "one among others",
    { certificates: [server], clientCa: authorityCertificate() + server.cert },
    ".clientCa",
    /not one of/u,
  ],
  ["no authority", { certificates: [server], clientCa: "" }, ".clientCa", /no PEM certificate/u],
])("%s", (_, options, path, message) => {
  const error = (() => {
    try {
      return void plan(options);
    } catch (thrown) {
      return thrown as Error;
    }
  })();
  expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
  expect(error?.message.split(": ")[0]).toBe(`listen[0].tls${path}`);
  expect(error?.message).toMatch(message);
  expect(error?.message).not.toMatch(/PRIVATE KEY-----\n/u);
});
