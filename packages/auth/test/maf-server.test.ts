import { concat, octets, questionMethod } from "@sockskit/testing";
import { conversations, messageOctets } from "@sockskit/vectors";
import { mafId } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import {
  AuthError,
  type AuthVerdict,
  type MafServerMethod,
  type MafServerOptions,
  type ServerAuthExchange,
  type ServerAuthStep,
  mafServer,
  userPassServer,
} from "../src/index.ts";

const question = questionMethod(() => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong answer", { side: "remote" }));
const A: MafServerMethod = { id: mafId(0x0001_0000), start: () => question.server() };
const B: MafServerMethod = { id: mafId(0x0001_0001), start: () => userPassServer().start() };
const UUID: MafServerMethod = {
  id: octets("0f 1e 2d 3c 4b 5a 69 78 87 96 a5 b4 c3 d2 e1 f0"),
  start: () => question.server(),
};

const CAN_DO_A = "01 01 00 00 01 04 00 01 00 00 00";
const CAN_DO_BOTH = "01 01 00 00 02 04 00 01 00 00 00 01 00 01 00";
const ANSWER_A = "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 02 41 21";
const USER_PASS_B = "05 01 00 00 04 00 01 00 01 00 00 00 00 00 00 05 01 01 61 01 62";
const WHAT_NEXT = "04 01 00 00";
const ACKNOWLEDGE = "06 01 00 00";
const DO_A = "03 01 00 00 04 00 01 00 00 05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 02 51 3f"; // with "Q?"
const DO_B = "03 01 00 00 04 00 01 00 01";
const SUCCESS = "00 00 00 00 04 00 00 00 00";
const FAILURE = "ff 00 00 00 04 ff ff ff ff";
const broken = {
  type: "failed",
  send: octets(FAILURE),
  error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" },
};
const rejection = {
  type: "failed",
  send: octets(ACKNOWLEDGE),
  error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" },
};

/** What it sends for each message; evidence is judged by the verdicts in turn. */
class Talk {
  readonly exchange: ServerAuthExchange;
  readonly sent: Uint8Array[] = [];
  last: ServerAuthStep = { type: "incomplete" };
  readonly #verdicts: AuthVerdict[];

  constructor(options: Partial<MafServerOptions> & Pick<MafServerOptions, "methods">, ...verdicts: AuthVerdict[]) {
    this.exchange = mafServer(options).start();
    this.#verdicts = verdicts;
  }

  receive(...messages: readonly string[]): this {
    for (const message of messages) {
      expect(["incomplete", "continue", "send"]).toContain(this.last.type);
      const bytes = octets(message);
      this.#apply(this.exchange.receive(bytes));
      if ("consumed" in this.last && this.last.type !== "failed")
        expect([0, bytes.length]).toContain(this.last.consumed);
    }
    return this;
  }

  #apply(step: ServerAuthStep): void {
    this.last = step;
    if (step.type === "send") this.sent.push(step.data);
    if ((step.type === "done" || step.type === "failed") && step.send !== undefined) this.sent.push(step.send);
    if (step.type === "verify") this.#apply(this.exchange.resolve(this.#verdicts.shift() ?? { accepted: true }));
  }
}

const alice: AuthVerdict = { accepted: true, identity: "alice" };

describe("methods in their order", () => {
  test("one", () => {
    const talk = new Talk({ methods: [A] }, alice).receive(CAN_DO_A, ANSWER_A, WHAT_NEXT, ACKNOWLEDGE);
    expect(talk.sent).toEqual([DO_A, SUCCESS, ACKNOWLEDGE].map(octets));
    expect(talk.last).toEqual({ type: "done", consumed: 4, send: octets(ACKNOWLEDGE), identity: "alice" });
  });

  test("two, the server's order counts", () => {
    const talk = new Talk({ methods: [B, A] }, alice, { accepted: true });
    talk.receive(CAN_DO_BOTH, USER_PASS_B, WHAT_NEXT, ANSWER_A, WHAT_NEXT, ACKNOWLEDGE);
    const userPassReply = "05 01 00 00 04 00 01 00 01 00 00 00 00 00 00 02 01 00";
    expect(talk.sent).toEqual([DO_B, userPassReply, DO_A, SUCCESS, ACKNOWLEDGE].map(octets));
    expect(talk.last).toMatchObject({ type: "done", identity: "alice" });
  });

  test("a rejection in the second is a rejection of all", () => {
    const talk = new Talk({ methods: [A, B] }, alice, { accepted: false });
    talk.receive(CAN_DO_BOTH, ANSWER_A, WHAT_NEXT, USER_PASS_B);
    expect(talk.sent.at(-1)).toEqual(octets("05 01 00 00 04 00 01 00 01 00 00 00 00 00 00 02 01 01"));
    talk.receive(WHAT_NEXT);
    expect(talk.sent.at(-1)).toEqual(octets(FAILURE));
    expect(talk.receive(ACKNOWLEDGE).last).toMatchObject(rejection);
  });

  test("a rejection without a last word may cross what the client sends", () => {
    const talk = new Talk({ methods: [A] }, { accepted: false }).receive(CAN_DO_A, ANSWER_A);
    expect(talk.sent.at(-1)).toEqual(octets(FAILURE));
    expect(talk.receive(WHAT_NEXT).last).toEqual({ type: "continue", consumed: 4 });
    expect(talk.receive(ACKNOWLEDGE).last).toMatchObject(rejection);
  });

  test("nobody is two users", () => {
    const talk = new Talk({ methods: [A, B] }, alice, { accepted: true, identity: "bob" });
    talk.receive(CAN_DO_BOTH, ANSWER_A, WHAT_NEXT, USER_PASS_B, WHAT_NEXT);
    expect(talk.sent.at(-1)).toEqual(octets(FAILURE));
    expect(talk.receive(ACKNOWLEDGE).last).toMatchObject(rejection);
    const same = new Talk({ methods: [A, B] }, alice, alice);
    same.receive(CAN_DO_BOTH, ANSWER_A, WHAT_NEXT, USER_PASS_B, WHAT_NEXT, ACKNOWLEDGE);
    expect(same.last).toMatchObject({ type: "done", identity: "alice" });
  });
});

