import { createHmac } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { checkNoSecrets } from "@sockskit/testing";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { canDerive } from "../../src/credentials/derive.ts";
import type { ChapAttempt, CredentialVerdict } from "../../src/credentials/credential-store.ts";
import { hashPassword } from "../../src/credentials/passwords.ts";
import type { UserConfig } from "../../src/credentials/user.ts";
import {
  createCredentialStore,
  type CredentialStoreOptions,
  type UserStore,
} from "../../src/credentials/user-store.ts";

const CHEAP = "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const client = parseIpAddress("192.0.2.7", 4000) as IpAddress;
const stores: UserStore[] = [];
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

function storeOf(users: readonly UserConfig[], options: CredentialStoreOptions = {}): UserStore {
  const store = createCredentialStore(users, { threads: 1, ...options });
  stores.push(store);
  return store;
}

const octets = (text: string | Uint8Array): Uint8Array => (typeof text === "string" ? Buffer.from(text) : text);
const attempt = (username: string | Uint8Array, password: string | Uint8Array, from: IpAddress = client) => ({
  username: octets(username),
  password: octets(password),
  client: from,
  cancelled: () => false,
});
const REJECTED: CredentialVerdict = { accepted: false, reason: "rejected" };
const aliceHash = await hashPassword("correct horse");

describe.each([
  ["hashed", aliceHash],
  ["plain", { plain: "correct horse" }],
])("a user with a %s password", (_kind, password) => {
  const users: UserConfig[] = [{ name: "alice", password, groups: ["staff"] }];

  test("gets in with it", async () => {
    expect(await storeOf(users).verify(attempt("alice", "correct horse"))).toEqual({
      accepted: true,
      identity: "alice",
      groups: ["staff"],
    });
  });

  test.each([
    ["another password", "alice", "correct hors"],
    ["an empty password", "alice", ""],
    ["an octet 00 behind the password", "alice", "correct horse\0"],
    ["an octet 00 and more behind the password", "alice", "correct horse\0x"],
    ["an octet 00 behind the name", "alice\0x", "correct horse"],
    ["an empty name", "", "correct horse"],
    ["a name in other letters", "Alice", "correct horse"],
    ["a name that is not UTF-8", Uint8Array.of(0xff, 0xfe), "correct horse"],
  ])("is not met by %s", async (_what, name, given) => {
    expect(await storeOf(users).verify(attempt(name, given))).toEqual(REJECTED);
  });
});

test("names are compared as octets, not as what they look like", async () => {
  // U+00E9 is two octets; the same two octets in ISO 8859-1 are another text.
  const store = storeOf([{ name: "ren\u00e9", password: { plain: "x" } }]);
  expect(await store.verify(attempt("ren\u00e9", "x"))).toMatchObject({ accepted: true, identity: "ren\u00e9" });
  expect(await store.verify(attempt("rene\u0301", "x"))).toEqual(REJECTED);
  expect(await store.verify(attempt(Buffer.from("ren\u00e9", "latin1"), "x"))).toEqual(REJECTED);
});

test("names that objects have anyway are no users", async () => {
  const store = storeOf([{ name: "alice", password: { plain: "x" } }]);
  for (const name of ["__proto__", "constructor", "toString"]) {
    expect(await store.verify(attempt(name, "x"))).toEqual(REJECTED);
  }
  const odd = storeOf([{ name: "__proto__", password: { plain: "x" } }]);
  expect(await odd.verify(attempt("__proto__", "x"))).toMatchObject({ accepted: true, identity: "__proto__" });
});

