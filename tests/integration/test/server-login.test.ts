import { lookup } from "node:dns/promises";
import { describe, expect, test } from "vitest";
import { type CredentialStore, hashPassword, type ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import {
  connectRequest,
  connectRequest4,
  connectTo,
  converse,
  credentials,
  GREETING,
  GREETING_USERPASS,
  pause,
  startEcho,
  startServer,
  startTarget,
  until,
  refused,
} from "./server-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hash = await hashPassword("s3cret");
const users: ServerOptions = { credentials: [{ name: "alice", password: hash }] };
const plain: ServerOptions = { credentials: [{ name: "alice", password: { plain: "s3cret" } }] };

describe.each([
  ["hashed", users],
  ["plain", plain],
])("with %s passwords", (_kind, options) => {
  test("the right one opens the tunnel, the whole dialogue in one segment", async () => {
    const { port, log } = await startServer(options);
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(
      concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port), Buffer.from("early")),
    );
    const all = await readOctets(client, 2 + 2 + 10 + 5);
    expect(hex(all.subarray(0, 6))).toBe("050201000500");
    expect(Buffer.from(all.subarray(14)).toString()).toBe("early");
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "userpass", user: "alice" })]);
    expect(log.connected[0]).toMatchObject({ user: "alice" });
  });

  test("half of the request behind the password, the other half later", async () => {
    const { port } = await startServer(options);
    const echo = await startEcho();
    const client = await connectTo(port);
    const request = connectRequest(echo.port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), request.subarray(0, 5)));
    expect(hex(await readOctets(client, 4))).toBe("05020100");
    client.write(concat(request.subarray(5), Buffer.from("more")));
    expect(hex((await readOctets(client, 14)).subarray(10))).toBe(hex(Buffer.from("more")));
  });

  test.each([
    ["a wrong password", "alice", "wrong"],
    ["an unknown user", "bob", "s3cret"],
    ["no password", "alice", ""],
    ["nothing at all", "", ""],
    ["an octet 00 behind the password", "alice", "s3cret\0"],
    ["an octet 00 behind the name", "alice\0x", "s3cret"],
    ["255 octets of each", "a".repeat(255), "b".repeat(255)],
  ])("%s is answered 01 01, and nothing is dialled for what comes behind it", async (_what, name, password) => {
    const { port, log, server } = await startServer(options);
    let dialled = 0;
    const target = await startTarget(() => (dialled += 1));
    expect(await converse(port, GREETING_USERPASS, credentials(name, password), connectRequest(target.port))).toBe(
      "05020101",
    );
    await pause(30);
    expect(dialled).toBe(0);
    expect(log.connected).toEqual([]);
    expect(log.denied[0]).toMatchObject({ stage: "authenticate", code: "ERR_SOCKS_AUTH_REJECTED" });
    expect(server.stats).toMatchObject({ failedLogins: 1, logins: 0 });
  });
});

describe("there is no way round the password", () => {
  test.each([
    ["a request behind a greeting without the method", [GREETING], "05ff"],
    ["a request instead of the password", [GREETING_USERPASS], "05020101"],
    ["no method at all", [octets("05 00")], "05ff"],
    ["SOCKS 4", [], "005b000000000000"],
  ])("%s", async (_what, before, answer) => {
    const { port, log } = await startServer(users);
    let dialled = 0;
    const target = await startTarget(() => (dialled += 1));
    const request = before.length === 0 ? connectRequest4(target.port) : connectRequest(target.port);
    expect(await converse(port, ...before, request)).toBe(answer);
    await pause(30);
    expect(dialled).toBe(0);
    expect(log.connected).toEqual([]);
  });

  test("what one listener asks for holds for it, whatever another one asks for", async () => {
    const options: ServerOptions = { ...users, listen: [{ port: 0, authMethods: ["none"] }, { port: 0 }] };
    const { server } = await startServer(options);
    const echo = await startEcho();
    const [open, closed] = server.addresses;
    expect(await converse(closed?.port ?? 0, GREETING)).toBe("05ff");
    const client = await connectTo(open?.port ?? 0);
    client.write(concat(GREETING, connectRequest(echo.port)));
    expect(hex((await readOctets(client, 12)).subarray(0, 4))).toBe("05000500");
  });

  test("a log-in lets one connection in, not the address", async () => {
    const { port } = await startServer(users);
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port)));
    await readOctets(client, 14);
    expect(await converse(port, GREETING, connectRequest(echo.port))).toBe("05ff");
    expect(await converse(port, connectRequest4(echo.port))).toBe("005b000000000000");
  });

  test("a SOCKS 4 user id is no user", async () => {
    const { port } = await startServer({ rules: [{ action: "allow", users: ["alice"] }] });
    const echo = await startEcho();
    const withId = concat(connectRequest4(echo.port).subarray(0, 8), Buffer.from("alice\0"));
    expect(await converse(port, withId)).toBe("005b000000000000");
  });
});

