// The methods of SOCKS 5 beside none and user/password: our client against our server.
import { once } from "node:events";
import type { Socket } from "node:net";
import {
  bind,
  connect,
  type ConnectOptions,
  createUdpSocket,
  isSocksError,
  type ProxyAuthOptions,
  type SocksError,
} from "@sockskit/client";
import { AuthError } from "@sockskit/auth";
import type { ServerOptions } from "@sockskit/server";
import { authorityCertificate, certificatePair, questionMethod, readToEnd } from "@sockskit/testing";
import { mafId } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { afterTest, connectTo, pause, startEcho, startServer, startTarget, until } from "./server-support.ts";
import { openUdpEcho } from "./udp-support.ts";

const users: ServerOptions = {
  credentials: [
    { name: "alice", password: { plain: "correct horse" } },
    { name: "zoë", password: { plain: "pässword" } },
  ],
};
const url = (port: number, userinfo = "alice:correct%20horse@"): string => `socks5h://${userinfo}127.0.0.1:${port}`;

async function failure(work: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (!isSocksError(error)) throw new TypeError("expected a SocksError", { cause: error });
  expect(JSON.stringify(error)).not.toContain("correct horse");
  return error;
}

/** Sends a word through and back, and ends. */
async function roundTrip(options: ConnectOptions): Promise<Socket> {
  const socket = await connect(options);
  afterTest(() => socket.destroy());
  socket.write("hello");
  expect(String(await once(socket, "data"))).toBe("hello");
  socket.destroy();
  return socket;
}

