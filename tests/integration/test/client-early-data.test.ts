// Early data of the client, by the server of this repository: what a target gets, and what becomes of it when there is none.
import { connect, isSocksError, type SocksError } from "@sockskit/client";
import { readOctets, readToEnd } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { afterTest, startEcho, startServer, startTarget, until } from "./server-support.ts";

const text = (octets: Uint8Array): string => Buffer.from(octets).toString();

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isSocksError(error)).toBe(true);
  return error as SocksError;
}

describe("the target gets it first", () => {
  test.each(["socks5h", "socks5", "socks4a", "socks4"])("%s", async (scheme) => {
    const [server, echo] = [await startServer(), await startEcho()];
    const proxy = `${scheme}://127.0.0.1:${server.port}`;
    const socket = await connect({ proxy, target: `127.0.0.1:${echo.port}`, earlyData: "first " });
    afterTest(() => socket.destroy());
    socket.end("second");
    expect(text(await readToEnd(socket))).toBe("first second");
  });

  test("through two servers, after a log-in, 64 KiB of it", async () => {
    const echo = await startEcho();
    const first = await startServer({ credentials: [{ name: "alice", password: { plain: "secret" } }] });
    const second = await startServer();
    const earlyData = new Uint8Array(65_536).map((_, index) => index % 251);
    const chain = [`socks5h://alice:secret@127.0.0.1:${first.port}`, `socks5h://127.0.0.1:${second.port}`];
    const socket = await connect({ chain, target: `localhost:${echo.port}`, earlyData });
    afterTest(() => socket.destroy());
    expect(Buffer.compare(await readOctets(socket, earlyData.length), earlyData)).toBe(0);
  });

  test("it is there before the answer of a slow server is", async () => {
    const seen: string[] = [];
    const target = await startTarget((socket) => {
      socket.on("data", (chunk) => seen.push(String(chunk)));
      socket.on("error", () => undefined);
    });
    const { port } = await startServer();
    const socket = await connect({
      proxy: `socks5h://127.0.0.1:${port}`,
      target: `127.0.0.1:${target.port}`,
      earlyData: "hello",
    });
    afterTest(() => socket.destroy());
    // Nothing more is written: what the target sees is what was sent early.
    await until(() => seen.join("") === "hello", "the target has it");
  });
});

test("a target that refuses, and a rule: the error says that it was sent", async () => {
  const { port } = await startServer({ rules: [{ action: "allow", ports: [1] }] });
  const proxy = `socks5h://127.0.0.1:${port}`;
  const refused = await failureOf(connect({ proxy, target: "127.0.0.1:1", earlyData: "hello" }));
  expect(refused).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x05, earlyOctetsSent: 5 });
  const denied = await failureOf(connect({ proxy, target: "127.0.0.1:2", earlyData: "hello" }));
  expect(denied).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x02, earlyOctetsSent: 5 });
});
