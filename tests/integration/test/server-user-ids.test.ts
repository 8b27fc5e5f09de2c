// SOCKS 4 user ids: claims, names where the server believes them, and never a way round a password.
import { connect, isSocksError } from "@sockskit/client";
import type { ServerOptions } from "@sockskit/server";
import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { connectTo, converse, portHex, type Running, startEcho, startServer, startTarget } from "./server-support.ts";

const REJECTED = "005b000000000000";
const USERS = [{ name: "alice", password: { plain: "s3cret" } }];

/** The first octets of the reply to a CONNECT with that user id. */
async function ask({ port }: Running, target: number, userId: string | Uint8Array): Promise<string> {
  const id = Buffer.from(userId).toString("hex");
  const client = await connectTo(port);
  client.write(octets(`04 01 ${portHex(target)} 7f 00 00 01 ${id} 00`));
  client.end();
  return new Promise((resolve) => client.once("data", (data: Buffer) => resolve(data.toString("hex").slice(0, 4))));
}

describe("where user ids are believed", () => {
  const fred: ServerOptions = { trustUserIds: true, rules: [{ action: "allow", users: ["fred", "Jürgen"] }] };

  test("rules know them as names", async () => {
    const [running, echo] = [await startServer(fred), await startEcho()];
    expect(await ask(running, echo.port, "fred")).toBe("005a");
    expect(await ask(running, echo.port, "Jürgen")).toBe("005a");
    expect(running.log.connected).toMatchObject([{ user: "fred", userId: "fred" }, { user: "Jürgen" }]);
  });

  test.each([
    ["another", "FRED"],
    ["a longer one", "fred "],
    ["none", ""],
    ["octets that are no UTF-8", Uint8Array.of(0x66, 0xff)],
    ["control octets", "fred\n"],
  ])("%s is another name, or nobody's", async (_what, userId) => {
    const [running, echo] = [await startServer(fred), await startEcho()];
    expect(await ask(running, echo.port, userId)).toBe("005b");
  });

  test("they are no log-in: rules for those who logged in do not know them, nor do the default rules elsewhere", async () => {
    const echo = await startEcho();
    const running = await startServer({ trustUserIds: true, rules: [{ action: "allow", authenticated: true }] });
    expect(await ask(running, echo.port, "fred")).toBe("005b");
    expect(running.log.denied).toMatchObject([{ user: "fred", code: "ERR_SOCKS_DENIED" }]);
  });

  test("SOCKS 5 clients have none", async () => {
    const [running, echo] = [await startServer(fred), await startEcho()];
    const request = octets(`05 01 00 05 01 00 01 7f 00 00 01 ${portHex(echo.port)}`);
    expect((await converse(running.port, request)).slice(0, 8)).toBe("05000502");
  });

  test("what ident says counts more, and its refusal ends it", async () => {
    const echo = await startEcho();
    const daemon = await startTarget((socket) => {
      socket.on("data", (query) => socket.end(`${String(query).trim()} : USERID : UNIX : fred\r\n`));
    });
    const ident = { port: daemon.port, timeoutMs: 2000 } as const;
    const running = await startServer({ ...fred, ident: { ...ident, mode: "require" } });
    expect(await ask(running, echo.port, "fred")).toBe("005a");
    expect(await ask(running, echo.port, "")).toBe("005a");
    expect(await ask(running, echo.port, "Jürgen")).toBe("005d");
    const closed = await startServer({ ...fred, ident: { port: 1, timeoutMs: 2000, mode: "ask" } });
    expect(await ask(closed, echo.port, "fred")).toBe("005a");
  });
});

describe("where users have passwords", () => {
  test("user ids are not believed: the options contradict each other", async () => {
    await expect(startServer({ credentials: USERS, trustUserIds: true })).rejects.toMatchObject({
      code: "ERR_SOCKS_BAD_OPTION",
      path: ["trustUserIds"],
    });
    await expect(startServer({ trustUserIds: "yes" as never })).rejects.toMatchObject({ path: ["trustUserIds"] });
  });

  test("a user id is no user, also where SOCKS 4 is let in", async () => {
    const rules = [{ action: "allow", users: ["alice"] }] as const;
    const running = await startServer({ credentials: USERS, authMethods: ["userpass", "none"], rules });
    const echo = await startEcho();
    expect(await ask(running, echo.port, "alice")).toBe("005b");
  });

  test("SOCKS 4 is refused in so many words: the reply, the event, and what the client is told to do", async () => {
    const { port, log } = await startServer({ credentials: USERS });
    expect(await converse(port, octets("04 01 00 50 7f 00 00 01 61 6c 69 63 65 00"))).toBe(REJECTED);
    expect(log.denied).toMatchObject([
      {
        stage: "request",
        code: "ERR_SOCKS_AUTH_REQUIRED",
        reason: "client speaks SOCKS 4, which cannot authenticate; SOCKS 5 is required here",
        rep: 0x5b,
      },
    ]);
    for (const scheme of ["socks4", "socks4a"]) {
      const proxy = `${scheme}://alice@127.0.0.1:${port}`;
      const error: unknown = await connect({ proxy, target: "127.0.0.1:80" }).catch((reason: unknown) => reason);
      expect(isSocksError(error) && error.reply).toBe(0x5b);
      expect(String(error)).toContain("where the proxy wants a password, only SOCKS 5 can give one");
    }
  });
});
