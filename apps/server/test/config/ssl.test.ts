import { certificatePair } from "@sockskit/testing";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { printConfig } from "../../src/config/print.ts";
import { folderWith } from "./load-text.ts";

const server = certificatePair("server");
const other = certificatePair("other-server");
const USERS = "users: [{ name: alice, password: { plain: correct-horse } }]";

async function load(text: string): Promise<Awaited<ReturnType<typeof loadConfig>>> {
  const folder = folderWith({
    "c.yaml": text,
    "server.pem": server.cert,
    "server.key": server.key,
    "other.key": other.key,
  });
  return loadConfig(`${folder}/c.yaml`, {});
}

const ssl = (more = ""): string => `ssl: { cert: server.pem, key: server.key${more} }`;

test("certificate and key are read, relative to the file", async () => {
  const loaded = await load(
    `auth: { methods: [ssl, userpass], ${ssl(", methods: [chap, userpass], udpNaked: true")}, ${USERS} }`,
  );
  expect(loaded.options).toMatchObject({
    authMethods: ["ssl", "userpass"],
    ssl: { ...server, authMethods: ["chap", "userpass"], udpNaked: true, draftNumber: false },
  });
  const printed = printConfig(loaded);
  expect(printed).toContain(
    '  ssl: { cert: "server.pem", key: "server.key", methods: [chap, userpass], udpNaked: true, draftNumber: false }\n',
  );
  expect(printed).not.toContain("correct-horse");
  expect(printed).not.toContain("PRIVATE KEY");
});

test.each([
  [`auth: { methods: [ssl], ${USERS} }`, 'auth.methods: "ssl" is TLS, and needs a certificate'],
  [`auth: { methods: [ssl], ${ssl(", methods: [userpass]")} }`, "auth.ssl.methods: these methods need users"],
  [
    `auth: { methods: [ssl], ssl: { cert: server.pem, key: other.key }, ${USERS} }`,
    "auth.ssl.key: the private key does not belong to the certificate",
  ],
  [
    `auth: { methods: [ssl], ssl: { cert: server.key, key: server.pem }, ${USERS} }`,
    "auth.ssl.cert: there is no PEM certificate in it",
  ],
  [`auth: { methods: [ssl], ssl: { cert: nowhere.pem, key: server.key }, ${USERS} }`, "there is no such file"],
  [`auth: { methods: [ssl], ${ssl(", methods: [ssl]")}, ${USERS} }`, "expected one of none, userpass, chap, cram"],
  ["auth: { ssl: { cert: server.pem } }", "auth.ssl.key: missing; expected the path of a file"],
  [`{ listen: ["0.0.0.0:0"], auth: { methods: [ssl], ${ssl(", methods: [none]")} } }`, "asks nobody for a password"],
  [`{ listen: [{ address: "0.0.0.0:0", auth: [ssl] }], auth: { ${ssl()} } }`, "asks nobody for a password"],
])("%s", async (text, problem) => {
  await expect(load(text)).rejects.toThrow(problem);
});

test("a listener that other hosts reach may ask inside TLS", async () => {
  await load(`{ listen: ["0.0.0.0:0"], auth: { methods: [ssl], ${ssl()}, ${USERS} } }`);
});
