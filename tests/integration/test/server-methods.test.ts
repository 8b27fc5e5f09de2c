// CHAP and CRAM at a server, from octets that other code than ours computes.
import { createHmac } from "node:crypto";
import type net from "node:net";
import { describe, expect, test } from "vitest";
import { type ChallengeAttempt, createServer, type ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectRequest,
  connectTo,
  converse,
  credentials,
  GREETING_USERPASS,
  startEcho,
  startServer,
  until,
} from "./server-support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (value: string): Uint8Array => Buffer.from(value);
const attribute = (att: number, value: Uint8Array): Uint8Array => concat(Uint8Array.of(att, value.length), value);
const list = (...attributes: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(0x01, attributes.length), ...attributes);
const hmac = (secret: string, data: Uint8Array): Uint8Array => createHmac("md5", secret).update(data).digest();

const users: ServerOptions = {
  credentials: [
    { name: "alice", password: { plain: "s3cret" }, groups: ["staff"] },
    { name: "zoë", password: { plain: "pässword" } },
  ],
};
const chap: ServerOptions = { ...users, authMethods: ["chap"] };

/** Asks for CHAP, gives name and algorithm, and reads the challenge. */
async function challenged(port: number, name: string): Promise<{ client: net.Socket; challenge: Uint8Array }> {
  const client = await connectTo(port);
  client.write(concat(octets("05 01 03"), list(attribute(0x11, octets("85")), attribute(0x02, text(name)))));
  const answer = await readOctets(client, 2 + 2 + 3 + 2 + 32);
  expect(hex(answer.subarray(0, 9))).toBe("050301021101850320");
  return { client, challenge: answer.subarray(9) };
}

async function readFrom(client: net.Socket): Promise<string> {
  const rest = hex(await readToEnd(client));
  client.end();
  return rest;
}

