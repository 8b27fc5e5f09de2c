// TLS inside SOCKS (method 06) at false proxies: our client gives nothing away, and does not wait for ever.
import { once } from "node:events";
import type net from "node:net";
import tls from "node:tls";
import { connect, isSocksError, type SocksError } from "@sockskit/client";
import { authorityCertificate, certificatePair, concat, octets, readOctets } from "@sockskit/testing";
import { expect, test } from "vitest";
import { startTarget, until } from "./server-support.ts";
import { TestFrames } from "./ssl-support.ts";

const ssl = { ca: authorityCertificate(), servername: "localhost" };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A proxy that chooses 06 and then does what it is told; what our client makes of it. */
async function meet(
  behave: (socket: net.Socket) => void,
  more: { readonly timeoutMs?: number } = {},
): Promise<{ error: SocksError; received: string }> {
  let received = "";
  let gone = false;
  const proxy = await startTarget((socket) => {
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    const leave = (): void => void (gone = true);
    socket
      .on("end", leave)
      .on("close", leave)
      .on("error", () => undefined);
    socket.once("data", () => {
      socket.write(octets("05 06"));
      behave(socket);
    });
  });
  const error: unknown = await connect({
    proxy: `socks5h://alice:canary-pw@127.0.0.1:${proxy.port}`,
    target: "127.0.0.1:1",
    proxyAuth: { methods: ["ssl"], ssl },
    ...more,
  }).catch((reason: unknown) => reason);
  if (!isSocksError(error)) throw new TypeError("expected a SocksError", { cause: error });
  await until(() => gone, "the connection is closed");
  expect(received).not.toContain("canary-pw");
  return { error, received };
}

test.each<[string, (socket: net.Socket) => void]>([
  ["TLS without frames", (socket) => socket.write(octets("16 03 03 00 04 53 48 4c 4f"))],
  ["a SOCKS reply", (socket) => socket.write(octets("05 00 00 01 00 00 00 00 00 00"))],
  ["no TLS in the frame", (socket) => socket.write(concat(octets("01 01 00 20"), Buffer.alloc(32, "a")))],
  ["a state that there is not", (socket) => socket.write(octets("01 00 00 01 61"))],
  ["the end", (socket) => socket.end()],
  ["a reset", (socket) => void socket.resetAndDestroy()],
])("%s instead of TLS", async (_what, behave) => {
  const { error } = await meet(behave);
  expect(error).toMatchObject({ code: "ERR_SOCKS_AUTH_PROTOCOL", stage: "authenticate", side: "remote" });
});

test("silence instead of TLS", async () => {
  const { error } = await meet(() => undefined, { timeoutMs: 300 });
  expect(error).toMatchObject({ code: "ERR_SOCKS_TIMEOUT", stage: "authenticate" });
});

/** Speaks TLS, and then goes on inside it. */
function speaking(go: (secured: tls.TLSSocket, frames: TestFrames, socket: net.Socket) => Promise<void>) {
  return (socket: net.Socket): void => {
    socket.removeAllListeners("data");
    const frames = new TestFrames(socket);
    tls
      .createServer(certificatePair("server"))
      .on("secureConnection", (secured) => {
        secured.on("error", () => undefined);
        frames.state = 2;
        void go(secured, frames, socket);
      })
      .emit("connection", frames);
  };
}

test.each<[string, string, string]>([
  ["an option that was not offered", "01 10", "ERR_SOCKS_AUTH_PROTOCOL"],
  ["a method that was not offered", "01 01 05 03", "ERR_SOCKS_METHOD_NOT_OFFERED"],
  ["no method", "01 01 05 ff", "ERR_SOCKS_NO_ACCEPTABLE_METHOD"],
  ["TLS inside TLS", "01 01 05 06", "ERR_SOCKS_METHOD_NOT_OFFERED"],
])("%s inside", async (_what, answer, code) => {
  const { error } = await meet(
    speaking(async (secured) => {
      expect(hex(await readOctets(secured, 2))).toBe("0101");
      secured.write(octets(answer));
    }),
  );
  expect(error).toMatchObject({ code, stage: "authenticate", side: "remote" });
});

test("octets in no frame, once TLS protects", async () => {
  const { error } = await meet(
    speaking(async (secured, _frames, socket) => {
      await readOctets(secured, 2);
      socket.write(octets("05 02"));
    }),
  );
  expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "authenticate" });
});

test("it says for each frame what it is for, and goes back to nothing", async () => {
  let states: readonly number[] = [];
  const proxy = await startTarget((socket) => {
    socket.once("data", () => {
      socket.write(octets("05 06"));
      speaking(async (secured, frames) => {
        ({ states } = frames);
        await readOctets(secured, 2);
        secured.write(octets("01 01"));
        expect(hex(await readOctets(secured, 4))).toBe("05020002");
        secured.write(octets("05 02"));
        await readOctets(secured, 3 + 5 + 9);
        secured.write(octets("01 00"));
        expect(hex((await readOctets(secured, 10)).subarray(0, 4))).toBe("05010001");
        frames.state = 3;
        secured.write(octets("05 00 00 01 c6 33 64 07 c3 50"));
        secured.pipe(secured);
      })(socket);
    });
  });
  const socket = await connect({
    proxy: `socks5h://alice:canary-pw@127.0.0.1:${proxy.port}`,
    target: "127.0.0.1:1",
    proxyAuth: { methods: ["ssl"], ssl },
  });
  socket.write("hello");
  expect(String(await once(socket, "data"))).toBe("hello");
  socket.end();
  await until(() => states.at(-1) === 4, "it says goodbye");
  expect(states).toEqual([1, 2, 3, 4]);
  socket.destroy();
});