describe("ids", () => {
  test("a client without the method is rejected", () => {
    const talk = new Talk({ methods: [A] }).receive("01 01 00 00 01 04 00 01 00 01 00");
    expect(talk.sent).toEqual([octets(FAILURE)]);
    expect(talk.receive(ACKNOWLEDGE).last).toMatchObject(rejection);
    expect(new Talk({ methods: [A] }).receive("01 01 00 00 00").sent).toEqual([octets(FAILURE)]);
    const second = new Talk({ methods: [A, B] }).receive(CAN_DO_A, ANSWER_A, WHAT_NEXT);
    expect(second.sent.at(-1)).toEqual(octets(FAILURE));
  });

  test("a client that has more is asked for more, and keeps what it said before", () => {
    const more = "01 01 00 00 02 04 00 01 00 00 00 00 00 02 00";
    const uuid = "01 01 00 00 01 10 0f 1e 2d 3c 4b 5a 69 78 87 96 a5 b4 c3 d2 e1 f0 00";
    const talk = new Talk({ methods: [UUID, A] }).receive(more, uuid);
    expect(talk.sent[0]).toEqual(octets("02 01 00 00"));
    expect(talk.sent[1]?.subarray(0, 21)).toEqual(concat(octets("03 01 00 00 10"), UUID.id));
    talk.receive("05 01 00 00 10 0f 1e 2d 3c 4b 5a 69 78 87 96 a5 b4 c3 d2 e1 f0 00 00 00 00 00 00 02 41 21");
    expect(talk.receive(WHAT_NEXT).sent.at(-1)).toEqual(octets(DO_A));
  });

  test("vector maf-fail", () => {
    const steps = conversations().find(({ name }) => name === "maf-fail")?.steps ?? [];
    const of = (side: string): readonly Uint8Array[] =>
      steps.filter(({ from }) => from === side).flatMap(({ messages }) => messages.map(messageOctets));
    const talk = new Talk({ methods: [A] });
    for (const message of of("client")) talk.receive(Buffer.from(message).toString("hex"));
    expect(talk.sent).toEqual(of("server"));
    expect(talk.last).toMatchObject(rejection);
  });
});

describe("OEM messages", () => {
  const OEM = "07 01 00 00 00 00 00 04 00 00 00 00 00 00 00 03 68 69 21"; // vector maf-oem
  const UNKNOWN = "07 01 00 00 00 00 00 04 ff ff ff ff 00 00 00 00";

  test("are answered with 'not recognised', at any time before the end", () => {
    const talk = new Talk({ methods: [A] }).receive(OEM, CAN_DO_A, OEM, ANSWER_A, OEM, WHAT_NEXT);
    expect(talk.sent).toEqual([UNKNOWN, DO_A, UNKNOWN, UNKNOWN, SUCCESS].map(octets));
    expect(talk.receive(OEM).last).toMatchObject(broken);
  });

  test("an answer to a question that nobody asked is refused, or two servers could go on for ever", () => {
    expect(new Talk({ methods: [A] }).receive(UNKNOWN).last).toMatchObject(broken);
  });
});

