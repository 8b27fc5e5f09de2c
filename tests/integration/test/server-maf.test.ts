// MAF at a server, from octets that stand in its draft.
import { describe, expect, test } from "vitest";
import { createHash } from "node:crypto";
import {
  AuthError,
  chapClient,
  chapServer,
  cramServer,
  gssapiServer,
  type MafServerExchange,
  type ServerAuthMethod,
  userPassServer,
} from "@sockskit/auth";
import { connect } from "@sockskit/client";
import { createCredentialStore, createServer, type ServerOptions } from "@sockskit/server";
import { concat, octets, questionMethod, readOctets } from "@sockskit/testing";
import { mafId } from "@sockskit/wire";
import { connectRequest, connectTo, converse, startEcho, startServer, until } from "./server-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (value: string): Uint8Array => Buffer.from(value);
const HASH = "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const NOBODY = { accepted: false, reason: "rejected" } as const;

describe("maf", () => {
  const rejected = (): AuthError => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong answer", { side: "remote" });
  const question = questionMethod(rejected);
  const maf: ServerOptions = {
    authMethods: ["maf"],
    maf: { methods: [{ id: mafId(0x0001_0000), start: () => question.server() }] },
    credentials: {
      verify: ({ password }) =>
        Buffer.from(password).toString() === "A!"
          ? { accepted: true, identity: "alice", groups: [] }
          : { accepted: false, reason: "rejected" },
    },
  };
  const CAN_DO = octets("01 01 00 00 01 04 00 01 00 00 00");
  const answer = (said: string): Uint8Array =>
    concat(octets("05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 02"), text(said));
  const DO = "050803010000040001000005010000040001000000000000000002513f";

  test("a method of one's own inside it lets a client in", async () => {
    const { port, log } = await startServer(maf);
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(octets("05 01 08"), CAN_DO, answer("A!"), octets("04 01 00 00 06 01 00 00")));
    expect(hex(await readOctets(client, 2 + 9 + 18 + 9 + 4))).toBe(`${DO}00000000040000000006010000`);
    client.write(connectRequest(echo.port));
    expect(hex((await readOctets(client, 10)).subarray(0, 2))).toBe("0500");
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "maf", user: "alice" })]);
  });

  test("a method that needs no verdict of the server's says who the client is", async () => {
    const knows = (): MafServerExchange => ({
      maxMessageLength: 1,
      receive: () => ({ type: "done", consumed: 1, identity: "carol" }),
      resolve: () => ({ type: "incomplete" }),
    });
    const { port, log } = await startServer({
      authMethods: ["maf"],
      maf: { methods: [{ id: mafId(0x0001_0000), start: knows }] },
      rules: [{ action: "allow", users: ["carol"], authenticated: true }],
    });
    const echo = await startEcho();
    const client = await connectTo(port);
    const process = octets("05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 01 58");
    client.write(
      concat(octets("05 01 08"), CAN_DO, process, octets("04 01 00 00 06 01 00 00"), connectRequest(echo.port)),
    );
    await until(() => log.connected.length === 1, "the tunnel is open");
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "maf", user: "carol" })]);
    client.destroy();
  });

  test("a wrong answer inside it is a failure, and a request behind it is not looked at", async () => {
    const { port, log, server } = await startServer(maf);
    const sent = [octets("05 01 08"), CAN_DO, answer("no"), octets("06 01 00 00"), connectRequest(1)];
    expect(await converse(port, ...sent)).toBe(`${DO}ff00000004ffffffff06010000`);
    expect(log.connected).toEqual([]);
    expect(server.stats).toMatchObject({ failedLogins: 1 });
  });

  test("it is off unless it has methods, and says so", () => {
    const notGiven = { code: "ERR_SOCKS_BAD_OPTION", path: ["authMethods"] };
    expect(() => createServer({ authMethods: ["maf"] })).toThrow(expect.objectContaining(notGiven));
    expect(() => createServer({ authMethods: ["maf"], maf: { methods: [] } })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["maf"] }),
    );
  });
});

describe("CHAP inside MAF", () => {
  const ID = mafId(0x0001_0000);
  const chap = chapServer({ challenge: () => new Uint8Array(32).fill(7) });
  const around = (method: ServerAuthMethod): ServerOptions => ({
    authMethods: ["maf"],
    maf: { methods: [{ id: ID, start: () => method.start() }] },
  });
  const plain = [{ name: "alice", password: { plain: "s3cret" } }];

  test("a list of users with their passwords lets in who knows one", async () => {
    const { port, log } = await startServer({ ...around(chap), credentials: plain });
    const echo = await startEcho();
    const md5 = (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest();
    const dial = (password: string): ReturnType<typeof connect> => {
      const client = chapClient({ username: "alice", password, md5 });
      const maf = { methods: [{ id: ID, start: () => client.start() }] };
      const target = `127.0.0.1:${echo.port}`;
      return connect({ proxy: `socks5h://127.0.0.1:${port}`, target, proxyAuth: { methods: ["maf"], maf } });
    };
    (await dial("s3cret")).destroy();
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "maf", user: "alice" })]);
    await expect(dial("wrong")).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
  });

  test.each([
    [
      "users that have a hash only",
      chap,
      { credentials: [{ name: "alice", password: HASH }] },
      "CHAP needs the password",
    ],
    ["nobody to compare with", chap, {}, '"chap" needs users'],
    ["a store without verifyChap", chap, { credentials: { verify: () => NOBODY } }, "verifyChap"],
    ["a store that keeps no password", chap, { credentials: createCredentialStore(plain) }, "{ chap: true }"],
    ["a password, and nobody to compare with", userPassServer(), {}, '"userpass" needs users'],
    ["questions, and nobody who asks", cramServer(), {}, '"cram" needs somebody'],
    ["protection", gssapiServer(), { credentials: plain }, "a method of its own"],
  ] as const)("%s: it does not start", (_what, method, options: ServerOptions, said) => {
    expect(() => createServer({ ...around(method), ...options })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", message: expect.stringContaining(said) as unknown }),
    );
  });

  test("outside of MAF a store that keeps no password is refused as well", () => {
    const store = createCredentialStore(plain);
    const refused = expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["authMethods"] }) as Error;
    expect(() => createServer({ authMethods: ["chap"], credentials: store })).toThrow(refused);
    const keeping = createCredentialStore(plain, { chap: true });
    expect(() => createServer({ authMethods: ["chap"], credentials: keeping })).not.toThrow();
  });
});
