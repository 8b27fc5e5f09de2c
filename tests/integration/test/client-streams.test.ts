import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { connect } from "@sockskit/client";
import { listenTcp, readToEnd } from "@sockskit/testing";
import { describe, expect, test } from "vitest";

import { afterTest, startServer, startTarget } from "./server-support.ts";

const MIB = 1024 * 1024;
const block = randomBytes(MIB);

/** `length` bytes and, once they were read, their checksum. */
function body(length: number): { stream: Readable; checksum: string } {
  const hash = createHash("sha256");
  const pieces: Buffer[] = [];
  for (let left = length; left > 0; left -= MIB) pieces.push(left >= MIB ? block : block.subarray(0, left));
  for (const piece of pieces) hash.update(piece);
  return { stream: Readable.from(pieces, { objectMode: false }), checksum: hash.digest("hex") };
}

// Not with `for await`, which destroys a socket at the end of what it reads, while it is still written to.
async function checksumOf(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  stream.on("data", (chunk: Buffer) => hash.update(chunk));
  await once(stream, "end");
  return hash.digest("hex");
}

const send = (stream: Readable, to: Writable): Promise<void> => pipeline(stream, to);

describe.each(["socks5h", "socks4a"])("bodies through %s", (scheme) => {
  test.each([0, 1, 256 * MIB])(
    "%i bytes to the target",
    async (length) => {
      const { port } = await startServer();
      const checksums: Promise<string>[] = [];
      const target = await startTarget((socket) => void checksums.push(checksumOf(socket).finally(() => socket.end())));
      const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
      const { stream, checksum } = body(length);
      socket.resume();
      await Promise.all([send(stream, socket), once(socket, "close")]);
      expect(await Promise.all(checksums)).toEqual([checksum]);
    },
    120_000,
  );

  test.each([0, 1, 256 * MIB])(
    "%i bytes from the target",
    async (length) => {
      const { port } = await startServer();
      const { stream, checksum } = body(length);
      const target = await startTarget((socket) => void send(stream, socket).catch(() => socket.destroy()));
      const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
      expect(await checksumOf(socket)).toBe(checksum);
    },
    120_000,
  );

  test("both ways at once", async () => {
    const { port } = await startServer();
    const down = body(16 * MIB);
    const up = body(16 * MIB + 1);
    const received: Promise<string>[] = [];
    const target = await startTarget((socket) => {
      received.push(checksumOf(socket));
      send(down.stream, socket).catch(() => socket.destroy());
    });
    const options = { target: `127.0.0.1:${target.port}`, allowHalfOpen: true };
    const socket = await connect({ proxy: `${scheme}://127.0.0.1:${port}`, ...options });
    const [seen] = await Promise.all([checksumOf(socket), send(up.stream, socket)]);
    expect(seen).toBe(down.checksum);
    expect(await Promise.all(received)).toEqual([up.checksum]);
  }, 60_000);
});

describe("half-close", () => {
  test("the client ends first and still gets the answer", async () => {
    const { port } = await startServer();
    const target = await startTarget((socket) => {
      void readToEnd(socket).then((request) => setTimeout(() => socket.end(`got ${request.length}`), 50));
    });
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
    socket.end("question");
    expect(String(Buffer.from(await readToEnd(socket)))).toBe("got 8");
  });

  test("the target ends first and still gets the rest", async () => {
    const { port } = await startServer();
    const requests: Promise<Uint8Array>[] = [];
    const target = await startTarget((socket) => {
      socket.end("enough said");
      requests.push(readToEnd(socket));
    });
    const options = { target: `127.0.0.1:${target.port}`, allowHalfOpen: true };
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, ...options });
    expect(String(Buffer.from(await readToEnd(socket)))).toBe("enough said");
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.end("the rest");
    const [request] = await Promise.all(requests);
    expect(String(Buffer.from(request ?? []))).toBe("the rest");
  });
});

// A socket that is closed with unread data resets the connection; `resetAndDestroy` sends a FIN before.
describe("reset", () => {
  test("by the target", async () => {
    const { port } = await startServer();
    const target = await listenTcp((socket) => void setTimeout(() => socket.destroy(), 100), { pauseOnConnect: true });
    afterTest(target.close);
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
    const failed = once(socket, "error");
    socket.write("never read");
    expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);
  });

  test("by the target, right after the connection: the handshake or the tunnel fails, nothing hangs", async () => {
    const { port } = await startServer();
    const target = await startTarget((socket) => void socket.resetAndDestroy());
    for (let n = 0; n < 20; n++) {
      const outcome = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` }).then(
        async (socket) => {
          socket.resume();
          socket.on("error", () => undefined);
          await new Promise((resolve) => socket.on("close", resolve));
          return "closed";
        },
        (error: unknown) => (error as { code: string }).code,
      );
      expect(["closed", "ERR_SOCKS_REQUEST_REFUSED", "ERR_SOCKS_PROXY_CLOSED"]).toContain(outcome);
    }
  });

  test("by the client", async () => {
    const { port } = await startServer();
    const ends: string[] = [];
    const target = await startTarget((socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => ends.push(error.code ?? ""));
      socket.on("end", () => ends.push("end"));
      socket.resume();
      socket.write(Buffer.alloc(4 * MIB));
    });
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await expect.poll(() => ends[0]).toMatch(/^(ECONNRESET|EPIPE)$/);
  });

  test("the server goes away", async () => {
    const { server, port } = await startServer();
    const target = await startTarget((socket) => void socket.resume());
    const socket = await connect({ proxy: `socks5h://127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` });
    socket.on("error", () => undefined);
    socket.resume();
    const closed = once(socket, "close").catch(() => undefined);
    await server.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
