// Logging in with Kerberos from the command line: options, and the URL of the proxy.
import { createServer, type ServerOptions } from "@sockskit/server";
import {
  type KerberosRealm,
  listenEcho,
  type LoopbackServer,
  realmProblem,
  startRealm,
  useRealm,
} from "@sockskit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { run, stopAll } from "./run-sockskit.ts";

const problem = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("GSS-API", () => {
  let realm: KerberosRealm;
  let undo: () => void;
  let echo: LoopbackServer;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    realm = await startRealm();
    undo = useRealm(realm);
    echo = await listenEcho();
  });

  afterEach(async () => {
    await stopAll();
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  afterAll(async () => {
    undo?.();
    await echo?.close();
    await realm?.stop();
  });

  async function serve(gssapi: ServerOptions["gssapi"] = {}): Promise<string> {
    const server = createServer({
      listen: [{ port: 0 }],
      authMethods: ["gssapi"],
      gssapi: { keytab: realm.serviceKeytab, ...gssapi },
      timeouts: { loginFailureMs: 0 },
    });
    cleanups.push(() => server.close());
    const [address] = await server.listen();
    return `socks5h://localhost:${address?.port}`;
  }

  const connect = (args: readonly string[], env: Readonly<Record<string, string>> = realm.env) =>
    run(["connect", `127.0.0.1:${echo.port}`, ...args], { env, input: "hello" });
  const HELLO = { status: 0, stdout: "hello", stderr: "" };

  test("--proxy-auth gssapi, with a ticket that is there", async () => {
    expect(await connect(["-x", await serve(), "--proxy-auth", "gssapi"])).toEqual(HELLO);
  });

  test("the options of the URL, from -x and from the environment", async () => {
    const proxy = `${await serve({ service: "socks@localhost" })}?gssapi-service=socks`;
    expect(await connect(["-x", proxy])).toEqual(HELLO);
    expect(await connect([], { ...realm.env, all_proxy: proxy })).toEqual(HELLO);
    const refused = await connect(["-x", proxy, "--proxy-auth", "userpass"]);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain('do not name "gssapi"');
  });

  test("options of the command line count for what the URL does not say", async () => {
    const proxy = `${await serve({ protection: ["integrity"] })}?gssapi-service=rcmd`;
    const strict = await connect(["-x", proxy, "--gssapi-protection", "confidentiality"]);
    expect(strict).toMatchObject({ status: 6 });
    expect(strict.stderr).toContain("ERR_SOCKS_GSSAPI_PROTECTION");
  });

  test("a keytab, a cache and a principal instead of the environment", async () => {
    const proxy = await serve();
    const args = ["-x", proxy, "--proxy-auth", "gssapi"];
    const env = { ...realm.env, KRB5CCNAME: `FILE:${realm.folder}/nothing` };
    expect(await connect(args, env)).toMatchObject({ status: 6 });
    expect(await connect([...args, "--gssapi-ccache", realm.ccache], env)).toEqual(HELLO);
    const keytab = ["--gssapi-keytab", realm.aliceKeytab, "--gssapi-principal", "alice"];
    expect(await connect([...args, ...keytab], env)).toEqual(HELLO);
    const stranger = await connect([...args, "--gssapi-principal", "bob"]);
    expect(stranger).toMatchObject({ status: 6 });
    expect(stranger.stderr).toContain("ERR_SOCKS_GSSAPI_NO_CREDENTIALS");
  });

  test("--gssapi-nec", async () => {
    const args = ["-x", await serve({ nec: "accept" }), "--proxy-auth", "gssapi", "--gssapi-nec"];
    expect(await connect(args)).toEqual(HELLO);
    const refusing = await connect(args.with(1, await serve()));
    expect(refusing).toMatchObject({ status: 6 });
  });
});

test.each([
  ["--gssapi-service", "socks"],
  ["--gssapi-principal", "alice"],
  ["--gssapi-keytab", "x"],
  ["--gssapi-ccache", "x"],
  ["--gssapi-protection", "none"],
  ["--gssapi-nec"],
])("%s is not ignored where nothing asks for gssapi", async (...option) => {
  const { status, stderr } = await run(["connect", "-x", "socks5h://127.0.0.1:1", "127.0.0.1:1", ...option]);
  expect(status).toBe(2);
  expect(stderr).toContain(`${option[0]} is for --proxy-auth gssapi`);
});

test("tickets come from one place", async () => {
  const options = ["--proxy-auth", "gssapi", "--gssapi-keytab", "x", "--gssapi-ccache", "y"];
  const { status, stderr } = await run(["connect", "-x", "socks5h://127.0.0.1:1", "127.0.0.1:1", ...options]);
  expect(status).toBe(2);
  expect(stderr).toContain("exclude each other");
});
