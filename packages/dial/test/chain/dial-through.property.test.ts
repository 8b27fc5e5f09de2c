import { setImmediate as turn } from "node:timers/promises";

import { arbitraryChunks, arbitraryOctets, concat, hex, listenTcp, octets, readToEnd } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { dialThrough, isSocksError } from "../../src/index.ts";
import { expectReleased, heldResources } from "../support/resources.ts";

const destination = parseHostPort("192.0.2.1:80");

/** A peer that says these pieces one after the other, whatever it hears, and ends. */
async function sayTo<T>(pieces: readonly Uint8Array[], client: (port: number) => Promise<T>): Promise<T> {
  const server = await listenTcp((socket) => {
    socket.resume();
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await turn();
      }
      socket.end();
    })();
  });
  try {
    return await client(server.port);
  } finally {
    await server.close();
  }
}

test.each([
  ["socks5h://", "05 00 05 00 00 01 00 00 00 00 00 00"],
  ["socks5h://u:p@", "05 02 01 00 05 00 00 03 09 6c 6f 63 61 6c 68 6f 73 74 00 50"],
  ["socks4://", "00 5a 00 00 00 00 00 00"],
])(
  "%s the tunnel begins right behind the reply, however the octets are cut up",
  async (prefix, replies) => {
    const pieces = fc.uint8Array({ maxLength: 20 }).chain((first) => {
      const said = concat(octets(replies), first);
      return arbitraryChunks(said).map((chunks) => ({ chunks, first }));
    });
    await fc.assert(
      fc.asyncProperty(pieces, async ({ chunks, first }) => {
        const received = await sayTo(chunks, async (port) => {
          const chain = [parseProxyUrl(`${prefix}127.0.0.1:${port}`)];
          const { socket } = await dialThrough({ chain, destination, timeoutMs: 5000 });
          const rest = await readToEnd(socket);
          socket.destroy();
          return rest;
        });
        expect(hex(received)).toBe(hex(first));
      }),
      { numRuns: 40 },
    );
  },
  60_000,
);

test("whatever a proxy says, the answer is a tunnel or a SocksError, and nothing is left", async () => {
  const before = heldResources();
  const said = fc.oneof(
    arbitraryOctets({ maxLength: 40 }),
    arbitraryOctets({ maxLength: 40 }).map((tail) => concat(octets("05 00 05 00 00"), tail)),
    arbitraryOctets({ maxLength: 40 }).map((tail) => concat(octets("00"), tail)),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("socks5h", "socks4"), said, async (scheme, piece) => {
      await sayTo([piece], async (port) => {
        const chain = [parseProxyUrl(`${scheme}://127.0.0.1:${port}`)];
        const outcome = await dialThrough({ chain, destination, timeoutMs: 5000 }).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(isSocksError(outcome) && outcome.side).toBe("remote");
        else (outcome as Awaited<ReturnType<typeof dialThrough>>).socket.destroy();
      });
    }),
    { numRuns: 150 },
  );
  await expectReleased(before);
}, 60_000);