describe("chap", () => {
  test.each([
    ["alice", "s3cret"],
    ["zoë", "pässword"],
  ])("the right response of %s opens the tunnel", async (name, secret) => {
    const { port, log, server } = await startServer({ ...chap, rules: [{ action: "allow", users: [name] }] });
    const echo = await startEcho();
    const { client, challenge } = await challenged(port, name);
    client.write(concat(list(attribute(0x04, hmac(secret, challenge))), connectRequest(echo.port), text("early")));
    const all = await readOctets(client, 5 + 10 + 5);
    expect(hex(all.subarray(0, 7))).toBe("01010001000500");
    expect(Buffer.from(all.subarray(15)).toString()).toBe("early");
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "chap", user: name })]);
    expect(server.stats).toMatchObject({ logins: 1 });
  });

  test("a challenge does not come twice", async () => {
    const { port } = await startServer(chap);
    const seen = new Set<string>();
    for (let i = 0; i < 8; i++) seen.add(hex((await challenged(port, "alice")).challenge));
    expect(seen.size).toBe(8);
  });

  test.each([
    ["a wrong password", "alice", (challenge: Uint8Array) => hmac("wrong", challenge)],
    ["an unknown user", "bob", (challenge: Uint8Array) => hmac("s3cret", challenge)],
    ["a NUL behind the name", "alice\0x", (challenge: Uint8Array) => hmac("s3cret", challenge)],
    ["no response", "alice", () => new Uint8Array(0)],
    ["the challenge back", "alice", (challenge: Uint8Array) => challenge],
    ["an empty secret, nobody", "bob", (challenge: Uint8Array) => hmac("", challenge)],
    ["the stand-in of nobody", "bob", (challenge: Uint8Array) => hmac("\0", challenge)],
  ])("%s is challenged and refused, and what comes behind is not looked at", async (_what, name, respond) => {
    const { port, log, server } = await startServer(chap);
    const { client, challenge } = await challenged(port, name);
    client.write(concat(list(attribute(0x04, respond(challenge))), connectRequest(1)));
    expect(await readFrom(client)).toBe("0101000101");
    expect(log.connected).toEqual([]);
    expect(log.denied).toEqual([expect.objectContaining({ stage: "authenticate", code: "ERR_SOCKS_AUTH_REJECTED" })]);
    expect(server.stats).toMatchObject({ failedLogins: 1, logins: 0 });
  });

  test("a response is good for its own connection only", async () => {
    const { port } = await startServer(chap);
    const first = await challenged(port, "alice");
    const second = await challenged(port, "alice");
    second.client.write(list(attribute(0x04, hmac("s3cret", first.challenge))));
    expect(await readFrom(second.client)).toBe("0101000101");
  });

  test("our own challenge back, to be answered by us, is a reflection", async () => {
    const { port, server } = await startServer(chap);
    const { client, challenge } = await challenged(port, "alice");
    client.write(list(attribute(0x04, hmac("s3cret", challenge)), attribute(0x03, challenge)));
    expect(await readFrom(client)).toBe("0101000101");
    expect(server.stats.logins).toBe(0);
  });

  test("a client may have the server prove itself, and leave when it does not believe it", async () => {
    const { port, log } = await startServer(chap);
    const echo = await startEcho();
    const own = octets("10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f");
    const prove = async (): Promise<net.Socket> => {
      const { client, challenge } = await challenged(port, "alice");
      client.write(list(attribute(0x04, hmac("s3cret", challenge)), attribute(0x03, own)));
      const answer = await readOctets(client, 23);
      expect(hex(answer)).toBe(`01020001000410${hex(hmac("s3cret", own))}`);
      return client;
    };
    const trusting = await prove();
    expect(log.authenticated).toEqual([]);
    trusting.write(concat(list(attribute(0x00, octets("00"))), connectRequest(echo.port)));
    expect(hex((await readOctets(trusting, 10)).subarray(0, 2))).toBe("0500");
    const doubting = await prove();
    doubting.write(concat(list(attribute(0x00, octets("01"))), connectRequest(echo.port)));
    expect(await readFrom(doubting)).toBe("");
    expect(log.authenticated).toHaveLength(1);
    await until(() => log.closed.length === 1, "the doubting one is gone");
    expect(log.closed[0]).not.toHaveProperty("user");
  });

  test.each([
    ["the weak MD5 alone", list(attribute(0x11, octets("05")))],
    ["no algorithms", list(attribute(0x02, text("alice")))],
    ["a response before the challenge", list(attribute(0x11, octets("85")), attribute(0x04, octets("00")))],
    ["a request instead", connectRequest(80)],
    ["no attribute at all", octets("01 00")],
    ["one attribute twice", list(attribute(0x11, octets("85")), attribute(0x11, octets("85")))],
  ])("%s is a failure", async (_what, message) => {
    const { port } = await startServer(chap);
    expect(await converse(port, octets("05 01 03"), message)).toBe("05030101000101");
  });

  test("another user name in the second message is a failure", async () => {
    const { port } = await startServer(chap);
    const { client, challenge } = await challenged(port, "alice");
    client.write(list(attribute(0x04, hmac("s3cret", challenge)), attribute(0x02, text("zoë"))));
    expect(await readFrom(client)).toBe("0101000101");
  });

  test("attributes without end are cut off", async () => {
    const { port, log } = await startServer(chap);
    const flood = concat(octets("01 ff"), ...Array.from({ length: 20 }, () => attribute(0x77, new Uint8Array(255))));
    expect(await converse(port, octets("05 01 03"), flood)).toBe("05030101000101");
    expect(log.denied[0]).toMatchObject({ stage: "authenticate" });
  });

  test("silence at each step ends with the time for the handshake", async () => {
    const { port, log } = await startServer({ ...chap, timeouts: { handshakeMs: 200 } });
    const silent = await connectTo(port);
    silent.write(octets("05 01 03"));
    silent.resume();
    const { client } = await challenged(port, "alice");
    client.resume();
    await until(() => log.closed.length === 2, "both are closed");
    expect(log.closed.map(({ reason }) => reason)).toEqual(["handshake-timeout", "handshake-timeout"]);
  });

  test("wrong responses and unknown users are answered after the same time, and tries are limited", async () => {
    const { port, server } = await startServer({
      ...chap,
      timeouts: { loginFailureMs: 300 },
      limits: { loginFailuresPerMinute: 2 },
    });
    const tookMs = async (name: string): Promise<number> => {
      const { client, challenge } = await challenged(port, name);
      const started = performance.now();
      client.write(list(attribute(0x04, hmac("guess", challenge))));
      expect(await readFrom(client)).toBe("0101000101");
      return performance.now() - started;
    };
    for (const ms of await Promise.all(["alice", "bob"].map(tookMs))) expect(ms).toBeGreaterThan(290);
    const { client, challenge } = await challenged(port, "alice");
    client.write(list(attribute(0x04, hmac("s3cret", challenge))));
    expect(await readFrom(client)).toBe("0101000101");
    expect(server.stats).toMatchObject({ failedLogins: 2, refusedLogins: 1, logins: 0 });
  });

  test("users with hashes cannot use it, and that is said before anything listens", () => {
    const hash = "$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const options = { credentials: [{ name: "alice", password: hash }], authMethods: ["userpass", "chap"] } as const;
    expect(() => createServer(options)).toThrow(
      expect.objectContaining({
        code: "ERR_SOCKS_BAD_OPTION",
        path: ["credentials", 0, "password"],
        message: expect.stringContaining("CHAP needs the password itself") as string,
      }),
    );
  });

  test("a store of one's own judges with what it is given", async () => {
    expect(() =>
      createServer({ authMethods: ["chap"], credentials: { verify: () => ({ accepted: false, reason: "busy" }) } }),
    ).toThrow(expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["authMethods"] }));
    const { port } = await startServer({
      authMethods: ["chap"],
      credentials: {
        verify: () => ({ accepted: false, reason: "rejected" }),
        verifyChap: ({ evidence: { challenge, response } }) =>
          Promise.resolve(
            hex(response) === hex(hmac("from a database", challenge))
              ? { accepted: true, identity: "dora", groups: [] }
              : { accepted: false, reason: "rejected" },
          ),
      },
    });
    const { client, challenge } = await challenged(port, "dora");
    client.write(list(attribute(0x04, hmac("from a database", challenge))));
    expect(hex(await readOctets(client, 5))).toBe("0101000100");
  });

  test("user name and password beside it are still compared", async () => {
    const { port } = await startServer({ ...users, authMethods: ["chap", "userpass"] });
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret")));
    expect(hex(await readOctets(client, 4))).toBe("05020100");
    expect(await converse(port, GREETING_USERPASS, credentials("alice", "wrong"))).toBe("05020101");
  });
});