describe("an unknown user costs what a wrong password costs", () => {
  test.each([
    ["hashed", [{ name: "alice", password: CHEAP }]],
    ["plain", [{ name: "alice", password: { plain: "x" } }]],
    ["no users at all", []],
  ] as [string, UserConfig[]][])("%s", async (_kind, users) => {
    const store = storeOf(users, { cacheTtlMs: 0 });
    const counted = async (name: string): Promise<number> => {
      const before = store.stats.hashes;
      expect(await store.verify(attempt(name, "guess"))).toEqual(REJECTED);
      return store.stats.hashes - before;
    };
    expect(await counted("alice")).toBe(1);
    expect(await counted("nobody")).toBe(1);
    expect(await counted("")).toBe(1);
  });

  test("with the parameters of the store: nobody is told by the time it takes", async () => {
    // ln=15 takes a hundred times as long as ln=8. If unknown users were answered by another cost, the two would differ
    // by that much; the bound leaves room for a busy machine.
    const timed = async (users: readonly UserConfig[]): Promise<number> => {
      const store = storeOf(users);
      await store.verify(attempt("warm", "up"));
      const from = performance.now();
      for (const name of ["a", "b", "c", "d"]) await store.verify(attempt(name, "guess"));
      return performance.now() - from;
    };
    const cheap = await timed([{ name: "alice", password: CHEAP }]);
    const dear = await timed([{ name: "alice", password: aliceHash }]);
    expect(dear).toBeGreaterThan(5 * cheap);
  });

  test("in a mixed store unknown names are spread over its costs, each always on the same one", async () => {
    const store = storeOf([
      { name: "hashed", password: CHEAP },
      { name: "plain", password: { plain: "x" } },
    ]);
    const kinds = new Map<string, boolean>();
    for (let i = 0; i < 40; i++) {
      const isPromise = store.verify(attempt(`user ${i}`, "guess")) instanceof Promise;
      expect(store.verify(attempt(`user ${i}`, "other guess")) instanceof Promise).toBe(isPromise);
      kinds.set(`user ${i}`, isPromise);
    }
    expect(new Set(kinds.values()).size).toBe(2);
  });
});

describe("the memory of what was right", () => {
  test("spares hashes, for its time only", async () => {
    let nowMs = 0;
    const store = storeOf([{ name: "alice", password: aliceHash }], { cacheTtlMs: 1_000, nowMs: () => nowMs });
    expect(await store.verify(attempt("alice", "correct horse"))).toMatchObject({ accepted: true });
    const again = store.verify(attempt("alice", "correct horse"));
    expect(again).toMatchObject({ accepted: true });
    expect(store.stats.hashes).toBe(1);
    nowMs = 1_000;
    expect(await store.verify(attempt("alice", "correct horse"))).toMatchObject({ accepted: true });
    expect(store.stats.hashes).toBe(2);
  });

  test("holds nothing that is wrong", async () => {
    const store = storeOf([{ name: "alice", password: CHEAP }]);
    await store.verify(attempt("alice", "guess"));
    await store.verify(attempt("alice", "guess"));
    expect(store.stats.hashes).toBe(2);
  });

  test("does not mix name and password up", async () => {
    const store = storeOf([
      { name: "ab", password: await hashPassword("c") },
      { name: "a", password: CHEAP },
    ]);
    expect(await store.verify(attempt("ab", "c"))).toMatchObject({ accepted: true });
    expect(await store.verify(attempt("a", "bc"))).toEqual(REJECTED);
  });

  test("is bounded", async () => {
    const users = await Promise.all(
      ["a", "b", "c"].map(async (name) => ({ name, password: await hashPassword(name) })),
    );
    const store = storeOf(users, { cacheLimit: 2 });
    for (const { name } of users) await store.verify(attempt(name, name));
    expect(store.verify(attempt("c", "c"))).toMatchObject({ accepted: true });
    expect(store.verify(attempt("a", "a"))).toBeInstanceOf(Promise);
  });
});

test("the same question asked twice at once is computed once, per client", async () => {
  const store = storeOf([{ name: "alice", password: aliceHash }]);
  const other = parseIpAddress("192.0.2.8", 1) as IpAddress;
  const verdicts = await Promise.all([
    store.verify(attempt("alice", "correct horse")),
    store.verify(attempt("alice", "correct horse")),
    store.verify(attempt("alice", "correct horse", other)),
  ]);
  expect(verdicts.every((verdict) => verdict.accepted)).toBe(true);
  expect(store.stats.hashes).toBe(2);
});

test("one who leaves does not take the answer from another who asked the same", async () => {
  const store = storeOf([{ name: "alice", password: aliceHash }]);
  let hasLeft = false;
  // Somebody else is being answered, so that these two wait.
  const before = store.verify(attempt("bob", "guess"));
  const leaving = store.verify({ ...attempt("alice", "correct horse"), cancelled: () => hasLeft });
  const staying = store.verify(attempt("alice", "correct horse"));
  hasLeft = true;
  expect(await staying).toMatchObject({ accepted: true });
  await Promise.all([before, leaving].map(async (verdict) => verdict));
  expect(store.stats.hashes).toBe(2);
});

test("too many at once are refused", async () => {
  const store = storeOf([{ name: "alice", password: aliceHash }], { queueLimit: 1 });
  const asked = ["1", "2", "3"].map(async (guess) => store.verify(attempt("alice", guess)));
  expect(await Promise.all(asked)).toEqual([REJECTED, REJECTED, { accepted: false, reason: "busy" }]);
  expect(store.stats.refused).toBe(1);
});

