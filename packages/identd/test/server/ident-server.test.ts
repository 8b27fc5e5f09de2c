import { once } from "node:events";
import net from "node:net";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { readToEnd } from "@sockskit/testing";
import { afterEach, describe, expect, test } from "vitest";
import {
  askIdent,
  createIdentServer,
  type IdentAnswered,
  type IdentConnection,
  type IdentOwner,
  type IdentServerOptions,
} from "../../src/index.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const FRED: IdentOwner = { name: "fred", uid: 1000 };

async function start(options: IdentServerOptions = {}): Promise<number> {
  const server = createIdentServer({ port: 0, lookup: () => FRED, ...options });
  cleanups.push(() => server.close());
  return (await server.listen()).port;
}

async function connectTo(port: number, localAddress?: string): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, ...(localAddress && { localAddress }) });
  cleanups.push(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Waits until the server has ended a connection, one way or the other. */
function ended(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["end", "error", "close"]) socket.once(event, () => resolve());
    socket.resume();
  });
}

/** Everything that comes for what is sent, after our side has ended. */
async function converse(port: number, ...pieces: readonly string[]): Promise<string> {
  const socket = await connectTo(port);
  for (const piece of pieces) {
    socket.write(piece, "latin1");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.end();
  return Buffer.from(await readToEnd(socket)).toString("latin1");
}

function address(host: string, port: number): IpAddress {
  return parseIpAddress(host, port) as IpAddress;
}

test("a query and its answer, blanks nowhere that could belong to the name", async () => {
  expect(await converse(await start(), "49200, 1080\r\n")).toBe("49200,1080:USERID:UNIX:fred\r\n");
});

test("the lookup gets the addresses of the asking connection and the ports of the query", async () => {
  const asked: IdentConnection[] = [];
  const port = await start({ lookup: (connection) => void asked.push(connection) });
  const socket = await connectTo(port, "127.0.0.7");
  socket.end("49200,1080\r\n");
  expect(Buffer.from(await readToEnd(socket)).toString()).toBe("49200,1080:ERROR:NO-USER\r\n");
  expect(asked).toEqual([{ local: address("127.0.0.1", 49_200), remote: address("127.0.0.7", 1080) }]);
});

test("an asker at an IPv6 socket is the IPv4 host it is", async () => {
  const asked: IdentConnection[] = [];
  const port = await start({ host: "::", lookup: (connection) => void asked.push(connection) });
  await converse(port, "49200,1080\r\n");
  expect(asked[0]).toEqual({ local: address("127.0.0.1", 49_200), remote: address("127.0.0.1", 1080) });
});

describe("what is told", () => {
  test.each<[string, IdentServerOptions, string]>([
    ["name", {}, "USERID:UNIX:fred"],
    ["a user without a name", { lookup: () => ({ uid: 7 }) }, "USERID:UNIX:7"],
    ["uid", { disclose: "uid" }, "USERID:UNIX:1000"],
    ["uid that the lookup does not know", { disclose: "uid", lookup: () => ({ name: "fred" }) }, "ERROR:UNKNOWN-ERROR"],
    ["hidden", { disclose: "hidden" }, "ERROR:HIDDEN-USER"],
    ["hidden, and no such connection", { disclose: "hidden", lookup: () => undefined }, "ERROR:NO-USER"],
    ["fixed", { disclose: { fixed: "somebody" } }, "USERID:UNIX:somebody"],
    ["fixed, and no such connection", { disclose: { fixed: "somebody" }, lookup: () => undefined }, "ERROR:NO-USER"],
    ["another operating system", { opsys: "OTHER" }, "USERID:OTHER:fred"],
    ["a name beyond US-ASCII", { lookup: () => ({ name: "jörg" }) }, "USERID:UNIX,UTF-8:j\u00C3\u00B6rg"],
    [
      "a name that would forge a line",
      { lookup: () => ({ name: "a\r\n1,1:USERID:UNIX:root" }) },
      "ERROR:UNKNOWN-ERROR",
    ],
    ["a name that is too long", { lookup: () => ({ name: "a".repeat(513) }) }, "ERROR:UNKNOWN-ERROR"],
    ["an empty name", { lookup: () => ({ name: "" }) }, "ERROR:UNKNOWN-ERROR"],
    ["a lookup that knows nothing", { lookup: () => ({}) }, "ERROR:UNKNOWN-ERROR"],
  ])("%s", async (_what, options, words) => {
    expect(await converse(await start(options), "49200,1080\r\n")).toBe(`49200,1080:${words}\r\n`);
  });

  test("hash: the same for the same key and user, opaque, and without the name", async () => {
    const ask = async (hashKey: string | undefined, owner: IdentOwner): Promise<string> => {
      const port = await start({
        disclose: "hash",
        lookup: () => owner,
        ...(hashKey === undefined ? {} : { hashKey }),
      });
      return converse(port, "1,2\r\n");
    };
    const key = "0123456789abcdef";
    const first = await ask(key, FRED);
    // HMAC-SHA256 of "fred" with that key by openssl 3.0, its first 16 octets.
    expect(first).toBe("1,2:USERID:OTHER:KcW20kKZvkZ7AhJkvaat5g\r\n");
    expect(await ask(key, FRED)).toBe(first);
    expect(await ask(key, { name: "alice" })).not.toBe(first);
    expect(await ask("another key of 26 octets..", FRED)).not.toBe(first);
    expect(await ask(undefined, FRED)).not.toBe(await ask(undefined, FRED));
  });
});

describe("queries", () => {
  test("several on one connection, in one piece and in octets", async () => {
    const port = await start({ lookup: ({ local }) => ({ name: `p${local.port}` }) });
    const expected = "1,9:USERID:UNIX:p1\r\n2,9:USERID:UNIX:p2\r\n3,9:USERID:UNIX:p3\r\n";
    expect(await converse(port, "1,9\r\n2,9\r\n3,9\n")).toBe(expected);
    expect(await converse(port, ...Array.from("1,9\r\n2,9\r\n3,9\n"))).toBe(expected);
  });

  test("answers keep the order of the queries", async () => {
    const port = await start({
      lookup: async ({ local }) => {
        await new Promise((resolve) => setTimeout(resolve, local.port === 1 ? 50 : 0));
        return { name: `p${local.port}` };
      },
    });
    expect(await converse(port, "1,9\r\n2,9\r\n")).toBe("1,9:USERID:UNIX:p1\r\n2,9:USERID:UNIX:p2\r\n");
  });

  test("ports out of range", async () => {
    const port = await start();
    expect(await converse(port, "0,1080\r\n")).toBe("0,1080:ERROR:INVALID-PORT\r\n");
    expect(await converse(port, "22,65536\r\n")).toBe("22,65536:ERROR:INVALID-PORT\r\n");
  });

  test.each([
    "x\r\n",
    "-1,2\r\n",
    "1,2,3\r\n",
    "GET / HTTP/1.1\r\n",
    "\u0005\u0001\u0000",
    " ".repeat(1_000),
    "1,2\u001B\r\n",
  ])("no query: %j is answered without repeating it, and is the last", async (text) => {
    expect(await converse(await start(), `${text}1,2\r\n`)).toBe("0,0:ERROR:INVALID-PORT\r\n");
  });

  test("no whole query: no answer", async () => {
    const port = await start();
    expect(await converse(port, "49200,1080")).toBe("");
    expect(await converse(port)).toBe("");
  });

  test("at most a hundred", async () => {
    const answers = await converse(await start(), "1,2\r\n".repeat(150));
    expect(answers).toBe("1,2:USERID:UNIX:fred\r\n".repeat(100));
  });

  test("a flood behind the last word changes nothing", async () => {
    const port = await start();
    const socket = await connectTo(port);
    socket.write(`nonsense\r\n${"x".repeat(1024 * 1024)}`);
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("0,0:ERROR:INVALID-PORT\r\n");
  });
});

describe("limits", () => {
  test("who is not among the peers gets nothing", async () => {
    const port = await start({ peers: ["127.0.0.7", "192.0.2.0/24"] });
    const stranger = net.connect({ port, host: "127.0.0.1", localAddress: "127.0.0.8" });
    const [error] = (await once(
      stranger.on("connect", () => stranger.write("1,2\r\n")),
      "error",
    ).catch((cause: unknown) => [cause])) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/^(ECONNRESET|EPIPE)$/);
    const peer = await connectTo(port, "127.0.0.7");
    peer.end("1,2\r\n");
    expect(Buffer.from(await readToEnd(peer)).toString()).toBe("1,2:USERID:UNIX:fred\r\n");
  });

  test.each([
    ["silence", 60_000],
    ["an octet now and then", 20],
  ])("%s is cut off", async (_what, intervalMs) => {
    const socket = await connectTo(await start({ idleTimeoutMs: 150 }));
    const timer = setInterval(() => socket.write(" "), intervalMs);
    await ended(socket);
    clearInterval(timer);
  });

  test("a lookup without end is cut off", async () => {
    const socket = await connectTo(await start({ idleTimeoutMs: 150, lookup: () => new Promise(() => undefined) }));
    socket.write("1,2\r\n");
    await ended(socket);
  });

  test("when all places are taken the oldest goes", async () => {
    const port = await start({ connectionLimit: 2 });
    const first = await connectTo(port);
    const firstEnded = ended(first);
    const second = await connectTo(port);
    second.write("1,2\r\n");
    await once(second, "data");
    const third = await connectTo(port);
    third.write("3,4\r\n");
    await firstEnded;
    expect(String((await once(third, "data"))[0])).toBe("3,4:USERID:UNIX:fred\r\n");
    second.write("5,6\r\n");
    expect(String((await once(second, "data"))[0])).toBe("5,6:USERID:UNIX:fred\r\n");
  });

  test("close() ends every connection", async () => {
    const server = createIdentServer({ port: 0, lookup: () => new Promise(() => undefined) });
    const { port } = await server.listen();
    const socket = await connectTo(port);
    socket.write("1,2\r\n");
    const closed = ended(socket);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await server.close();
    await closed;
  });
});