describe("cram", () => {
  const NAME = list(attribute(0x02, text("alice")));
  const respond = (value: string): Uint8Array => list(attribute(0x04, text(value)));
  /** The questions of the draft's vector. */
  const ask = ({ round, response, username }: ChallengeAttempt) => {
    const said = Buffer.from(response ?? []).toString();
    if (round === 0) return { accepted: false, challenge: "otp-md5 487 dog2", text: "Enter OTP" } as const;
    if (round === 1) return { accepted: false, challenge: "token code?" } as const;
    if (said === "734193" && Buffer.from(username).toString() === "alice") {
      return { accepted: true, identity: "alice", groups: ["staff"] } as const;
    }
    return { accepted: false, reason: "rejected" } as const;
  };
  const cram: ServerOptions = { authMethods: ["cram"], challenge: ask };
  const FIRST = "01020310" + hex(text("otp-md5 487 dog2")) + "0109" + hex(text("Enter OTP"));
  const SECOND = "0101030b" + hex(text("token code?"));

  test("questions and answers, as in the draft's example", async () => {
    const { port, log } = await startServer({ ...cram, rules: [{ action: "allow", groups: ["staff"] }] });
    const echo = await startEcho();
    const client = await connectTo(port);
    client.write(concat(octets("05 01 05"), NAME));
    expect(hex(await readOctets(client, 33))).toBe(`0505${FIRST}`);
    client.write(respond("ALEC HUH"));
    expect(hex(await readOctets(client, 15))).toBe(SECOND);
    client.write(concat(respond("734193"), connectRequest(echo.port)));
    expect(hex((await readOctets(client, 15)).subarray(0, 7))).toBe("01010001000500");
    expect(log.authenticated).toEqual([expect.objectContaining({ method: "cram", user: "alice" })]);
  });

  test("a wrong answer, and an unknown user, are asked the same and refused", async () => {
    for (const name of ["alice", "mallory"]) {
      const { port, server } = await startServer(cram);
      const sent = [octets("05 01 05"), list(attribute(0x02, text(name))), respond("x"), respond("wrong")];
      expect(await converse(port, ...sent, connectRequest(1))).toBe(`0505${FIRST}${SECOND}0101000101`);
      expect(server.stats).toMatchObject({ failedLogins: 1, logins: 0 });
    }
  });

  test("without a callback it asks for the password, of everybody", async () => {
    const { port } = await startServer({ ...users, authMethods: ["cram"] });
    const question = "05050101030a" + hex(text("Password: "));
    expect(await converse(port, octets("05 01 05"), NAME, respond("wrong"))).toBe(`${question}0101000101`);
    const nobody = list(attribute(0x02, text("bob")));
    expect(await converse(port, octets("05 01 05"), nobody, respond("s3cret"))).toBe(`${question}0101000101`);
    const client = await connectTo(port);
    client.write(concat(octets("05 01 05"), NAME, respond("s3cret")));
    expect(hex(await readOctets(client, question.length / 2 + 5))).toBe(`${question}0101000100`);
  });

  test("ten questions are the most, and the last answer counts as a failure", async () => {
    const { port, server } = await startServer({
      authMethods: ["cram"],
      challenge: () => ({ accepted: false, challenge: "?" }),
    });
    const answers = Array.from({ length: 12 }, () => respond("x"));
    expect(await converse(port, octets("05 01 05"), NAME, ...answers)).toBe(`0505${"010103013f".repeat(10)}0101000101`);
    expect(server.stats).toMatchObject({ failedLogins: 1 });
  });

  test("whoever thinks has longer than the handshake, but not for ever", async () => {
    const { port, log } = await startServer({ ...cram, timeouts: { handshakeMs: 400, answerMs: 1500 } });
    const client = await connectTo(port);
    client.write(concat(octets("05 01 05"), NAME));
    await readOctets(client, 33);
    await new Promise((resolve) => setTimeout(resolve, 800));
    client.write(respond("ALEC HUH"));
    expect(hex(await readOctets(client, 15))).toBe(SECOND);
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
  });

  test("after the answer the time of the handshake counts again", async () => {
    const { port, log } = await startServer({ ...cram, timeouts: { handshakeMs: 300, answerMs: 60_000 } });
    const client = await connectTo(port);
    client.write(concat(octets("05 01 05"), NAME, respond("ALEC HUH"), respond("734193")));
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.authenticated).toHaveLength(1);
    expect(log.closed[0]).toMatchObject({ reason: "handshake-timeout" });
  });

  test("those who think cannot keep newcomers out", async () => {
    const { port, server } = await startServer({ ...cram, limits: { handshakes: 3 } });
    const thinking = await Promise.all([1, 2, 3].map(() => connectTo(port)));
    for (const client of thinking) {
      client.write(concat(octets("05 01 05"), NAME));
      await readOctets(client, 33);
    }
    const newcomer = await connectTo(port);
    newcomer.write(octets("05 01 05"));
    expect(hex(await readOctets(newcomer, 2))).toBe("0505");
    expect(server.stats.evicted).toBe(1);
  });

  test("a callback that fails lets nobody in and hurts nobody else", async () => {
    const { port, log } = await startServer({
      authMethods: ["cram"],
      challenge: () => {
        throw new RangeError("the token server is gone");
      },
    });
    expect(await converse(port, octets("05 01 05"), NAME)).toBe("05050101000101");
    expect(log.error).toEqual([expect.objectContaining({ code: "ERR_SOCKS_SESSION_FAILED" })]);
  });

  test.each([
    ["no name", list(attribute(0x04, text("x")))],
    ["no attributes", octets("01 00")],
    ["another version", octets("05 01 00")],
  ])("%s is a failure", async (_what, message) => {
    const { port } = await startServer(cram);
    expect(await converse(port, octets("05 01 05"), message)).toBe("05050101000101");
  });

  test("it needs somebody who asks", () => {
    expect(() => createServer({ authMethods: ["cram"] })).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["authMethods"] }),
    );
  });
});
