// The library of the system, in a realm of our own.
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { octets, realmProblem, startRealm, useRealm, type KerberosRealm } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GssapiContext, GssapiContextInfo, GssapiMechanism, GssapiInitiateOptions } from "@sockskit/auth";
import { createAcceptor, GssapiInitiator, systemMechanism } from "../src/index.ts";

const problem = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("Kerberos", () => {
  let realm: KerberosRealm;
  let mechanism: GssapiMechanism;
  let undo: () => void;

  beforeAll(async () => {
    realm = await startRealm();
    undo = useRealm(realm);
    mechanism = systemMechanism();
  });

  afterAll(async () => {
    undo?.();
    await realm?.stop();
  });

  interface Pair {
    readonly a: GssapiContext;
    readonly b: GssapiContext;
    readonly client: GssapiContextInfo | undefined;
    readonly server: GssapiContextInfo | undefined;
  }

  async function pair(sequence = true): Promise<Pair> {
    const credentials = await mechanism.acquire({ keytab: realm.serviceKeytab });
    const a = mechanism.initiate({ service: "rcmd@localhost", sequence });
    const b = credentials.accept();
    const first = await a.step(undefined);
    const reply = await b.step(first.token);
    credentials.dispose();
    const last = await a.step(reply.token);
    return { a, b, client: last.established, server: reply.established };
  }

  test("both sides know each other, and what the context can do", async () => {
    const { a, b, client, server } = await pair();
    const same = { integrity: true, confidentiality: true, sequence: true };
    expect(client).toMatchObject({ ...same, peer: "rcmd/localhost@TEST.LOCAL", self: "alice@TEST.LOCAL" });
    expect(server).toMatchObject({ ...same, peer: "alice@TEST.LOCAL", self: "rcmd/localhost@TEST.LOCAL" });
    expect(server?.messageLimits).toEqual({ integrity: 65_503, confidentiality: 65_471 });
    expect(client?.lifetimeMs).toBeGreaterThan(3_600_000);
    a.dispose();
    b.dispose();
  });

  test.each([true, false])("messages arrive as they were (confidential: %s)", async (confidential) => {
    const { a, b } = await pair();
    const limit = confidential ? 65_471 : 65_503;
    const messages = [octets("61"), octets(""), new Uint8Array(limit).fill(0x62)];
    const tokens = await a.wrap(messages, confidential);
    expect(tokens.map((token) => token.length)).toEqual(confidential ? [61, 60, 65_531] : [29, 28, 65_531]);
    const { messages: got, error } = await b.unwrap(tokens);
    expect(error).toBeUndefined();
    expect(got.map(({ message }) => Buffer.from(message).equals(messages.shift() as Uint8Array))).toEqual([
      true,
      true,
      true,
    ]);
    expect(got.every((one) => one.confidential === confidential && one.order === "in-order")).toBe(true);
    a.dispose();
    b.dispose();
  });

  test("what was changed, repeated or left out is noticed", async () => {
    const { a, b } = await pair();
    const [one, two, three, four] = (await a.wrap([octets("01"), octets("02"), octets("03"), octets("04")], true)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const orders = async (token: Uint8Array): Promise<string | undefined> =>
      (await b.unwrap([token])).messages[0]?.order;
    expect(await orders(one)).toBe("in-order");
    expect(await orders(one)).toBe("repeated");
    expect(await orders(three)).toBe("gap");
    expect(await orders(two)).toBe("late");
    const changed = four.slice();
    changed[40] = (changed[40] as number) ^ 0x01;
    expect(await b.unwrap([changed])).toMatchObject({ messages: [], error: { code: "ERR_SOCKS_GSSAPI_TAMPERED" } });
    expect(await b.unwrap([octets("00")])).toMatchObject({ error: { code: "ERR_SOCKS_GSSAPI_TAMPERED" } });
    a.dispose();
    b.dispose();
  });

  test("a context token cannot be used twice", async () => {
    const credentials = await mechanism.acquire({ keytab: realm.serviceKeytab, service: "rcmd@localhost" });
    const a = mechanism.initiate({ service: "rcmd@localhost", sequence: true });
    const { token } = await a.step(undefined);
    await credentials.accept().step(token);
    await expect(credentials.accept().step(token)).rejects.toMatchObject({ code: "ERR_SOCKS_GSSAPI_TAMPERED" });
    a.dispose();
    credentials.dispose();
  });

  test("a changed or foreign context token is refused", async () => {
    const credentials = await mechanism.acquire({ keytab: realm.serviceKeytab, service: "rcmd@localhost" });
    const a = mechanism.initiate({ service: "rcmd@localhost", sequence: true });
    const { token } = await a.step(undefined);
    token[600] = (token[600] as number) ^ 0x01;
    for (const bad of [token, token.subarray(0, 100), octets("61 62")]) {
      await expect(credentials.accept().step(bad)).rejects.toMatchObject({ code: expect.stringMatching(/GSSAPI/) });
    }
    const other = mechanism.initiate({ service: "socks@localhost", sequence: true });
    const foreign = await other.step(undefined);
    await expect(credentials.accept().step(foreign.token)).rejects.toMatchObject({
      code: "ERR_SOCKS_GSSAPI_WRONG_KEY",
    });
    a.dispose();
    other.dispose();
    credentials.dispose();
  });

  test("tickets come from a cache, a keytab or a password", async () => {
    for (const options of [
      { credentials: { type: "ccache", ccache: realm.ccache } },
      { credentials: { type: "keytab", keytab: realm.aliceKeytab } },
      { credentials: { type: "keytab", keytab: realm.aliceKeytab }, principal: "alice" },
      { credentials: { type: "password", password: "alicepw" }, principal: "alice@TEST.LOCAL" },
    ] as const) {
      const acceptor = await createAcceptor({ keytab: realm.serviceKeytab, mechanism });
      const initiation = new GssapiInitiator({ ...options, mechanism }).start({ host: "localhost" });
      const answer = await initiation.answer({ type: "gssapi", step: "context", token: undefined });
      if (!("token" in answer)) throw new Error(JSON.stringify(answer));
      const judged = await acceptor.accept().judge({ type: "gssapi", step: "context", token: answer.token });
      expect(judged).toMatchObject({ principal: "alice@TEST.LOCAL", error: undefined });
      initiation.dispose();
      acceptor.dispose();
    }
  });

  test("a new keytab counts without a restart", async () => {
    const keytab = join(realm.folder, "rotated.keytab");
    await realm.admin("addprinc -randkey http/localhost", `ktadd -k ${keytab} http/localhost`);
    const credentials = await mechanism.acquire({ keytab, service: "http@localhost" });
    const attempt = async (options: Partial<GssapiInitiateOptions> = {}): Promise<string | undefined> => {
      const a = mechanism.initiate({ service: "http@localhost", sequence: true, ...options });
      try {
        const { token } = await a.step(undefined);
        return (await credentials.accept().step(token)).established?.peer;
      } finally {
        a.dispose();
      }
    };
    expect(await attempt()).toBe("alice@TEST.LOCAL");
    await realm.admin(`ktadd -k ${keytab}.new http/localhost`);
    await writeFile(keytab, await readFile(`${keytab}.new`));
    const fresh = { principal: "alice", credentials: { type: "password", password: "alicepw" } } as const;
    expect(await attempt(fresh)).toBe("alice@TEST.LOCAL");
    // The ticket in the cache is for the old key, which the new file lacks.
    await expect(attempt()).rejects.toMatchObject({ code: "ERR_SOCKS_GSSAPI_WRONG_KEY" });
    credentials.dispose();
  });

  describe("says what is wrong, and which command helps", () => {
    type Options = ConstructorParameters<typeof GssapiInitiator>[0];
    async function errorOf(options: Options, host = "localhost"): Promise<{ code: string; message: string }> {
      const initiation = new GssapiInitiator({ ...options, mechanism }).start({ host });
      const answer = await initiation.answer({ type: "gssapi", step: "context", token: undefined });
      initiation.dispose();
      if (!("error" in answer)) throw new Error("there is no error");
      return answer.error;
    }

    test.each<[string, string, string, Options]>([
      ["no ticket", "NO_CREDENTIALS", "kinit", { credentials: { type: "ccache", ccache: "FILE:/nonexistent/cc" } }],
      ["no keytab", "WRONG_KEY|NO_CREDENTIALS", "", { credentials: { type: "keytab", keytab: "/nonexistent/keytab" } }],
      [
        "a wrong password",
        "WRONG_KEY",
        "password",
        { principal: "alice", credentials: { type: "password", password: "canary-4711" } },
      ],
      [
        "an unknown user",
        "NO_CREDENTIALS",
        "principal",
        { principal: "bob", credentials: { type: "password", password: "x" } },
      ],
      ["an unknown service", "SERVICE_UNKNOWN", "kvno nosuch/localhost", { service: "nosuch" }],
      [
        "an unknown realm",
        "KDC_UNREACHABLE",
        "krb5.conf",
        { principal: "alice@NO.SUCH", credentials: { type: "password", password: "x" } },
      ],
    ])("%s", async (_name, code, hint, options) => {
      const error = await errorOf(options);
      expect(error.code).toMatch(new RegExp(`^ERR_SOCKS_GSSAPI_(?:${code})$`));
      expect(error.message).toContain(hint);
      expect(error.message).not.toContain("canary");
    });

    test("a proxy named by its address", async () => {
      expect(await errorOf({}, "127.0.0.1")).toMatchObject({ code: "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN" });
    });

    test.each([
      ["is missing", "/nonexistent/keytab", undefined],
      ["lacks the service", undefined, "nosuch@localhost"],
    ])("a server's keytab that %s", async (_name, keytab, service) => {
      const path = keytab ?? realm.serviceKeytab;
      await expect(createAcceptor({ keytab: path, service, mechanism })).rejects.toMatchObject({
        code: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS",
        message: expect.stringContaining(`klist -k ${path}`),
      });
    });

    test("a library that is missing", async () => {
      const none = systemMechanism({ library: "libnosuchgssapi.so.1" });
      await expect(createAcceptor({ mechanism: none })).rejects.toMatchObject({
        code: "ERR_SOCKS_GSSAPI_LIBRARY",
        message: expect.stringContaining("libgssapi-krb5-2"),
      });
    });
  });

  describe("a KDC that accepts and stays silent", () => {
    const held = new Set<Socket>();
    let silent: Server;

    beforeAll(async () => {
      silent = createServer((socket) => held.add(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as { readonly port: number };
      const path = join(realm.folder, "krb5.conf");
      const config = await readFile(path, "utf8");
      await writeFile(path, config.replace("[realms]", `[realms]\n  SILENT = {\n    kdc = 127.0.0.1:${port}\n  }`));
    });

    afterAll(() => {
      silent.close();
      for (const socket of held) socket.destroy();
    });

    test("holds up nobody but those who ask it", { timeout: 60_000 }, async () => {
      // More than a pool of libuv has, and more than one service may hold.
      const options = { principal: "alice@SILENT", credentials: { type: "password", password: "x" } } as const;
      const stuck = Array.from({ length: 8 }, () =>
        mechanism.initiate({ service: "rcmd@silent", sequence: true, ...options }),
      );
      const waiting = stuck.map((context) =>
        context.step(undefined).catch((error: unknown) => (error as { readonly code: string }).code),
      );
      while (held.size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const startedAt = performance.now();
      const { a, b } = await pair();
      expect((await b.unwrap(await a.wrap([octets("61")], true))).messages).toHaveLength(1);
      await Promise.all([lookup("localhost"), readFile(realm.serviceKeytab)]);
      expect(performance.now() - startedAt).toBeLessThan(3000);
      a.dispose();
      b.dispose();
      for (const context of stuck) context.dispose();
      silent.close();
      for (const socket of held) socket.destroy();
      const ends = await Promise.all(waiting);
      for (const code of ends) expect(code).toMatch(/^ERR_SOCKS_GSSAPI_(?:KDC_UNREACHABLE|BUSY|FAILED)$/);
    });
  });
});