describe("who listens", () => {
  test("is told each answer", async () => {
    const answered: IdentAnswered[] = [];
    await converse(await start({ onAnswer: (event) => answered.push(event) }), "1,2\r\n0,0\r\n");
    expect(answered).toMatchObject([
      { asker: { host: "127.0.0.1" }, reply: { type: "userid", portOnServer: 1, portOnClient: 2 } },
      { reply: { type: "error", errorType: "INVALID-PORT" } },
    ]);
  });

  test("is told what fails, and cannot hurt", async () => {
    const errors: Error[] = [];
    const port = await start({
      lookup: () => Promise.reject(new TypeError("the table is gone")),
      onAnswer: () => {
        throw new TypeError("no listener");
      },
      onError: (error) => errors.push(error),
    });
    expect(await converse(port, "1,2\r\n")).toBe("1,2:ERROR:UNKNOWN-ERROR\r\n");
    expect(errors).toMatchObject([
      { code: "ERR_SOCKS_IDENT_LOOKUP", cause: { message: "the table is gone" } },
      { message: "no listener" },
    ]);
  });

  test("of errors, and throws: a warning, and the answer comes", async () => {
    const warned = once(process, "warning");
    const port = await start({
      lookup: () => Promise.reject(new TypeError("gone")),
      onError: () => {
        throw new TypeError("twice");
      },
    });
    expect(await converse(port, "1,2\r\n")).toBe("1,2:ERROR:UNKNOWN-ERROR\r\n");
    expect(String(((await warned) as [Error])[0])).toContain("twice");
  });
});

