import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { GssapiContext, GssapiContextInfo, GssapiMechanism } from "@sockskit/auth";
import { GssapiInitiator } from "@sockskit/auth-gssapi";
import { hex } from "@sockskit/testing";
import { messageOctets, messages } from "@sockskit/vectors";
import { cut } from "./mutate.ts";
import type { Target } from "./target.ts";

const INFO: GssapiContextInfo = {
  integrity: true,
  confidentiality: true,
  sequence: true,
  peer: "proxy",
  self: "client",
  lifetimeMs: Number.POSITIVE_INFINITY,
  messageLimits: { integrity: 100, confidentiality: 100 },
};

/** The stand-in of the vectors: wrapping puts 77 and the confidentiality flag before the message. */
const STAND_IN: GssapiContext = {
  step: async () => ({ token: Uint8Array.of(0x60), established: INFO }),
  wrap: async (list, confidential) => list.map((message) => Uint8Array.of(0x77, confidential ? 1 : 0, ...message)),
  async unwrap(tokens) {
    const found = tokens.findIndex((token) => token[0] !== 0x77 || token.length < 2 || (token[1] as number) > 1);
    const good = found === -1 ? tokens : tokens.slice(0, found);
    return {
      messages: good.map((token) => ({
        message: token.slice(2),
        confidential: token[1] === 1,
        order: "in-order" as const,
      })),
      error: found === -1 ? undefined : new TypeError("no token"),
    };
  },
  dispose: () => undefined,
};

const MECHANISM: GssapiMechanism = {
  initiate: () => STAND_IN,
  acquire: () => Promise.reject(new TypeError("a client only")),
};

/** How a connection ended, and what was delivered before. */
interface Outcome {
  readonly delivered: string;
  readonly failed: boolean;
}

/** Puts the protected stream over a connection. */
export type Protect = (socket: Socket) => Promise<Duplex>;

const protectReally: Protect = async (socket) => {
  const initiation = new GssapiInitiator({ mechanism: MECHANISM, protection: ["integrity"] }).start({ host: "proxy" });
  await initiation.answer({ type: "gssapi", step: "context", token: undefined });
  await initiation.answer({ type: "gssapi", step: "level", token: Uint8Array.of(0x77, 0x00, 0x01) });
  return initiation.protect(socket);
};

/** The protected stream of GSS-API: cut up or whole, it delivers the same, and never what stood in no whole frame. */
export function gssapiStream(protect: Protect = protectReally): Target {
  return {
    name: "GssapiStream",
    corpus: messages()
      .filter((message) => message.type === "GssapiFrame")
      .map(messageOctets),
    async check(input, random) {
      const pieces = cut(input, random);
      const outcome = await run(protect, pieces);
      assert.deepEqual(outcome, expected(input));
    },
  };
}

async function run(protect: Protect, pieces: readonly Uint8Array[]): Promise<Outcome> {
  const wire = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const stream = await protect(wire as Socket);
  const delivered: Buffer[] = [];
  const end = new Promise<boolean>((resolve) => {
    stream.on("data", (chunk: Buffer) => delivered.push(chunk));
    stream.on("end", () => resolve(false));
    stream.on("error", () => resolve(true));
  });
  for (const piece of pieces) wire.push(piece);
  wire.push(null);
  const failed = await end;
  stream.destroy();
  return { delivered: hex(Buffer.concat(delivered)), failed };
}

/** The same, said as simply as possible. */
function expected(input: Uint8Array): Outcome {
  let delivered = "";
  for (let at = 0; at < input.length;) {
    const [version, mtyp, high = 0, low = 0, mark, confidential] = input.subarray(at);
    const length = high * 256 + low;
    const isWhole = version === 0x01 && mtyp === 0x03 && length >= 2 && at + 4 + length <= input.length;
    if (!isWhole || mark !== 0x77 || confidential !== 0x00)
      return { delivered: delivered.replaceAll(/ +/gu, " ").trim(), failed: true };
    delivered += ` ${hex(input.subarray(at + 6, at + 4 + length))}`;
    at += 4 + length;
  }
  return { delivered: delivered.replaceAll(/ +/gu, " ").trim(), failed: false };
}