test("no secret can be read off a store", async () => {
  const secrets = ["canary-of-alice", "canary-of-bob"];
  const store = storeOf([
    { name: "alice", password: { plain: "canary-of-alice" } },
    { name: "bob", password: await hashPassword("canary-of-bob") },
  ]);
  await store.verify(attempt("alice", "canary-of-alice"));
  expect(await store.verify(attempt("bob", "canary-of-bob"))).toMatchObject({ accepted: true });
  checkNoSecrets(store, secrets);
  checkNoSecrets(store.stats, secrets);
});

describe("unusable users", () => {
  test.each([
    ["an empty name", [{ name: "", password: CHEAP }], "ERR_SOCKS_BAD_OPTION", ["credentials", 0, "name"]],
    ["a line break in a name", [{ name: "a\nb", password: CHEAP }], "ERR_SOCKS_BAD_OPTION", ["credentials", 0, "name"]],
    [
      "a name with an octet 00",
      [{ name: "a\0b", password: CHEAP }],
      "ERR_SOCKS_BAD_OPTION",
      ["credentials", 0, "name"],
    ],
    [
      "a mark that turns text round",
      [{ name: "a\u202eb", password: CHEAP }],
      "ERR_SOCKS_BAD_OPTION",
      ["credentials", 0, "name"],
    ],
    ["a long name", [{ name: "a".repeat(256), password: CHEAP }], "ERR_SOCKS_BAD_OPTION", ["credentials", 0, "name"]],
    [
      "a long password",
      [{ name: "a", password: { plain: "p".repeat(256) } }],
      "ERR_SOCKS_BAD_OPTION",
      ["credentials", 0, "password"],
    ],
    [
      "a name that is there twice",
      [
        { name: "a", password: CHEAP },
        { name: "a", password: { plain: "x" } },
      ],
      "ERR_SOCKS_BAD_OPTION",
      ["credentials", 1, "name"],
    ],
    [
      "a password instead of a hash",
      [{ name: "a", password: "canary-password" }],
      "ERR_SOCKS_BAD_PASSWORD_HASH",
      ["credentials", 0, "password"],
    ],
  ] as [string, UserConfig[], string, (string | number)[]][])("%s", (_what, users, code, path) => {
    let caught: unknown;
    try {
      createCredentialStore(users);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: "ServerError", code, path });
    checkNoSecrets(caught, ["canary-password", "p".repeat(256)]);
  });

  test.runIf(!canDerive("argon2id"))("an Argon2id hash on a Node without it", () => {
    const password = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    expect(() => createCredentialStore([{ name: "a", password }])).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_HASH_NOT_SUPPORTED" }),
    );
  });
});

describe("CHAP", () => {
  const challenge = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
  const tryWith = (name: string, response: Uint8Array, clientChallenge?: Uint8Array): ChapAttempt => ({
    evidence: {
      type: "chap",
      username: Buffer.from(name),
      algorithm: 0x85,
      identifier: undefined,
      challenge,
      response,
      clientChallenge,
    },
    client,
    cancelled: () => false,
  });
  const hmac = (secret: string, data: Uint8Array): Uint8Array =>
    new Uint8Array(createHmac("md5", secret).update(data).digest());
  const users = [{ name: "alice", password: { plain: "canary-password" }, groups: ["staff"] }];

  test("judges responses, and proves itself when asked", () => {
    const store = storeOf(users, { chap: true });
    const right = hmac("canary-password", challenge);
    expect(store.verifyChap(tryWith("alice", right))).toEqual({ accepted: true, identity: "alice", groups: ["staff"] });
    const own = Buffer.alloc(16, 1);
    expect(store.verifyChap(tryWith("alice", right, own))).toMatchObject({ response: hmac("canary-password", own) });
    for (const [name, response] of [
      ["alice", hmac("other", challenge)],
      ["alice", new Uint8Array(0)],
      ["alice\0", right],
      ["bob", right],
      ["", right],
    ] as const) {
      expect(store.verifyChap(tryWith(name, response))).toEqual(REJECTED);
    }
    checkNoSecrets(store, ["canary-password"]);
  });

  test("lets nobody in where it is not served, and then keeps no password", () => {
    const store = storeOf(users);
    const right = hmac("canary-password", challenge);
    expect(store.verifyChap(tryWith("alice", right))).toEqual(REJECTED);
  });

  test.each([
    ["a hash", CHEAP],
    ["an empty password", { plain: "" }],
  ])("%s cannot be served", (_what, password) => {
    expect(() => createCredentialStore([{ name: "a", password }], { chap: true })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["credentials", 0, "password"] }),
    );
  });
});
