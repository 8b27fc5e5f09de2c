import { copyFileSync, existsSync, statSync } from "node:fs";
import { connect as connectUnix } from "node:net";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import {
  authorityCertificate,
  certificatePair,
  certificatePath,
  listenEcho,
  octets,
  readOctets,
  readToEnd,
} from "@sockskit/testing";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, folder, runToEnd, Sockskitd } from "./sockskitd.ts";

async function echo(): Promise<number> {
  const server = await listenEcho();
  onTestFinished(() => server.close());
  return server.port;
}

async function connectTls(port: number, options: object = {}): Promise<TLSSocket> {
  const checkServerIdentity = (): undefined => undefined;
  const ca = authorityCertificate();
  const client = connect({ host: "127.0.0.1", port, ca, checkServerIdentity, ...options });
  onTestFinished(() => void client.destroy());
  client.on("error", () => undefined);
  await once(client, "secureConnect");
  return client;
}

/** CONNECT to 127.0.0.1 without authentication. */
function request(port: number): Uint8Array {
  return octets(`05 01 00 05 01 00 01 7f 00 00 01 ${port.toString(16).padStart(4, "0")}`);
}

test("certificates are read again when they change; a broken pair is logged, and the old one stays", async () => {
  const cwd = folder({ "c.yaml": "listen: [{ address: 127.0.0.1:0, tls: { cert: cert.pem, key: key.pem } }]\n" });
  const put = (cert: "server" | "other-server", key: "server.key" | "other-server.key"): void => {
    copyFileSync(certificatePath(cert), join(cwd, "cert.pem"));
    copyFileSync(certificatePath(key), join(cwd, "key.pem"));
  };
  put("server", "server.key");
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const port = await server.port();
  const shown = async (): Promise<unknown> => (await connectTls(port)).getPeerCertificate().subject.CN;
  expect(await shown()).toBe("server");

  let count = server.lines().length;
  put("other-server", "server.key");
  await server.line("not reloaded; everything stays as it was", count);
  expect(
    server
      .lines()
      .slice(count)
      .find(({ msg }) => msg === "configuration refused"),
  ).toMatchObject({
    level: "error",
    cause: "certificate file",
    problem: expect.stringContaining("tls.key: the private key does not belong to the certificate") as string,
  });
  expect(await shown()).toBe("server");

  count = server.lines().length;
  put("other-server", "other-server.key");
  await server.line("reloaded", count);
  expect(await shown()).toBe("other server");
  expect(server.stdout).not.toContain("PRIVATE KEY");
});

test("a client certificate is a user, in rules and in the log", async () => {
  const target = await echo();
  const tls = `{ cert: ${certificatePath("server")}, key: ${certificatePath("server.key")}, clientCa: ${certificatePath("authority")} }`;
  // Nobody needs a password where everybody needs a certificate.
  const text = `listen: [{ address: 0.0.0.0:0, tls: ${tls} }]\nrules: [{ allow: { users: [alice], to: [loopback] } }]\n`;
  const server = new Sockskitd(["--config", "c.yaml"], { cwd: folder({ "c.yaml": text }) });
  const port = await server.port();
  const alice = await connectTls(port, certificatePair("alice"));
  alice.write(request(target));
  expect((await readOctets(alice, 12))[3]).toBe(0x00);
  expect(await server.line("connected")).toMatchObject({ user: "alice" });
  const strange = await connectTls(port, certificatePair("strange-alice"));
  await once(strange.resume(), "close");
  expect(await server.line("denied")).toMatchObject({
    level: "warn",
    stage: "accept",
    code: "ERR_SOCKS_TLS_FAILED",
    reason: expect.stringMatching(/not accepted: UNABLE_TO_/u) as string,
  });
});

test("a SOCKS client on a port with TLS gets an end at once, and the log says why", async () => {
  const tls = `{ cert: ${certificatePath("server")}, key: ${certificatePath("server.key")} }`;
  const cwd = folder({ "c.yaml": `listen: [{ address: 127.0.0.1:0, tls: ${tls} }]\n` });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const client = await connectTo(await server.port());
  client.write(octets("05 01 00"));
  expect(await readToEnd(client)).toHaveLength(0);
  const line = await server.line("denied");
  expect(line["reason"]).toBe("expected TLS, but the client speaks SOCKS 5 without it");
});

test("a Unix socket with its permissions, announced by its path, gone at the end", async () => {
  const target = await echo();
  const cwd = folder({ "c.yaml": 'listen: [{ address: "unix:socks", mode: "0620" }]\nlog: { level: debug }\n' });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const path = join(cwd, "socks");
  const line = await server.line("listening");
  expect(line["address"]).toBe(`unix:${path}`);
  expect(line).not.toHaveProperty("port");
  expect((statSync(path).mode & 0o777).toString(8)).toBe("620");
  const client = connectUnix({ path });
  onTestFinished(() => void client.destroy());
  client.write(request(target));
  expect((await readOctets(client, 12))[3]).toBe(0x00);
  expect(await server.line("client")).toMatchObject({ client: "127.0.0.1:0", listener: `unix:${path}` });
  const second = await runToEnd(["--config", "c.yaml"], { cwd });
  expect(second.status).toBe(1);
  expect(second.stderr).toContain("another program listens there already");
  client.destroy();
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test("a PROXY header from somebody who is not listed is logged as spoofing", async () => {
  const cwd = folder({
    "c.yaml": "listen: [{ address: 127.0.0.1:0, proxyProtocol: { from: [192.0.2.1] } }]\nallowOpenProxy: true\n",
  });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const client = await connectTo(await server.port());
  client.write("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n");
  await readToEnd(client);
  expect(await server.line("denied")).toMatchObject({ level: "warn", code: "ERR_SOCKS_PROXY_SPOOFED" });
});

test("check names the mistakes of certificates and ends with 2", async () => {
  const tls = `{ cert: ${certificatePath("late-server")}, key: ${certificatePath("late-server.key")} }`;
  const cwd = folder({ "c.yaml": `listen: [{ address: 127.0.0.1:0, tls: ${tls} }]\n` });
  const { status, stderr } = await runToEnd(["check", "--config", "c.yaml"], { cwd });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^c\.yaml:1:47 listen\[0\]\.tls\.cert: the certificate expired on 20\d\d-.*; put in a new one\n$/u,
  );
});