describe("chap", () => {
  const chap: ServerOptions = { ...users, authMethods: ["chap"] };

  test.each(["alice:correct%20horse@", "zo%C3%AB:p%C3%A4ssword@"])("%s", async (userinfo) => {
    const { port, log } = await startServer(chap);
    const echo = await startEcho();
    const target = `127.0.0.1:${echo.port}`;
    await roundTrip({ proxy: url(port, userinfo), target, proxyAuth: { methods: ["chap"] } });
    await roundTrip({ proxy: url(port, userinfo), target, proxyAuth: { methods: ["chap"], requireMutual: true } });
    expect(log.authenticated.map(({ method }) => method)).toEqual(["chap", "chap"]);
  });

  test("a wrong password", async () => {
    const { port } = await startServer(chap);
    const proxyAuth = { methods: ["chap"] } as const;
    const error = await failure(connect({ proxy: url(port, "alice:wrong@"), target: "127.0.0.1:1", proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED", stage: "authenticate", side: "remote" });
  });

  test("is not offered unless it is asked for, and is offered alone", async () => {
    const { port } = await startServer(chap);
    const target = "127.0.0.1:1";
    const byDefault = await failure(connect({ proxy: url(port), target }));
    expect(byDefault).toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" });
    // A false proxy that would rather have the password.
    const thief = await startTarget((socket) => {
      socket.once("data", (greeting: Buffer) => {
        expect(greeting.toString("hex")).toBe("050103");
        socket.write(Buffer.from("0502", "hex"));
      });
    });
    const proxyAuth = { methods: ["chap"] } as const;
    const robbed = await failure(connect({ proxy: url(thief.port), target, proxyAuth }));
    expect(robbed).toMatchObject({ code: "ERR_SOCKS_METHOD_NOT_OFFERED" });
  });

  test("needs a user name", async () => {
    const proxyAuth = { methods: ["chap"] } as const;
    const error = await failure(connect({ proxy: "socks5h://127.0.0.1:1", target: "127.0.0.1:1", proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
    expect(error.message).toContain("put it into socks5h://127.0.0.1:1");
  });

  test("BIND and UDP go through it", async () => {
    const { port, log } = await startServer({ ...chap, rules: [{ action: "allow" }] });
    const proxyAuth = { methods: ["chap"] } as const;
    const binding = await bind({ proxy: url(port), peer: "127.0.0.1", proxyAuth });
    const peer = await connectTo(binding.address.port);
    const accepted = await binding.accept();
    afterTest(() => accepted.destroy());
    peer.write("called back");
    expect(String(await once(accepted, "data"))).toBe("called back");
    const echo = await openUdpEcho();
    const socket = await createUdpSocket({ proxy: url(port), proxyAuth });
    afterTest(() => socket.close());
    const answer = once(socket, "message");
    await socket.send("datagram", `127.0.0.1:${echo.port}`);
    expect(String((await answer)[0])).toBe("datagram");
    expect(log.authenticated.map(({ method }) => method)).toEqual(["chap", "chap"]);
  });
});

describe("cram", () => {
  const cram: ServerOptions = {
    authMethods: ["cram"],
    challenge: ({ round, response }) => {
      if (round === 0) return { accepted: false, challenge: "Token? ", text: "Look at your\u001b[31m device" };
      return Buffer.from(response ?? []).toString() === "734193"
        ? { accepted: true, identity: "alice", groups: [] }
        : { accepted: false, challenge: "Again? " };
    },
  };

  test("a callback answers, and sees what the proxy says made fit to be shown", async () => {
    const { port } = await startServer(cram);
    const echo = await startEcho();
    const asked: string[] = [];
    const answers = ["1", "734193"];
    await roundTrip({
      proxy: url(port, "alice@"),
      target: `127.0.0.1:${echo.port}`,
      proxyAuth: {
        methods: ["cram"],
        async onQuestion({ prompt, text, round, hop }) {
          asked.push(`${round} ${prompt} ${text} ${hop.index}`);
          await pause(1);
          return answers.shift();
        },
      },
    });
    expect(asked).toEqual(["1 Token? Look at your [31m device 0", "2 Again?  0"]);
  });

  test("whoever answers has time of their own, and not for ever", async () => {
    const { port } = await startServer(cram);
    const echo = await startEcho();
    const options = { proxy: url(port, "alice@"), target: `127.0.0.1:${echo.port}` };
    const slowly = async (): Promise<string> => {
      await pause(600);
      return "734193";
    };
    const stageTimeoutsMs = { authenticate: 400 };
    await roundTrip({
      ...options,
      timeoutMs: 500,
      stageTimeoutsMs,
      proxyAuth: { methods: ["cram"], onQuestion: slowly },
    });
    let signal: AbortSignal | undefined;
    const never = (question: { readonly signal: AbortSignal }): Promise<undefined> => {
      ({ signal } = question);
      return new Promise(() => undefined);
    };
    const proxyAuth = { methods: ["cram"], onQuestion: never, answerTimeoutMs: 100 } as const;
    const error = await failure(connect({ ...options, proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "authenticate" });
    expect(error.message).toContain("answerTimeoutMs");
    expect(signal?.aborted).toBe(true);
  });

  test("nobody answers, or the answer fails", async () => {
    const { port } = await startServer(cram);
    const options = { proxy: url(port, "alice@"), target: "127.0.0.1:1" };
    const nothing = await failure(
      connect({ ...options, proxyAuth: { methods: ["cram"], onQuestion: () => undefined } }),
    );
    expect(nothing).toMatchObject({ code: "ERR_SOCKS_AUTH_CREDENTIALS", side: "local" });
    const broken = (): never => {
      throw new RangeError("no terminal");
    };
    await expect(connect({ ...options, proxyAuth: { methods: ["cram"], onQuestion: broken } })).rejects.toThrow(
      "no terminal",
    );
    const missing = await failure(connect({ ...options, proxyAuth: { methods: ["cram"] } }));
    expect(missing).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
  });

  test("a proxy that asks for ever is left after ten questions", async () => {
    const { port } = await startServer({ ...cram, challenge: () => ({ accepted: false, challenge: "?" }) });
    let count = 0;
    const onQuestion = (): string => String((count += 1));
    const proxyAuth = { methods: ["cram"], onQuestion } as const;
    const error = await failure(connect({ proxy: url(port, "alice@"), target: "127.0.0.1:1", proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
    expect(count).toBe(10);
  });
});

describe("ssl", () => {
  const ca = authorityCertificate();
  const ssl: ServerOptions = { ...users, authMethods: ["ssl"], ssl: certificatePair("server") };
  const proxyAuth = { methods: ["ssl"], ssl: { ca, servername: "localhost" } } as const;

  test("a password inside it, by name and by address", async () => {
    const { port, log } = await startServer(ssl);
    const echo = await startEcho();
    const target = `127.0.0.1:${echo.port}`;
    await roundTrip({ proxy: url(port), target, proxyAuth });
    await roundTrip({
      proxy: url(port).replace("127.0.0.1", "localhost"),
      target,
      proxyAuth: { methods: ["ssl"], ssl: { ca } },
    });
    expect(log.authenticated).toEqual([
      expect.objectContaining({ method: "ssl", user: "alice" }),
      expect.objectContaining({ method: "ssl", user: "alice" }),
    ]);
  });

  test.each([["chap"], ["cram"], ["none"]] as const)("%s inside it", async (method) => {
    const { port } = await startServer({ ...ssl, ssl: { ...certificatePair("server"), authMethods: [method] } });
    const echo = await startEcho();
    const onQuestion = (): string => "correct horse";
    await roundTrip({
      proxy: url(port),
      target: `127.0.0.1:${echo.port}`,
      proxyAuth: { methods: ["ssl"], onQuestion, ssl: { ...proxyAuth.ssl, methods: [method] } },
    });
  });

  test("megabytes both ways, half-closed at the end", async () => {
    const { port, log } = await startServer(ssl);
    const size = 3_000_000;
    const target = await startTarget((socket) => {
      void readToEnd(socket, 30_000).then((received) => socket.end(Buffer.alloc(received.length, "b")));
    });
    const socket = await connect({
      proxy: url(port),
      target: `127.0.0.1:${target.port}`,
      proxyAuth,
      allowHalfOpen: true,
    });
    afterTest(() => socket.destroy());
    socket.end(Buffer.alloc(size, "a"));
    expect(await readToEnd(socket, 30_000)).toHaveLength(size);
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.closed[0]).toMatchObject({ reason: "finished", bytesIn: size, bytesOut: size });
  });

  test("a wrong password inside", async () => {
    const { port } = await startServer(ssl);
    const error = await failure(connect({ proxy: url(port, "alice:wrong@"), target: "127.0.0.1:1", proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED", stage: "authenticate" });
  });

  test.each<[string, ServerOptions["ssl"], object]>([
    ["of another authority", certificatePair("strange-alice"), { ca, servername: "localhost" }],
    ["for another name", certificatePair("other-server"), { ca, servername: "localhost" }],
    ["that is not known here", certificatePair("server"), { servername: "localhost" }],
  ])("a certificate %s is not trusted, and no password is sent", async (_what, pair, tls) => {
    const { port, log } = await startServer({ ...ssl, ssl: pair as NonNullable<ServerOptions["ssl"]> });
    const error = await failure(
      connect({ proxy: url(port), target: "127.0.0.1:1", proxyAuth: { methods: ["ssl"], ssl: tls } }),
    );
    expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_UNTRUSTED", stage: "authenticate" });
    await until(() => log.closed.length === 1, "the session is closed");
    expect(log.authenticated).toEqual([]);
  });

  test("UDP is refused by both sides, unless both take it unprotected", async () => {
    const { port } = await startServer({ ...ssl, rules: [{ action: "allow" }] });
    const error = await failure(createUdpSocket({ proxy: url(port), proxyAuth }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_COMMAND_NOT_SUPPORTED", side: "local" });
    const naked = await startServer({
      ...ssl,
      ssl: { ...certificatePair("server"), udpNaked: true },
      rules: [{ action: "allow" }],
    });
    const echo = await openUdpEcho();
    const socket = await createUdpSocket({
      proxy: url(naked.port),
      proxyAuth: { methods: ["ssl"], ssl: { ...proxyAuth.ssl, udpNaked: true } },
    });
    afterTest(() => socket.close());
    const answer = once(socket, "message");
    await socket.send("datagram", `127.0.0.1:${echo.port}`);
    expect(String((await answer)[0])).toBe("datagram");
  });

  test("BIND goes through it", async () => {
    const { port } = await startServer({ ...ssl, rules: [{ action: "allow" }] });
    const binding = await bind({ proxy: url(port), peer: "127.0.0.1", proxyAuth });
    const peer = await connectTo(binding.address.port);
    const accepted = await binding.accept();
    afterTest(() => accepted.destroy());
    peer.write("called back");
    expect(String(await once(accepted, "data"))).toBe("called back");
  });

  test("through a chain, with the number that the draft prints", async () => {
    const inner = await startServer({ ...ssl, ssl: { ...certificatePair("server"), draftNumber: true } });
    const outer = await startServer(ssl);
    const echo = await startEcho();
    const draft = { methods: ["ssl"], ssl: { ...proxyAuth.ssl, method: 0x86 } } as const;
    await roundTrip({ chain: [url(inner.port)], target: `127.0.0.1:${echo.port}`, proxyAuth: draft });
    await roundTrip({ chain: [url(outer.port), url(inner.port)], target: `127.0.0.1:${echo.port}`, proxyAuth });
  });
});

test("maf with a method of both sides' own", async () => {
  const question = questionMethod(() => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong", { side: "remote" }));
  const id = mafId(0x0001_0000);
  const { port, log } = await startServer({
    authMethods: ["maf"],
    maf: { methods: [{ id, start: () => question.server() }] },
    credentials: {
      verify: ({ password }) =>
        Buffer.from(password).toString() === "A!"
          ? { accepted: true, identity: "alice", groups: [] }
          : { accepted: false, reason: "rejected" },
    },
  });
  const echo = await startEcho();
  const proxyAuth = (answer: string): ConnectOptions["proxyAuth"] => ({
    methods: ["maf"],
    maf: { methods: [{ id, start: () => question.client(answer) }] },
  });
  const options = { proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${echo.port}` };
  await roundTrip({ ...options, proxyAuth: proxyAuth("A!") });
  expect(await failure(connect({ ...options, proxyAuth: proxyAuth("no") }))).toMatchObject({
    code: "ERR_SOCKS_AUTH_REJECTED",
  });
  expect(log.authenticated).toHaveLength(1);
});

test.each<[string, ProxyAuthOptions, string]>([
  ["no PEM", { methods: ["ssl"], ssl: { ca: "company.pem" } }, "proxyAuth.ssl.ca is no certificate"],
  ["a cert alone", { methods: ["ssl"], ssl: { cert: certificatePair("alice").cert } }, "a cert without its key"],
  ["ssl that is not offered", { methods: ["userpass"], ssl: {} }, 'the methods do not name "ssl"'],
  ["ssl beside the default", { ssl: { ca: authorityCertificate() } }, "add it to proxyAuth.methods"],
  ["proof that is not asked for", { requireMutual: true }, 'the methods do not name "chap"'],
  ["methods for no MAF", { maf: { methods: [] } }, 'the methods do not name "maf"'],
])("%s is refused before anything is dialled", async (_what, proxyAuth, problem) => {
  const error = await failure(connect({ proxy: url(1), target: "127.0.0.1:1", proxyAuth }));
  expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local", stage: undefined });
  expect(error.message).toContain(problem);
});

test("options of GSS-API in a URL are never ignored", async () => {
  const options = { target: "127.0.0.1:1", proxy: "socks5h://localhost:1?gssapi-service=socks" };
  const error = await failure(connect({ ...options, proxyAuth: { methods: ["none", "userpass"] } }));
  expect(error).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
  expect(error.message).toContain('has options of GSS-API, but the methods do not name "gssapi"');
});

test("what cannot be spoken is named", async () => {
  const options = { proxy: "socks5h://127.0.0.1:1", target: "127.0.0.1:1" };
  const nds = await failure(connect({ ...options, proxyAuth: { methods: ["nds" as "chap"] } }));
  expect(nds).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION", side: "local" });
  expect(nds.message).toContain("Novell");
  const maf = await failure(connect({ ...options, proxyAuth: { methods: ["maf"] } }));
  expect(maf).toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
  const { port } = await startServer(users);
  const onlyNds = await connectTo(port);
  onlyNds.write(Buffer.from("050107", "hex"));
  expect(Buffer.from(await readToEnd(onlyNds)).toString("hex")).toBe("05ff");
  onlyNds.end();
});
