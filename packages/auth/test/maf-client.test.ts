import { checkNoSecrets, octets, questionMethod } from "@sockskit/testing";
import { mafId } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import {
  AuthError,
  type ClientAuthExchange,
  type ClientAuthStep,
  type MafClientMethod,
  type MafClientOptions,
  chapClient,
  cramClient,
  mafClient,
  userPassClient,
} from "../src/index.ts";
import { md5 } from "./md5.ts";

const question = questionMethod(() => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong answer", { side: "remote" }));
const A: MafClientMethod = { id: mafId(0x0001_0000), start: () => question.client("A!") };
const B: MafClientMethod = {
  id: mafId(0x0001_0001),
  start: () => userPassClient({ username: "a", password: "b" }).start(),
};

const DO_A = "03 01 00 00 04 00 01 00 00";
const DO_B = "03 01 00 00 04 00 01 00 01";
const QUESTION = "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 02 51 3f";
const ANSWER = "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 02 41 21 04 01 00 00"; // and What next
const PROCESS_B = "05 01 00 00 04 00 01 00 01 00 00 00 00 00 00";
const SUCCESS = "00 00 00 00 04 00 00 00 00";
const FAILURE = "ff 00 00 00 04 ff ff ff ff";
const ACKNOWLEDGE = "06 01 00 00";
const protocol = { type: "failed", error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" } };
const rejected = { type: "failed", error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } };

/** All steps of an exchange that gets these messages. */
function steps(options: Partial<MafClientOptions>, ...messages: readonly string[]): readonly ClientAuthStep[] {
  const exchange = mafClient({ methods: [A, B], ...options }).start();
  exchange.begin();
  return messages.map((message) => exchange.receive(octets(message)));
}

function last(...messages: readonly string[]): ClientAuthStep | undefined {
  return steps({}, ...messages).at(-1);
}

const send = (hex: string): object => ({ type: "send", data: octets(hex) });

test("it says what it can do", () => {
  const method = mafClient({ methods: [A, B] });
  expect(method).toMatchObject({ method: 0x08, name: "maf" });
  expect(method.start().begin()).toEqual(octets("01 01 00 00 02 04 00 01 00 00 00 01 00 01 00"));
});

test("it does what it is told, in that order, until the server is satisfied", () => {
  expect(steps({}, DO_B, `${PROCESS_B} 02 01 00`, DO_A, QUESTION, SUCCESS, ACKNOWLEDGE)).toMatchObject([
    send(`${PROCESS_B} 05 01 01 61 01 62`),
    send("04 01 00 00"),
    { type: "continue", consumed: 9 },
    send(ANSWER),
    send(ACKNOWLEDGE),
    { type: "done", consumed: 4 },
  ]);
});

describe("failure", () => {
  test("at the end, at the beginning, or in the middle of a method", () => {
    for (const before of [[], [DO_A], [DO_A, QUESTION]]) {
      const [acknowledged, end] = steps({}, ...before, FAILURE, ACKNOWLEDGE).slice(-2);
      expect(acknowledged).toMatchObject(send(ACKNOWLEDGE));
      expect(end).toMatchObject(rejected);
    }
  });

  test("of one method is the server's to judge", () => {
    expect(steps({}, DO_B, `${PROCESS_B} 02 01 01`, DO_A, QUESTION, SUCCESS, ACKNOWLEDGE).slice(1)).toMatchObject([
      send("04 01 00 00"),
      { type: "continue" },
      send(ANSWER),
      send(ACKNOWLEDGE),
      { type: "done" },
    ]);
  });

  test("that the client found itself is not", () => {
    const challenge = (): Uint8Array => new Uint8Array(32).fill(0x41);
    const chap = chapClient({ username: "a", password: "secret", md5, challenge, requireMutual: true });
    const options = { methods: [{ id: mafId(0x0001_0001), start: () => chap.start() }] };
    const list = "01 02 11 01 85 03 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f";
    const wrongProof = `01 02 00 01 00 04 10 ${"00 ".repeat(16)}`;
    expect(steps(options, DO_B, `${PROCESS_B} 17 ${list}`, `${PROCESS_B} 17 ${wrongProof}`).at(-1)).toMatchObject({
      type: "failed",
      send: octets(`${PROCESS_B} 05 01 01 00 01 01`),
      error: { code: "ERR_SOCKS_AUTH_UNTRUSTED", side: "remote" },
    });
    expect(steps({}, DO_B, `${PROCESS_B} 02 05 00`).at(-1)).toMatchObject({ type: "send" }); // lenient version
    expect(steps(options, DO_B, `${PROCESS_B} 02 05 00`).at(-1)).toMatchObject({ ...protocol, send: undefined });
  });
});

test("the warning of a method arrives at the end", () => {
  const warned = steps({}, DO_B, `${PROCESS_B} 02 05 00`, DO_A, QUESTION, SUCCESS, ACKNOWLEDGE).at(-1);
  expect(warned).toEqual({ type: "done", consumed: 4, warning: "user/password reply has VER 0x05 instead of 0x01" });
});

test("a question of a method comes through, and so does the answer", () => {
  const exchange = mafClient({ methods: [{ ...B, start: () => cramClient({ username: "a" }).start() }] }).start();
  exchange.begin();
  exchange.receive(octets(DO_B));
  expect(exchange.receive(octets(`${PROCESS_B} 05 01 01 03 01 3f`))).toMatchObject({
    type: "ask",
    consumed: 21,
    question: { type: "cram", prompt: "?", round: 1 },
  });
  const answer = { type: "cram", response: "x" } as const;
  expect(exchange.answer?.(answer)).toEqual({
    type: "send",
    consumed: 0,
    data: octets(`${PROCESS_B} 05 01 01 04 01 78`),
  });
  const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  expect(() => exchange.answer?.(answer)).toThrow(misuse);
  expect(() =>
    mafClient({ methods: [A] })
      .start()
      .answer?.(answer),
  ).toThrow(misuse);
});

describe("ids", () => {
  test("there are no more than those that went out; from the start, all of them go out again", () => {
    expect(last("02 01 00 00")).toMatchObject(send("01 01 00 00 00"));
    expect(last("02 01 00 01")).toMatchObject(send("01 01 00 00 02 04 00 01 00 00 00 01 00 01 00"));
  });
});

describe("OEM messages", () => {
  test("are answered with 'not recognised', but for such an answer itself", () => {
    const unknown = "07 01 00 00 00 00 00 04 ff ff ff ff 00 00 00 00";
    expect(last("07 01 00 00 00 00 00 04 00 00 00 00 00 00 00 03 68 69 21")).toMatchObject(send(unknown));
    expect(last(unknown)).toMatchObject(protocol);
  });
});

describe("a proxy that breaks the protocol", () => {
  test.each<readonly [string, readonly string[]]>([
    ["success before any method", [SUCCESS]],
    ["success in the middle of a method", [DO_A, SUCCESS]],
    ["success after it rejected every method", [DO_B, `${PROCESS_B} 02 01 01`, SUCCESS]],
    ["a method that was not offered", ["03 01 00 00 04 00 01 00 02"]],
    ["a method in the middle of another", [DO_A, DO_B]],
    ["Process before Do", [QUESTION]],
    ["Process of another method", [DO_B, QUESTION]],
    ["Send More after a method", [DO_A, QUESTION, "02 01 00 00"]],
    ["Send More in the middle of a method", [DO_A, "02 01 00 00"]],
    ["Acknowledge before the end", [ACKNOWLEDGE]],
    ["a client's message", ["04 01 00 00"]],
    ["a client's list", ["01 01 00 00 00"]],
    ["no message in Process", [DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 00"]],
    ["more than a message in Process", [DO_A, "05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 03 51 3f 3f"]],
    ["something else than Acknowledge at the end", [DO_A, QUESTION, SUCCESS, SUCCESS]],
    ["an unassigned instruction", ["0a"]],
    ["a version of its own", ["03 05"]],
  ])("%s", (_what, messages) => {
    expect(last(...messages)).toMatchObject(protocol);
  });

  test("a flood of messages ends after 16, or as many as it was told", () => {
    const flood = (count: number): readonly string[] => Array.from({ length: count }, () => "02 01 00 01");
    expect(last(...flood(16))).toMatchObject({ type: "send" });
    expect(last(...flood(17))).toMatchObject(protocol);
    expect(steps({ maxRounds: 2 }, ...flood(3)).at(-1)).toMatchObject(protocol);
  });

  test("no message is longer than 65536 octets", () => {
    expect(mafClient({ methods: [A] }).start().maxMessageLength).toBe(65_536);
    expect(last("05 01 00 00 04 00 01 00 00 00 00 00 00 01 00 00")).toMatchObject(protocol);
  });
});

test.each<MafClientOptions>([
  { methods: [] },
  { methods: [A, { ...B, id: A.id }] },
  { methods: [{ ...A, id: new Uint8Array(0) }] },
  { methods: [A], maxRounds: -1 },
])("options that make no sense: %o", (options) => {
  expect(() => mafClient(options)).toThrow(
    expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
  );
});

test("changing the id that was given, or what was sent, changes no later exchange", () => {
  const id = mafId(0x0001_0000);
  const method = mafClient({ methods: [{ ...A, id }] });
  id.fill(0xff);
  method.start().begin()?.fill(0xff);
  expect(method.start().begin()).toEqual(octets("01 01 00 00 01 04 00 01 00 00 00"));
});

test("the password of a method inside shows nowhere", () => {
  const password = "canary-1xLp5e";
  const inner = userPassClient({ username: "a", password });
  const exchange = mafClient({ methods: [{ ...B, start: () => inner.start() }] }).start();
  exchange.begin();
  exchange.receive(octets(DO_B));
  checkNoSecrets({ exchange, step: exchange.receive(octets(`${PROCESS_B} 02 01 01`)) }, [password]);
});

test("a method that would protect what follows does not run inside: MAF goes on behind it", () => {
  const protecting: ClientAuthExchange = {
    maxMessageLength: 1,
    begin: () => undefined,
    receive: () => ({ type: "secure", consumed: 1, layer: { type: "ssl" } }),
  };
  const exchange = mafClient({ methods: [{ ...A, start: () => protecting }] }).start();
  exchange.begin();
  exchange.receive(octets(DO_A));
  expect(exchange.receive(octets("05 01 00 00 04 00 01 00 00 00 00 00 00 00 00 01 22"))).toMatchObject({
    type: "failed",
    error: { code: "ERR_SOCKS_BAD_OPTION", side: "local" },
  });
});