describe("guessing", () => {
  test("wrong passwords and unknown users are answered after the same time, and hold nobody up", async () => {
    const { port } = await startServer({ ...plain, timeouts: { loginFailureMs: 300 } });
    const echo = await startEcho();
    const started = performance.now();
    const tookMs = async (name: string): Promise<number> => {
      expect(await converse(port, GREETING_USERPASS, credentials(name, "guess"))).toBe("05020101");
      return performance.now() - started;
    };
    const guesses = ["alice", "bob", "", "carol"].map(tookMs);
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port)));
    await readOctets(client, 14);
    expect(performance.now() - started).toBeLessThan(280);
    for (const ms of await Promise.all(guesses)) expect(ms).toBeGreaterThan(290);
  });

  test("the time counts from the attempt, however long the answer took to find", async () => {
    const store: CredentialStore = {
      verify: async () => {
        await pause(600);
        return { accepted: false, reason: "rejected" };
      },
    };
    const { port } = await startServer({ credentials: store, timeouts: { loginFailureMs: 700 } });
    const started = performance.now();
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "guess"))).toBe("05020101");
    expect(performance.now() - started).toBeGreaterThan(690);
    expect(performance.now() - started).toBeLessThan(1_250);
  });

  test("a client has so many tries a minute; then even the right password is not looked at", async () => {
    const asked: string[] = [];
    const store: CredentialStore = {
      verify: ({ username, password }) => {
        asked.push(`${Buffer.from(username).toString()}:${Buffer.from(password).toString()}`);
        return hex(password) === hex(Buffer.from("s3cret"))
          ? { accepted: true, identity: "alice", groups: [] }
          : { accepted: false, reason: "rejected" };
      },
    };
    const { port, server } = await startServer({ credentials: store, limits: { loginFailuresPerMinute: 3 } });
    for (const guess of ["1", "2", "3", "4", "s3cret"]) {
      expect(await converse(port, GREETING_USERPASS, credentials("alice", guess))).toBe("05020101");
    }
    expect(asked).toEqual(["alice:1", "alice:2", "alice:3"]);
    expect(server.stats).toMatchObject({ failedLogins: 3, refusedLogins: 2 });
    // Another address of this host has tries of its own.
    const other = await connectTo(port, "127.0.0.1", "127.0.0.2");
    other.write(concat(GREETING_USERPASS, credentials("alice", "s3cret")));
    expect(hex(await readOctets(other, 4))).toBe("05020100");
  });

  test("tries that are sent all at once do not get round the limit", async () => {
    const { port, server } = await startServer({ ...users, limits: { loginFailuresPerMinute: 4 } });
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => converse(port, GREETING_USERPASS, credentials("alice", `guess ${i}`))),
    );
    expect(new Set(answers)).toEqual(new Set(["05020101"]));
    // As many more as there are hashing threads may have been on their way.
    expect(server.stats.failedLogins).toBeLessThanOrEqual(4 + 4);
    expect(server.stats.refusedLogins).toBeGreaterThanOrEqual(22);
  });

  test("a flood of wrong passwords holds neither look-ups nor those with the right one up for long", async () => {
    const { port, server } = await startServer({ ...users, limits: { loginFailuresPerMinute: 1_000_000 } });
    const echo = await startEcho();
    const flood = Array.from({ length: 60 }, async (_, i) => {
      const client = await connectTo(port, "127.0.0.1", "127.0.0.9");
      client.write(concat(GREETING_USERPASS, credentials("alice", `guess ${i}`)));
    });
    await Promise.all(flood);
    await until(() => server.stats.failedLogins > 0, "the flood is being hashed");
    await lookup("localhost");
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port)));
    await readOctets(client, 14, 10_000);
    expect(server.stats.failedLogins).toBeLessThan(60);
  });
});

describe("a credential store that fails lets nobody in and hurts nobody else", () => {
  const failing: [string, CredentialStore][] = [
    [
      "throws",
      {
        verify: () => {
          throw new RangeError("the database is gone");
        },
      },
    ],
    ["rejects", { verify: () => Promise.reject(new RangeError("the database is gone")) }],
    ["answers nonsense", { verify: () => undefined as never }],
  ];
  test.each(failing)("%s", async (_what, store) => {
    const { port, log, server } = await startServer({ credentials: store });
    const echo = await startEcho();
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port))).toBe(
      "05020101",
    );
    expect(log.error).toEqual([expect.objectContaining({ name: "ServerError", code: "ERR_SOCKS_SESSION_FAILED" })]);
    await until(() => server.stats.sessions === 0, "the session is gone");
    expect(log.connected).toEqual([]);
    expect(await converse(port, octets("05 00"))).toBe("05ff");
  });

  test("never answers: the time for the handshake ends it, without an answer", async () => {
    const store: CredentialStore = { verify: () => new Promise(() => undefined) };
    const { port, log } = await startServer({ credentials: store, timeouts: { handshakeMs: 150 } });
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(1)));
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
  });

  test("a client that left is not waited for", async () => {
    let cancelled: (() => boolean) | undefined;
    const store: CredentialStore = {
      verify: (attempt) => {
        cancelled = attempt.cancelled;
        return new Promise(() => undefined);
      },
    };
    const { port, server } = await startServer({ credentials: store });
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret")));
    await until(() => cancelled !== undefined, "the store is asked");
    expect(cancelled?.()).toBe(false);
    client.resetAndDestroy();
    await until(() => server.stats.sessions === 0, "the session is gone");
    // The other engine tells the main thread of it a moment later.
    await until(() => cancelled?.() === true, "the store is told");
  });
});

test("groups and names decide in rules", async () => {
  const { port } = await startServer({
    credentials: [
      { name: "alice", password: { plain: "a" }, groups: ["staff"] },
      { name: "bob", password: { plain: "b" } },
    ],
    rules: [{ action: "allow", groups: ["staff"], to: ["127.0.0.1"] }],
  });
  const echo = await startEcho();
  const alice = await connectTo(port);
  alice.write(concat(GREETING_USERPASS, credentials("alice", "a"), connectRequest(echo.port)));
  expect(hex((await readOctets(alice, 14)).subarray(0, 6))).toBe("050201000500");
  expect(await converse(port, GREETING_USERPASS, credentials("bob", "b"), connectRequest(echo.port))).toBe(
    refused("02", "05020100"),
  );
});
