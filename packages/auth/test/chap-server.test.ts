import { inspect } from "node:util";
import { checkNoSecrets, concat, octets } from "@sockskit/testing";
import { type Conversation, conversations, messageOctets } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import {
  type AuthVerdict,
  type ChapServerOptions,
  type ServerAuthExchange,
  type ServerAuthStep,
  chapServer,
  chapVerdict,
} from "../src/index.ts";
import { md5 } from "./md5.ts";

const CHALLENGE = "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f";
const RESPONSE = "e7 40 94 24 47 4a 33 01 bd c9 bb 88 46 c8 63 62"; // HMAC-MD5("secret", CHALLENGE)
const ALICE = "02 05 61 6c 69 63 65";
const options: ChapServerOptions = { challenge: () => octets(CHALLENGE) };
const broken = {
  type: "failed",
  send: octets("01 01 00 01 01"),
  error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" },
};

function started(changed: Partial<ChapServerOptions> = {}): ServerAuthExchange {
  return chapServer({ ...options, ...changed }).start();
}

/** The last step after these messages. */
function after(exchange: ServerAuthExchange, ...received: readonly string[]): ServerAuthStep {
  let step: ServerAuthStep = { type: "incomplete" };
  for (const message of received) {
    expect(["incomplete", "send"]).toContain(step.type);
    step = exchange.receive(octets(message));
  }
  return step;
}

describe("what it asks about", () => {
  test.each([
    ["the name in the first message", [`01 02 11 01 85 ${ALICE}`, `01 01 04 10 ${RESPONSE}`]],
    ["the name in the second message", ["01 01 11 01 85", `01 02 ${ALICE} 04 10 ${RESPONSE}`]],
    ["the name in both", [`01 02 11 01 85 ${ALICE}`, `01 02 04 10 ${RESPONSE} ${ALICE}`]],
    ["attributes that nobody knows", [`01 03 7f 00 ${ALICE} 11 02 01 85`, `01 02 04 10 ${RESPONSE} 05 01 61`]],
  ])("%s", (_name, messages) => {
    const exchange = started();
    const step = after(exchange, ...messages);
    expect(step).toMatchObject({ type: "verify", consumed: octets(messages[1] as string).length });
    if (step.type !== "verify" || step.evidence.type !== "chap") return;
    expect({ ...step.evidence, response: step.evidence.response }).toEqual({
      type: "chap",
      username: octets("61 6c 69 63 65"),
      algorithm: 0x85,
      identifier: undefined,
      challenge: octets(CHALLENGE),
      clientChallenge: undefined,
      response: octets(RESPONSE),
    });
  });

  test("every name gets a challenge, the empty one and one that does not exist too", () => {
    for (const name of ["02 00", "02 01 00", `02 ff ${"7a".repeat(255)}`]) {
      expect(after(started(), `01 02 11 01 85 ${name}`)).toMatchObject({
        type: "send",
        data: octets(`01 02 11 01 85 03 10 ${CHALLENGE}`),
      });
    }
  });

  test("a response of any length is for the verdict", () => {
    expect(after(started(), "01 01 11 01 85", `01 02 ${ALICE} 04 00`)).toMatchObject({ type: "verify" });
  });
});

test("the verdict is answered, and decides the end", () => {
  const login = (): ServerAuthExchange => {
    const exchange = started();
    after(exchange, `01 02 11 01 85 ${ALICE}`, `01 01 04 10 ${RESPONSE}`);
    return exchange;
  };
  expect(login().resolve({ accepted: true, identity: "alice" })).toEqual({
    type: "done",
    consumed: 0,
    send: octets("01 01 00 01 00"),
    identity: "alice",
  });
  for (const verdict of [{ accepted: false }, { accepted: false, challenge: "?" }] as const) {
    expect(login().resolve(verdict)).toMatchObject({
      type: "failed",
      consumed: 0,
      send: octets("01 01 00 01 01"),
      error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" },
    });
  }
});

test("a verdict that nobody asked for is a misuse", () => {
  const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;
  const exchange = started();
  const accept = () => exchange.resolve({ accepted: true });
  expect(accept).toThrow(misuse);
  exchange.receive(octets(`01 02 11 01 85 ${ALICE}`));
  expect(accept).toThrow(misuse);
  exchange.receive(octets(`01 01 04 10 ${RESPONSE}`));
  accept();
  expect(accept).toThrow(misuse);
});