test("a server listens once", async () => {
  const server = createIdentServer({ port: 0 });
  await server.listen();
  await expect(server.listen()).rejects.toMatchObject({ code: "ERR_SOCKS_SERVER_STATE" });
  await server.close();
  await server.close();
});

test("a port that is taken", async () => {
  const port = await start();
  await expect(createIdentServer({ port }).listen()).rejects.toMatchObject({
    code: "ERR_SOCKS_LISTEN_FAILED",
    message: `cannot listen on 127.0.0.1:${port}: another program listens there already; stop it or choose another port (EADDRINUSE)`,
  });
});

test.each<[IdentServerOptions]>([
  [{ host: "localhost" }],
  [{ port: -1 }],
  [{ port: 65_536 }],
  [{ disclose: "everything" as "name" }],
  [{ disclose: { fixed: "" } }],
  [{ disclose: { fixed: "a\nb" } }],
  [{ disclose: { fixed: "a".repeat(513) } }],
  [{ hashKey: "too short" }],
  [{ opsys: "UNIX:" }],
  [{ opsys: "UNIX,UTF-8" }],
  [{ opsys: "" }],
  [{ peers: ["example.com"] }],
  [{ idleTimeoutMs: 0 }],
  [{ connectionLimit: 0 }],
  [{ connectionLimit: 1.5 }],
])("options that cannot be used: %j", (options) => {
  expect(() => createIdentServer(options)).toThrow(
    expect.objectContaining({ name: "IdentError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }) as Error,
  );
});

test("ours asks ours, of itself", { skip: process.platform !== "linux" }, async () => {
  const server = createIdentServer({ port: 0 });
  cleanups.push(() => server.close());
  const { port } = await server.listen();
  const other = await connectTo(port);
  const remote = address("127.0.0.1", other.localPort ?? 0);
  const answer = await askIdent({ remote, local: address("127.0.0.1", port), port });
  const { userInfo } = await import("node:os");
  expect(answer).toMatchObject({ type: "userid", userId: new Uint8Array(Buffer.from(userInfo().username)) });
  const unknown = await askIdent({ remote: { ...remote, port: 1 }, local: address("127.0.0.1", port), port });
  expect(unknown).toMatchObject({ errorType: "NO-USER" });
});
