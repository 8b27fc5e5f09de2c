// `sockskit probe` at proxies that want Kerberos tickets, in a realm of their own.
import { createServer, type ServerOptions } from "@sockskit/server";
import {
  certificatePair,
  certificatePath,
  type KerberosRealm,
  realmProblem,
  startRealm,
  useRealm,
} from "@sockskit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { run, stopAll } from "../run-sockskit.ts";

const problem = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await stopAll();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(options: ServerOptions): Promise<string> {
  const server = createServer({ listen: [{ port: 0 }], timeouts: { loginFailureMs: 0 }, ...options });
  cleanups.push(() => server.close());
  const [address] = await server.listen();
  return `localhost:${address?.port}`;
}

interface Report {
  readonly gssapi?: Readonly<Record<string, unknown>>;
  readonly socks5: Readonly<Record<string, { readonly outcome: string; readonly code?: string }>>;
}

describe.skipIf(problem !== undefined)("probe with GSS-API", () => {
  let realm: KerberosRealm;
  let undo: () => void;

  beforeAll(async () => {
    realm = await startRealm();
    undo = useRealm(realm);
  });

  afterAll(async () => {
    undo?.();
    await realm?.stop();
  });

  const start = (gssapi: ServerOptions["gssapi"] = {}): Promise<string> =>
    serve({ authMethods: ["gssapi"], gssapi: { keytab: realm.serviceKeytab, ...gssapi } });
  const probe = async (...args: readonly string[]): Promise<Report> => {
    const { status, stdout, stderr } = await run(["probe", "--json", ...args], { env: realm.env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return JSON.parse(stdout) as Report;
  };

  test.each([
    [{}, "confidentiality", "grants confidentiality"],
    [{ protection: ["integrity"] }, "integrity", "grants integrity"],
    [{ answerNone: true }, "none", "grants no protection"],
  ] as const)("with a ticket: what a proxy with %j grants", async (gssapi, protection, said) => {
    const proxy = await start(gssapi);
    const { status, stdout } = await run(["probe", proxy], { env: realm.env });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}methods +GSS-API$/m);
    expect(stdout).toMatch(new RegExp(`^  GSS-API +${said} in [\\d.]+ ms$`, "m"));
    expect((await probe(proxy)).gssapi).toMatchObject({ outcome: "granted", protection });
    const list = await run(["probe", proxy, proxy], { env: realm.env });
    expect(list.stdout.match(new RegExp(`gssapi/${protection} `, "g"))).toHaveLength(2);
  });

  test("without a ticket: the error, and the command that gets one", async () => {
    const proxy = await start();
    const env = { ...realm.env, KRB5CCNAME: `FILE:${realm.folder}/nothing` };
    const { status, stdout } = await run(["probe", proxy], { env });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}GSS-API +.*get a ticket with "kinit".*\[ERR_SOCKS_GSSAPI_NO_CREDENTIALS\]$/m);
  });

  test("a service that the KDC does not have, and another one", async () => {
    const proxy = await start();
    expect((await probe(proxy.replace("localhost", "127.0.0.1"))).gssapi).toMatchObject({
      outcome: "failed",
      code: "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN",
      message: expect.stringContaining("kvno rcmd/127.0.0.1") as unknown,
    });
    expect((await probe(proxy, "--gssapi-service", "socks")).gssapi).toMatchObject({ protection: "confidentiality" });
  });

  test("the least that is named is all that counts", async () => {
    const proxy = await start({ protection: ["integrity"] });
    expect((await probe(proxy, "--gssapi-protection", "confidentiality")).gssapi).toMatchObject({
      outcome: "failed",
      code: "ERR_SOCKS_GSSAPI_PROTECTION",
    });
  });

  test("requests are refused without --proxy-auth gssapi, and answered through the protection with it", async () => {
    const proxy = await start();
    const shut = await probe(proxy);
    expect(shut.socks5["connectIpv4"]).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" });
    const { socks5, gssapi } = await probe(proxy, "--proxy-auth", "gssapi");
    expect(gssapi).toMatchObject({ protection: "confidentiality" });
    expect(Object.entries(socks5).map(([name, { outcome }]) => [name, outcome])).toEqual([
      ["connectIpv4", "refused"],
      ["connectName", "refused"],
      ["connectIpv6", "refused"],
      ["bind", expect.stringMatching(/granted|refused/)],
      ["udpAssociate", expect.stringMatching(/granted|refused/)],
      ["resolve", "refused"],
    ]);
  });
});

test("requests behind TLS inside SOCKS, and behind CHAP", async () => {
  const credentials = [{ name: "alice", password: { plain: "correct-horse" } }];
  const ssl = { ...certificatePair("server"), authMethods: ["chap" as const] };
  const proxy = `socks5h://alice:correct-horse@${await serve({ authMethods: ["ssl", "chap"], ssl, credentials })}`;
  const trust = ["--ssl-cacert", certificatePath("authority")];
  for (const options of [["ssl/chap", ...trust], ["chap"]]) {
    const { status, stdout } = await run(["probe", "--json", proxy, "--proxy-auth", ...options]);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as Report).socks5["connectIpv4"]).toMatchObject({ outcome: "refused" });
  }
  const { stdout } = await run(["probe", "--json", proxy, "--proxy-auth", "ssl/chap"]);
  expect((JSON.parse(stdout) as Report).socks5["connectIpv4"]).toMatchObject({ code: "ERR_SOCKS_AUTH_UNTRUSTED" });
});

test("a header of the PROXY protocol before each connection", async () => {
  const proxy = await serve({ allowOpenProxy: true, listen: [{ port: 0, proxyProtocol: { from: ["127.0.0.0/8"] } }] });
  const { status, stdout } = await run(["probe", "--json", proxy, "--proxy-protocol", "2"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ versions: { socks4: { verdict: "yes" }, socks5: { verdict: "yes" } } });
});

test("a question for a person is not asked six times", async () => {
  const { status, stderr } = await run(["probe", "127.0.0.1:1", "--proxy-auth", "cram"]);
  expect(status).toBe(2);
  expect(stderr).toContain("leave cram out");
});