describe("algorithms", () => {
  test("MD5 is taken only where it was enabled", () => {
    expect(after(started(), "01 01 11 01 05")).toMatchObject(broken);
    expect(after(started({ algorithms: ["hmac-md5", "md5"] }), "01 01 11 01 05")).toMatchObject({
      type: "send",
      data: octets(`01 03 11 01 05 10 01 00 03 10 ${CHALLENGE}`),
    });
  });

  test("of several the server's favourite counts, not the client's", () => {
    const strong = after(started({ algorithms: ["hmac-md5", "md5"] }), "01 01 11 03 07 05 85");
    expect(strong).toMatchObject({ data: octets(`01 02 11 01 85 03 10 ${CHALLENGE}`) });
    const weak = after(started({ algorithms: ["md5", "hmac-md5"] }), "01 01 11 02 85 05");
    expect(weak).toMatchObject({ data: octets(`01 03 11 01 05 10 01 00 03 10 ${CHALLENGE}`) });
  });

  test("no identifier is used twice in a row, and 256 are there", () => {
    const server = chapServer({ ...options, algorithms: ["md5"] });
    const identifiers = Array.from({ length: 257 }, () => {
      const step = server.start().receive(octets("01 01 11 01 05"));
      return step.type === "send" ? step.data[7] : undefined;
    });
    expect(new Set(identifiers).size).toBe(256);
    expect(identifiers[256]).toBe(identifiers[0]);
  });

  test("an answer to another identifier is refused", () => {
    const weak = { algorithms: ["md5"] } as const;
    expect(after(started(weak), "01 01 11 01 05", `01 03 ${ALICE} 10 01 00 04 10 ${RESPONSE}`).type).toBe("verify");
    expect(after(started(weak), "01 01 11 01 05", `01 02 ${ALICE} 04 10 ${RESPONSE}`).type).toBe("verify");
    for (const identifier of ["10 01 01", "10 00", "10 02 00 00"]) {
      expect(after(started(weak), "01 01 11 01 05", `01 03 ${ALICE} ${identifier} 04 10 ${RESPONSE}`)).toMatchObject(
        broken,
      );
    }
  });
});

describe("a client that breaks the protocol gets STATUS 01", () => {
  test.each([
    ["no algorithms", [`01 01 ${ALICE}`]],
    ["an empty list of algorithms", ["01 01 11 00"]],
    ["unknown algorithms", ["01 01 11 03 00 06 86"]],
    ["a response before the challenge", [`01 03 11 01 85 ${ALICE} 04 10 ${RESPONSE}`]],
    ["a challenge before ours", [`01 03 11 01 85 ${ALICE} 03 10 ${CHALLENGE}`]],
    ["no response", [`01 02 11 01 85 ${ALICE}`, `01 01 ${ALICE}`]],
    ["no name", ["01 01 11 01 85", `01 01 04 10 ${RESPONSE}`]],
    ["two names", [`01 02 11 01 85 ${ALICE}`, `01 02 02 05 61 6c 69 63 66 04 10 ${RESPONSE}`]],
    ["our challenge sent back", [`01 02 11 01 85 ${ALICE}`, `01 02 04 10 ${RESPONSE} 03 10 ${CHALLENGE}`]],
    ["an empty challenge", [`01 02 11 01 85 ${ALICE}`, `01 02 04 10 ${RESPONSE} 03 00`]],
    ["another version", ["05 01 00"]],
    ["no attributes", ["01 00"]],
    ["two responses", [`01 02 11 01 85 ${ALICE}`, "01 02 04 01 61 04 01 62"]],
  ])("%s", (_what, messages) => {
    expect(after(started(), ...messages)).toMatchObject(broken);
  });

  test("a flood of attributes ends within 4096 octets", () => {
    const flood = concat(octets("01 ff"), new Uint8Array(4096).fill(0x01));
    expect(started().maxMessageLength).toBe(4096);
    expect(started().receive(flood.subarray(0, 4096))).toMatchObject(broken);
  });
});

