import { once } from "node:events";
import type net from "node:net";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { listenTcp, type LoopbackServer } from "@sockskit/testing";
import { afterEach, describe, expect, test } from "vitest";
import { askIdent, type AskIdentOptions, MAX_IDENT_LINE_LENGTH } from "../../src/index.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const REMOTE = address("127.0.0.1", 49_200);
const LOCAL = address("127.0.0.1", 1080);

function address(host: string, port: number): IpAddress {
  return parseIpAddress(host, port) as IpAddress;
}

async function startDaemon(onConnection: (socket: net.Socket) => void): Promise<LoopbackServer> {
  const daemon = await listenTcp(onConnection);
  cleanups.push(daemon.close);
  return daemon;
}

/** Asks a daemon that sends this and ends its side. */
async function answerTo(text: string, options: Partial<AskIdentOptions> = {}) {
  const daemon = await startDaemon((socket) => {
    socket.once("data", () => socket.end(text, "latin1"));
  });
  return askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port, ...options });
}

test("asks in one line and takes the answer", async () => {
  let query = "";
  const daemon = await startDaemon((socket) => {
    socket.on("data", (chunk) => {
      query += String(chunk);
      socket.write("49200, 1080 : USERID : UNIX : fred\r\n");
    });
  });
  expect(await askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port })).toEqual({
    type: "userid",
    portOnServer: 49_200,
    portOnClient: 1080,
    opsys: "UNIX",
    userId: new Uint8Array(Buffer.from(" fred")),
  });
  expect(query).toBe("49200, 1080\r\n");
});

test("in pieces of one octet", async () => {
  const daemon = await startDaemon((socket) => {
    socket.setNoDelay(true);
    void (async () => {
      for (const octet of "49200,1080:ERROR:HIDDEN-USER\r\n") {
        socket.write(octet);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
  });
  const answer = await askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port });
  expect(answer).toMatchObject({ type: "error", errorType: "HIDDEN-USER" });
  expect(answer).not.toHaveProperty("problem");
});

test("one line is taken; what comes behind it is not looked at", async () => {
  const answer = await answerTo("49200,1080:USERID:UNIX:fred\r\n49200,1080:USERID:UNIX:root\r\n\0\0\0");
  expect(answer).toMatchObject({ type: "userid", userId: new Uint8Array(Buffer.from("fred")) });
});

test("the connection is let go", async () => {
  let isGone: Promise<unknown> | undefined;
  const daemon = await startDaemon((socket) => {
    socket.once("data", () => socket.write("49200,1080:USERID:UNIX:fred\r\n"));
    isGone = once(socket, "end");
  });
  await askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port });
  await isGone;
});

test.each([
  ["IPv4", REMOTE, LOCAL],
  ["IPv4-mapped", address("::ffff:127.0.0.1", 49_200), address("::ffff:127.0.0.1", 1080)],
  ["from the address that is named", REMOTE, address("127.0.0.9", 1080)],
])("asks from our end of the connection: %s", async (_what, remote, local) => {
  let from: string | undefined;
  const daemon = await startDaemon((socket) => {
    from = socket.remoteAddress;
    socket.once("data", () => socket.write("49200,1080:USERID:UNIX:fred\r\n"));
  });
  await askIdent({ remote, local, port: daemon.port });
  expect(from).toBe(local.host.replace("::ffff:", ""));
});

describe("what counts as UNKNOWN-ERROR", () => {
  test.each([
    ["an end without a word", "", "ERR_SOCKS_BAD_IDENT"],
    ["half a line", "49200,1080:USERID:UNIX:fred", "ERR_SOCKS_BAD_IDENT"],
    ["another port there", "49201,1080:USERID:UNIX:fred\r\n", "ERR_SOCKS_BAD_IDENT"],
    ["another port here", "49200,1081:USERID:UNIX:fred\r\n", "ERR_SOCKS_BAD_IDENT"],
    ["the ports the other way round", "1080,49200:USERID:UNIX:fred\r\n", "ERR_SOCKS_BAD_IDENT"],
    ["no line of RFC 1413", "SSH-2.0-OpenSSH_9.2\r\n", "ERR_SOCKS_BAD_IDENT"],
    ["a control octet", "49200,1080:USERID:UNIX:fred\u0007\r\n", "ERR_SOCKS_BAD_IDENT"],
    ["a line that is too long", `49200,1080${" ".repeat(MAX_IDENT_LINE_LENGTH)}`, "ERR_SOCKS_OVERFLOW"],
    ["megabytes", " ".repeat(4 * 1024 * 1024), "ERR_SOCKS_OVERFLOW"],
  ])("%s", async (_what, text, code) => {
    expect(await answerTo(text)).toMatchObject({
      type: "error",
      portOnServer: 49_200,
      portOnClient: 1080,
      errorType: "UNKNOWN-ERROR",
      problem: { name: "IdentError", code },
    });
  });

  test("a reset", async () => {
    const daemon = await startDaemon((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    const answer = await askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port });
    expect(answer).toMatchObject({ errorType: "UNKNOWN-ERROR", problem: { cause: { code: "ECONNRESET" } } });
  });
});

describe("no answer", () => {
  test("nobody listens", async () => {
    const daemon = await startDaemon(() => undefined);
    await daemon.close();
    await expect(askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port })).rejects.toMatchObject({
      name: "IdentError",
      code: "ERR_SOCKS_IDENT_UNREACHABLE",
      side: "remote",
      message: `cannot ask 127.0.0.1:${daemon.port} for an ident: ECONNREFUSED`,
    });
  });

  test("an address of ours that this host does not have", async () => {
    const question = askIdent({ remote: REMOTE, local: address("192.0.2.1", 1080), port: 9 });
    await expect(question).rejects.toMatchObject({ code: "ERR_SOCKS_IDENT_UNREACHABLE" });
  });

  test.each([
    ["silence", 60_000],
    ["an octet now and then", 20],
  ])("%s ends with the time", async (_what, intervalMs) => {
    const daemon = await startDaemon((socket) => {
      const timer = setInterval(() => socket.write(" "), intervalMs);
      socket.on("close", () => clearInterval(timer));
    });
    const question = askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port, timeoutMs: 150 });
    await expect(question).rejects.toMatchObject({ code: "ERR_SOCKS_TIMEOUT" });
  });

  test("the caller's signal", async () => {
    const daemon = await startDaemon(() => undefined);
    const abort = new AbortController();
    const question = askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port, signal: abort.signal });
    abort.abort(new TypeError("enough"));
    await expect(question).rejects.toMatchObject({ code: "ERR_SOCKS_ABORTED", cause: { message: "enough" } });
    const late = askIdent({ remote: REMOTE, local: LOCAL, port: daemon.port, signal: abort.signal });
    await expect(late).rejects.toMatchObject({ code: "ERR_SOCKS_ABORTED" });
  });
});

test.each([
  [{ timeoutMs: 0 }, "ERR_SOCKS_BAD_OPTION"],
  [{ timeoutMs: Number.NaN }, "ERR_SOCKS_BAD_OPTION"],
  [{ timeoutMs: 2 ** 31 }, "ERR_SOCKS_BAD_OPTION"],
  [{ port: 0 }, "ERR_SOCKS_BAD_OPTION"],
  [{ port: 65_536 }, "ERR_SOCKS_BAD_OPTION"],
  [{ remote: address("127.0.0.1", 0) }, "ERR_SOCKS_BAD_FIELD"],
])("options that cannot be used: %j", async (options, code) => {
  await expect(askIdent({ remote: REMOTE, local: LOCAL, ...options })).rejects.toMatchObject({ code, side: "local" });
});