describe("a client that breaks the protocol gets a Failure", () => {
  test.each<readonly [string, readonly string[]]>([
    ["Process before Do", [ANSWER_A]],
    ["What next before Do", [WHAT_NEXT]],
    ["Acknowledge before the end", [ACKNOWLEDGE]],
    ["a server's message", [SUCCESS]],
    ["Can Do twice", [CAN_DO_A, CAN_DO_A]],
    ["What next in the middle of a method", [CAN_DO_A, WHAT_NEXT]],
    ["another method than it was told", [CAN_DO_BOTH, ANSWER_A.replace("00 01 00 00 00", "00 01 00 01 00")]],
    ["Process after the method's end", [CAN_DO_A, ANSWER_A, ANSWER_A]],
    ["a part of a message", [CAN_DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 01 41"]],
    ["no message", [CAN_DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 00"]],
    ["more than a message", [CAN_DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 03 41 21 21"]],
    ["What next instead of Acknowledge", [CAN_DO_A, ANSWER_A, WHAT_NEXT, WHAT_NEXT]],
    ["an unassigned instruction", ["08"]],
    ["another version", ["01 02"]],
    ["a SOCKS request", ["05 01 00 03 00"]],
    ["too much data", [CAN_DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 01 00 00"]],
  ])("%s", (_what, messages) => {
    expect(new Talk({ methods: [A] }).receive(...messages).last).toMatchObject(broken);
  });

  test("a broken message of the method is the method's own failure", () => {
    const talk = new Talk({ methods: [B] });
    talk.receive(
      "01 01 00 00 01 04 00 01 00 01 00",
      "05 01 00 00 04 00 01 00 01 00 00 00 00 00 00 02 05 01",
      WHAT_NEXT,
    );
    expect(talk.sent.slice(1)).toEqual(["05 01 00 00 04 00 01 00 01 00 00 00 00 00 00 02 01 01", FAILURE].map(octets));
    expect(talk.receive(ACKNOWLEDGE).last).toMatchObject({
      type: "failed",
      error: { code: "ERR_SOCKS_AUTH_PROTOCOL" },
    });
  });

  test("a flood of messages ends after 16, or as many as it was told", () => {
    const oem = "07 01 00 00 00 00 00 01 61 00 00 00 00 00 00 00";
    expect(new Talk({ methods: [A] }).receive(...Array.from({ length: 16 }, () => oem)).last.type).toBe("send");
    expect(new Talk({ methods: [A] }).receive(...Array.from({ length: 17 }, () => oem)).last).toMatchObject(broken);
    expect(new Talk({ methods: [A], maxRounds: 3 }).receive(oem, oem, oem).last.type).toBe("send");
    expect(new Talk({ methods: [A], maxRounds: 3 }).receive(oem, oem, oem, CAN_DO_A).last).toMatchObject(broken);
    // After a failure, too.
    const failed = new Talk({ methods: [A], maxRounds: 3 }).receive("01 01 00 00 00", WHAT_NEXT, WHAT_NEXT);
    expect(failed.receive(WHAT_NEXT).last).toMatchObject({ type: "failed" });
  });

  test("no message is longer than 65536 octets", () => {
    const exchange = mafServer({ methods: [A] }).start();
    expect(exchange.maxMessageLength).toBe(65_536);
    expect(exchange.receive(octets("05 01 00 00 04 00 01 00 00 00 00 00 7f ff ff ff"))).toMatchObject(broken);
    expect(
      exchange.receive(concat(octets("01 01 00 00 ff ff"), new Uint8Array(255 * 255), octets("ff fe"))),
    ).toMatchObject(broken);
  });
});

test("a verdict that nobody asked for is a misuse", () => {
  const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  const exchange = mafServer({ methods: [B] }).start();
  expect(() => exchange.resolve(alice)).toThrow(misuse);
  exchange.receive(octets("01 01 00 00 01 04 00 01 00 01 00"));
  expect(() => exchange.resolve(alice)).toThrow(misuse);
  exchange.receive(octets(USER_PASS_B));
  exchange.resolve(alice);
  expect(() => exchange.resolve(alice)).toThrow(misuse);
});

test.each<MafServerOptions>([
  { methods: [] },
  { methods: [A, A] },
  { methods: [{ ...A, id: new Uint8Array(0) }] },
  { methods: [{ ...A, id: new Uint8Array(256) }] },
  { methods: [A], maxRounds: 0 },
  { methods: [A], maxRounds: 1.5 },
  { methods: [A], maxRounds: Number.NaN },
])("options that make no sense: %o", (options) => {
  expect(() => mafServer(options)).toThrow(
    expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
  );
});

test("a method that would protect what follows does not run inside: MAF goes on behind it", () => {
  const protecting: MafServerMethod = {
    ...A,
    start: () => ({ ...question.server(), receive: () => ({ type: "secure", consumed: 2, layer: { type: "ssl" } }) }),
  };
  expect(new Talk({ methods: [protecting] }).receive(CAN_DO_A, ANSWER_A).last).toMatchObject({
    type: "failed",
    error: { code: "ERR_SOCKS_BAD_OPTION", side: "local" },
  });
});