describe("a client that wants the server to prove itself", () => {
  const asked = `01 03 ${ALICE} 04 10 ${RESPONSE} 03 10 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f`;
  const proof = octets("c5 8f be 63 09 15 23 1e 76 f4 b6 73 00 f5 d4 ed");

  function proven(verdict: AuthVerdict): [ServerAuthStep, ServerAuthExchange] {
    const exchange = started();
    after(exchange, "01 01 11 01 85", asked);
    return [exchange.resolve(verdict), exchange];
  }

  test("gets the response of the verdict, and says whether it is satisfied", () => {
    for (const [status, end] of [
      ["01 01 00 01 00", { type: "done", consumed: 5, identity: "alice" }],
      ["01 01 00 01 01", { type: "failed", error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } }],
      ["01 01 00 00", { type: "failed", error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" } }],
      ["01 01 01 02 68 69", broken],
    ] as const) {
      const [step, exchange] = proven({ accepted: true, identity: "alice", response: proof });
      expect(step).toEqual({ type: "send", consumed: 0, data: concat(octets("01 02 00 01 00 04 10"), proof) });
      expect(exchange.receive(octets(status))).toMatchObject(end);
    }
  });

  test("gets no proof from a verdict without one, and then says nothing", () => {
    expect(proven({ accepted: true, identity: "alice" })[0]).toEqual({
      type: "done",
      consumed: 0,
      send: octets("01 01 00 01 00"),
      identity: "alice",
    });
  });

  test("gets nothing when it is rejected", () => {
    expect(proven({ accepted: false })[0]).toMatchObject({ type: "failed", send: octets("01 01 00 01 01") });
  });

  test("who did not ask gets no proof", () => {
    const exchange = started();
    after(exchange, `01 02 11 01 85 ${ALICE}`, `01 01 04 10 ${RESPONSE}`);
    expect(exchange.resolve({ accepted: true, response: proof })).toMatchObject({
      type: "done",
      send: octets("01 01 00 01 00"),
    });
  });
});

/** Plays the client's part of a vector that begins behind the method choice, and gives what the server says. */
function play(exchange: ServerAuthExchange, { steps }: Conversation): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  const apply = (step: ServerAuthStep): void => {
    if (step.type === "send") sent.push(step.data);
    if ((step.type === "done" || step.type === "failed") && step.send !== undefined) sent.push(step.send);
    if (step.type !== "verify" || step.evidence.type !== "chap") return;
    apply(exchange.resolve(chapVerdict({ evidence: step.evidence, password: "secret", md5 })));
  };
  for (const { from, messages } of steps) {
    if (from === "client") for (const message of messages) apply(exchange.receive(messageOctets(message)));
  }
  return sent;
}

describe("vectors that begin behind the method choice", () => {
  const named = (name: string): Conversation => conversations().find((one) => one.name === name) as Conversation;
  const said = (conversation: Conversation): readonly Uint8Array[] =>
    conversation.steps.filter(({ from }) => from === "server").flatMap(({ messages }) => messages.map(messageOctets));

  test("chap-mutual", () => {
    const exchange = started();
    after(exchange, "01 01 11 01 85");
    expect(play(exchange, named("chap-mutual"))).toEqual(said(named("chap-mutual")).slice(1));
  });

  test("chap-fail", () => {
    expect(play(started(), named("chap-fail"))).toEqual(said(named("chap-fail")));
  });

  test("chap-md5", () => {
    const server = chapServer({ ...options, algorithms: ["md5"] });
    for (let identifier = 0; identifier < 0x2a; identifier++) server.start();
    expect(play(server.start(), named("chap-md5"))).toEqual(said(named("chap-md5")));
  });
});

describe("options that make no sense", () => {
  test("algorithms", () => {
    for (const algorithms of [[], ["hmac-md5", "sha256"]] as unknown as readonly ("md5" | "hmac-md5")[][]) {
      expect(() => chapServer({ ...options, algorithms })).toThrow(
        expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
      );
    }
  });

  test("a challenge that could be guessed or does not fit", () => {
    for (const length of [0, 15, 240]) {
      const exchange = started({ challenge: () => new Uint8Array(length) });
      expect(() => exchange.receive(octets("01 01 11 01 85"))).toThrow(
        expect.objectContaining({ name: "AuthError", code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
      );
    }
  });
});

test("evidence hands the response over and shows it to nobody else", () => {
  const response = Buffer.from("canary-Hd7!x9Qw2"); // 16 octets
  const exchange = started();
  const step = after(exchange, "01 01 11 01 85", `01 02 ${ALICE} 04 10 ${response.toString("hex")}`);
  const evidence = step.type === "verify" && step.evidence.type === "chap" ? step.evidence : undefined;
  expect(evidence?.response).toEqual(new Uint8Array(response));
  const canary = [response.toString()];
  checkNoSecrets(JSON.stringify(step), canary);
  checkNoSecrets(inspect(step, { showHidden: true, depth: Infinity }), canary);
  checkNoSecrets({ ...evidence }, canary);
  checkNoSecrets({ exchange, after: exchange.resolve({ accepted: false }) }, canary);
});

test("the evidence does not share memory with what was received", () => {
  const exchange = started();
  exchange.receive(octets("01 01 11 01 85"));
  const bytes = Buffer.from(octets(`01 02 ${ALICE} 04 10 ${RESPONSE}`));
  const step = exchange.receive(bytes);
  bytes.fill(0xff);
  const evidence = step.type === "verify" && step.evidence.type === "chap" ? step.evidence : undefined;
  expect(evidence?.response).toEqual(octets(RESPONSE));
  expect(evidence?.username).toEqual(octets("61 6c 69 63 65"));
});
