import assert from "node:assert/strict";
import * as fc from "fast-check";
import { arbitraryOctets } from "./chunks.ts";
import { concat, hex } from "./hex.ts";

/** A step of an exchange, of either side. */
export interface ExchangeStep {
  /** What the exchange wants. */
  readonly type: "incomplete" | "continue" | "send" | "done" | "failed" | "verify" | "ask" | "secure";
  /** Octets of the input that were used. */
  readonly consumed?: number;
  /** What to send, of a `send` step. */
  readonly data?: Uint8Array;
  /** What to send last. */
  readonly send?: Uint8Array | undefined;
  /** Who the client is. */
  readonly identity?: string | undefined;
  /** What a client showed, of a `verify` step. */
  readonly evidence?: unknown;
  /** What a server wants to know, of an `ask` step. */
  readonly question?: unknown;
  /** What protects the rest, of a `secure` step. */
  readonly layer?: unknown;
  /** Why it failed. */
  readonly error?: Error & { readonly code: string; readonly side: string };
}

/** What the owner of a server exchange says to evidence; methods may know more kinds. */
export type ExchangeVerdict =
  | { readonly accepted: true; readonly identity?: string | undefined }
  | { readonly accepted: false };

/** One run of an authentication method on one connection, of either side. */
export interface Exchange {
  /** Most octets of one message of the peer. */
  readonly maxMessageLength: number;
  /** Client side: the first octets. */
  begin?(): Uint8Array | undefined;
  /** Goes on with everything not consumed yet. */
  receive(bytes: Uint8Array): ExchangeStep;
  /** Server side: goes on with the verdict. */
  resolve?(verdict: ExchangeVerdict): ExchangeStep;
  /** Client side: goes on with the answer to a question. */
  answer?(answer: unknown): ExchangeStep;
  /** Goes on inside a layer. */
  secured?(): ExchangeStep;
}

/** One side of an authentication method. */
export interface ExchangeMethod {
  /** `METHOD` octet. */
  readonly method: number;
  /** Name for people. */
  readonly name: string;
  /** Starts an exchange. */
  start(): Exchange;
}

/** The two sides of an authentication method, to be checked against each other. */
export interface AuthMethodPair {
  /** Client side, with credentials that the verdict decides about. */
  readonly client: ExchangeMethod;
  /** Server side. */
  readonly server: ExchangeMethod;
  /** Whether the server asks for a verdict. */
  readonly asks: boolean;
  /** Number of verdicts that it asks for. Default 1. */
  readonly verdicts?: number;
  /** Finds the verdict, when it takes more than an identity to accept; `identity` is the one to give. */
  readonly judge?: (evidence: unknown, accept: boolean, identity: string) => ExchangeVerdict;
  /** Finds the answer to a question of the server. */
  readonly answer?: (question: unknown) => unknown;
}

const IDENTITY = "the name in the verdict";
const NOTHING = new Uint8Array(0);
/** What either side sends as soon as it is done: it belongs to the next stage. */
const NEXT_STAGE = Uint8Array.of(0x05, 0x01, 0x00, 0xff);

/**
 * Checks the contract that a handshake relies on, for any authentication method.
 *
 * - Both sides finish, however the octets are cut up, and the identity of the verdict arrives.
 * - A rejection ends both sides in `failed` with `ERR_SOCKS_AUTH_REJECTED`, blamed on the peer.
 * - What comes behind the exchange stays unconsumed; nothing of it is waited for.
 * - Exchanges of one method do not mix.
 * - No octets make it throw, and it never waits for more than `maxMessageLength`.
 */
export function checkAuthMethod(pair: AuthMethodPair): void {
  assert.equal(pair.client.method, pair.server.method, "METHOD of the two sides");
  assert.equal(pair.client.name, pair.server.name, "name of the two sides");

  const accepted = converse(pair, true, [Infinity]);
  const next = hex(NEXT_STAGE);
  const identity = pair.asks ? IDENTITY : undefined;
  assert.deepEqual(accepted.client, { end: "done", left: next, identity: undefined, code: undefined, side: undefined });
  assert.deepEqual(accepted.server, { end: "done", left: next, identity, code: undefined, side: undefined });
  assert.equal(accepted.verdicts, pair.asks ? (pair.verdicts ?? 1) : 0, "number of verdicts asked for");

  for (const verdict of pair.asks ? [true, false] : [true]) {
    const whole = converse(pair, verdict, [Infinity]);
    if (!verdict) {
      const rejected = {
        end: "failed",
        left: "",
        identity: undefined,
        code: "ERR_SOCKS_AUTH_REJECTED",
        side: "remote",
      };
      assert.deepEqual([whole.client, whole.server], [rejected, rejected]);
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        assert.deepEqual(converse(pair, verdict, sizes), whole, "cut up, it ends otherwise");
      }),
    );
  }
  checkArbitraryOctets(pair.client);
  checkArbitraryOctets(pair.server);
}

/** How a conversation went. */
interface Outcome {
  readonly client: SideOutcome;
  readonly server: SideOutcome;
  readonly sent: readonly string[];
  readonly verdicts: number;
}

/** How it went for one side: the last step, and the octets that were left. */
interface SideOutcome {
  readonly end: string | undefined;
  readonly left: string;
  readonly identity: string | undefined;
  readonly code: string | undefined;
  readonly side: string | undefined;
}

/**
 * Lets both sides talk until nobody has anything to say. Octets arrive in pieces of these sizes, over
 * and over; Infinity: in the pieces in which they were sent.
 */
function converse(pair: AuthMethodPair, accept: boolean, sizes: readonly number[]): Outcome {
  const sent: string[] = [];
  let verdicts = 0;
  const client = side("client", pair.client);
  const server = side("server", pair.server);
  // Another connection of the same methods, which must not matter.
  pair.client.start().begin?.();
  pair.server.start().receive(Uint8Array.of(0x01, 0x01));

  send(client, client.exchange.begin?.());
  for (let idle = false, piece = 0; !idle; piece++) {
    idle = true;
    for (const here of [server, client]) {
      const size = sizes[piece % sizes.length] as number;
      here.waiting = concat(here.waiting, here.arriving.slice(0, size));
      here.arriving = here.arriving.slice(size);
      pump(here);
    }
    if (client.arriving.length + server.arriving.length > 0) idle = false;
  }
  return { client: outcome(client), server: outcome(server), sent, verdicts };

  function pump(here: Side): void {
    while (here.last === undefined) {
      // A peer may send the next stage at once; whole messages show whether that stays untouched.
      const followed = sizes[0] === Infinity && here.waiting.length > 0;
      const step = here.exchange.receive(concat(here.waiting, followed ? NEXT_STAGE : NOTHING));
      if (step.type === "incomplete") return;
      consume(here, step);
      apply(here, goOn(here, step));
    }
  }

  /** Gives the verdict, the answer or the layer that a step wants. The layer of this suite changes no octet. */
  function goOn(here: Side, step: ExchangeStep): ExchangeStep {
    const { exchange } = here;
    if (step.type !== "verify" && step.type !== "ask" && step.type !== "secure") return step;
    let after: ExchangeStep;
    if (step.type === "secure") {
      assert.ok(exchange.secured !== undefined, "a secure step without secured()");
      send(here, step.send);
      after = exchange.secured();
    } else if (step.type === "ask") {
      assert.ok(exchange.answer !== undefined, "an ask step without answer()");
      assert.ok(pair.answer !== undefined, "nobody answers the question");
      after = exchange.answer(pair.answer(step.question));
    } else {
      assert.ok(exchange.resolve !== undefined, "a verify step without resolve()");
      verdicts++;
      after = exchange.resolve(
        pair.judge?.(step.evidence, accept, IDENTITY) ??
          (accept ? { accepted: true, identity: IDENTITY } : { accepted: false }),
      );
    }
    assert.equal(after.consumed ?? 0, 0, "a step after a verdict, an answer or a layer consumed octets");
    return goOn(here, after);
  }

  function consume(here: Side, step: ExchangeStep): void {
    const consumed = step.consumed ?? 0;
    assert.ok(consumed <= here.waiting.length, `${here.name} consumed more than there was`);
    assert.ok(step.type !== "continue" || consumed > 0, `${here.name} goes on without having consumed anything`);
    here.waiting = here.waiting.slice(consumed);
  }

  function apply(here: Side, step: ExchangeStep): void {
    send(here, step.data ?? step.send);
    if (step.type === "done" || step.type === "failed") here.last = step;
    if (step.type === "done") send(here, NEXT_STAGE);
  }

  function send(from: Side, data: Uint8Array | undefined): void {
    if (data === undefined) return;
    sent.push(`${from.name}: ${hex(data)}`);
    const to = from === client ? server : client;
    to.arriving = concat(to.arriving, data);
  }
}

interface Side {
  readonly name: string;
  readonly exchange: Exchange;
  arriving: Uint8Array;
  waiting: Uint8Array;
  last: ExchangeStep | undefined;
}

function side(name: string, method: ExchangeMethod): Side {
  return { name, exchange: method.start(), arriving: NOTHING, waiting: NOTHING, last: undefined };
}

function outcome({ last, waiting }: Side): SideOutcome {
  return {
    end: last?.type,
    left: hex(waiting),
    identity: last?.identity,
    code: last?.error?.code,
    side: last?.error?.side,
  };
}

function checkArbitraryOctets(method: ExchangeMethod): void {
  fc.assert(
    fc.property(arbitraryOctets(), (bytes) => {
      const exchange = method.start();
      exchange.begin?.();
      const step = exchange.receive(bytes);
      assert.ok((step.consumed ?? 0) <= bytes.length, "consumed more than there was");
      if (step.type === "incomplete") assert.ok(bytes.length < exchange.maxMessageLength, "waits for ever");
      if (step.type === "failed") assert.equal(step.error?.side, "remote", "octets of the peer are blamed on us");
    }),
  );
}
