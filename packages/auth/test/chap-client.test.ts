import { checkNoSecrets, concat, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import {
  type ChapClientOptions,
  type ClientAuthExchange,
  type ClientAuthStep,
  chapClient,
  chapResponse,
} from "../src/index.ts";
import { md5 } from "./md5.ts";

const HMAC_MD5 = 0x85;
const CHALLENGE = "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f";
const RESPONSE = "e7 40 94 24 47 4a 33 01 bd c9 bb 88 46 c8 63 62"; // HMAC-MD5("secret", CHALLENGE)
const BOTH = `01 02 11 01 85 03 10 ${CHALLENGE}`;
const alice: ChapClientOptions = { username: "alice", password: "secret", md5 };
const random = (): Uint8Array => new Uint8Array(32).fill(0x41);
const protocol = { type: "failed", error: { code: "ERR_SOCKS_AUTH_PROTOCOL", side: "remote" } };

/** An exchange that got these messages, and its last step. */
function after(
  options: Partial<ChapClientOptions>,
  ...received: readonly string[]
): [ClientAuthStep, ClientAuthExchange] {
  const exchange = chapClient({ ...alice, ...options }).start();
  exchange.begin();
  let step: ClientAuthStep = { type: "incomplete" };
  for (const message of received) {
    expect(["incomplete", "send", "continue"]).toContain(step.type);
    step = exchange.receive(octets(message));
  }
  return [step, exchange];
}

/** The challenge that the client sent with its response. */
function ownChallenge(step: ClientAuthStep): Uint8Array {
  if (step.type !== "send") throw new TypeError(`expected a response, got ${step.type}`);
  // VER NAVAS, RESPONSE LEN 16 octets, CHALLENGE LEN
  expect(step.data.subarray(0, 4)).toEqual(octets("01 02 04 10"));
  expect(step.data[20]).toBe(0x03);
  return step.data.slice(22);
}

describe("what is sent", () => {
  test("algorithms and name first, as PuTTY does", () => {
    expect(chapClient(alice).start().begin()).toEqual(octets("01 02 11 01 85 02 05 61 6c 69 63 65"));
    const weak = chapClient({ ...alice, algorithms: ["hmac-md5", "md5", "md5"] });
    expect(weak.start().begin()).toEqual(octets("01 02 11 02 85 05 02 05 61 6c 69 63 65"));
    expect(weak).toMatchObject({ method: 0x03, name: "chap" });
  });

  test("the response, whether the challenge comes with the algorithm or behind it", () => {
    expect(after({}, BOTH)[0]).toEqual({ type: "send", consumed: 23, data: octets(`01 01 04 10 ${RESPONSE}`) });
    const [step, exchange] = after({}, "01 01 11 01 85");
    expect(step).toEqual({ type: "continue", consumed: 5 });
    expect(exchange.receive(octets(`01 01 03 10 ${CHALLENGE}`))).toMatchObject({
      type: "send",
      data: octets(`01 01 04 10 ${RESPONSE}`),
    });
  });

  test("with MD5, the identifier comes back", () => {
    const weak = { algorithms: ["md5"] } as const;
    const challenge = octets(CHALLENGE);
    const response = chapResponse({ algorithm: 0x05, identifier: 0x2a, password: "secret", challenge, md5 });
    const data = concat(octets("01 02 10 01 2a 04 10"), response);
    expect(after(weak, `01 03 11 01 05 10 01 2a 03 10 ${CHALLENGE}`)[0]).toMatchObject({ type: "send", data });
    expect(after(weak, "01 02 11 01 05 10 01 2a", `01 01 03 10 ${CHALLENGE}`)[0]).toMatchObject({ type: "send", data });
  });

  test("challenges of any length are answered: antinat's 64, picosocks5's 128, one, 255", () => {
    for (const length of [1, 16, 64, 128, 255]) {
      const challenge = Uint8Array.from({ length }, (_, index) => 0x20 + (index % 0x5f));
      const message = concat(octets("01 02 11 01 85 03"), Uint8Array.of(length), challenge);
      const response = chapResponse({ algorithm: HMAC_MD5, password: "secret", challenge, md5 });
      expect(after({}, Buffer.from(message).toString("hex"))[0]).toMatchObject({
        type: "send",
        data: concat(octets("01 01 04 10"), response),
      });
    }
  });

  test("unknown attributes and texts are skipped", () => {
    expect(after({}, `01 05 7f 01 00 01 02 68 69 11 01 85 03 10 ${CHALLENGE} 01 01 21`)[0]).toMatchObject({
      type: "send",
      data: octets(`01 01 04 10 ${RESPONSE}`),
    });
  });

  test("an identifier without MD5 is nothing to us", () => {
    expect(after({}, `01 03 11 01 85 10 01 07 03 10 ${CHALLENGE}`)[0]).toMatchObject({
      data: octets(`01 01 04 10 ${RESPONSE}`),
    });
  });
});

describe("the end", () => {
  test("STATUS of one octet 00 is success, everything else a rejection", () => {
    expect(after({}, BOTH, "01 01 00 01 00")[0]).toEqual({ type: "done", consumed: 5 });
    for (const status of ["00 01 01", "00 01 ff", "00 00", "00 02 00 00"]) {
      expect(after({}, BOTH, `01 01 ${status}`)[0]).toMatchObject({
        type: "failed",
        error: { code: "ERR_SOCKS_AUTH_REJECTED", side: "remote" },
      });
    }
  });

  test("a rejection may come at once", () => {
    expect(after({}, "01 01 00 01 01")[0]).toMatchObject({ error: { code: "ERR_SOCKS_AUTH_REJECTED" } });
    expect(after({}, "01 01 11 01 85", "01 01 00 01 01")[0]).toMatchObject({
      error: { code: "ERR_SOCKS_AUTH_REJECTED" },
    });
  });

  test("what the proxy says to the user is shown without what could fool them", () => {
    const text = Buffer.from('no\r\n\x1b[2J \u202eluck\x9b\u2028"here"').toString("hex");
    const list = (octetsOfText: string): string =>
      `01 02 00 01 01 01 ${(octetsOfText.length / 2).toString(16).padStart(2, "0")} ${octetsOfText}`;
    const [step] = after({}, BOTH, list(text));
    expect(step.type === "failed" && step.error.message).toBe(
      "proxy rejected the user name or password (STATUS 0x01): \"no [2J \ufffd\ufffd\ufffdluck\ufffd\ufffd\ufffd\ufffd\ufffd'here'\"",
    );
    const utf8 = `01 03 00 01 01 05 05 75 74 66 2d 38 01 ${(text.length / 2).toString(16).padStart(2, "0")} ${text}`;
    const [again] = after({}, BOTH, utf8);
    expect(again.type === "failed" && again.error.message).toBe(
      "proxy rejected the user name or password (STATUS 0x01): \"no [2J luck 'here'\"",
    );
  });
});

describe("a proxy that breaks the protocol", () => {
  test.each([
    ["success before a response", ["01 01 00 01 00"]],
    ["success with the challenge", [`01 03 11 01 85 03 10 ${CHALLENGE} 00 01 00`]],
    ["success after the algorithm", ["01 01 11 01 85", "01 01 00 01 00"]],
    ["no algorithm", [`01 01 03 10 ${CHALLENGE}`]],
    ["two algorithms", [`01 02 11 02 85 05 03 10 ${CHALLENGE}`]],
    ["an empty list of algorithms", [`01 02 11 00 03 10 ${CHALLENGE}`]],
    ["an algorithm that was not offered", [`01 03 11 01 05 10 01 2a 03 10 ${CHALLENGE}`]],
    ["an unknown algorithm", [`01 02 11 01 86 03 10 ${CHALLENGE}`]],
    ["the algorithm twice", ["01 01 11 01 85", `01 02 11 01 85 03 10 ${CHALLENGE}`]],
    ["an empty challenge", ["01 02 11 01 85 03 00"]],
    ["an identifier of two octets", [`01 03 11 01 85 10 02 00 01 03 10 ${CHALLENGE}`]],
    ["neither challenge nor status", ["01 01 11 01 85", "01 01 01 02 68 69"]],
    ["a second challenge", [BOTH, `01 01 03 10 ${CHALLENGE}`]],
    ["another version", ["05 01 00 01 00"]],
    ["no attributes", ["01 00"]],
    ["an attribute twice", [`01 03 11 01 85 03 01 61 03 01 62`]],
  ])("%s", (_what, messages) => {
    expect(after({}, ...messages)[0]).toMatchObject(protocol);
  });

  test("MD5 without an identifier, or with a second one", () => {
    const weak = { algorithms: ["md5"] } as const;
    expect(after(weak, `01 02 11 01 05 03 10 ${CHALLENGE}`)[0]).toMatchObject(protocol);
    expect(after(weak, "01 02 11 01 05 10 01 2a", `01 02 10 01 2b 03 10 ${CHALLENGE}`)[0]).toMatchObject(protocol);
  });

  test("a flood of attributes ends within 4096 octets", () => {
    const { maxMessageLength } = chapClient(alice).start();
    expect(maxMessageLength).toBe(4096);
    const flood = new Uint8Array(maxMessageLength).fill(0x01);
    flood.set(octets("01 ff"));
    expect(chapClient(alice).start().receive(flood)).toMatchObject(protocol);
  });
});

describe("authentication of the proxy", () => {
  const mutual = { challenge: random } as const;
  /** STATUS(0), RESPONSE(...) */
  const proof = (response: Uint8Array): Uint8Array => concat(octets("01 02 00 01 00 04 10"), response);
  const answer = (challenge: Uint8Array, password = "secret"): Uint8Array =>
    chapResponse({ algorithm: HMAC_MD5, password, challenge, md5 });

  test("a right answer is acknowledged", () => {
    const [step, exchange] = after(mutual, BOTH);
    expect(exchange.receive(proof(answer(ownChallenge(step))))).toEqual({
      type: "done",
      consumed: 23,
      send: octets("01 01 00 01 00"),
    });
  });

  test("a wrong answer fails, and the proxy is told", () => {
    for (const wrong of [
      (c: Uint8Array) => answer(c, "other"),
      () => answer(octets(CHALLENGE)),
      () => new Uint8Array(16),
    ]) {
      const [step, exchange] = after(mutual, BOTH);
      expect(exchange.receive(proof(wrong(ownChallenge(step))))).toMatchObject({
        type: "failed",
        send: octets("01 01 00 01 01"),
        error: { code: "ERR_SOCKS_AUTH_UNTRUSTED", side: "remote" },
      });
    }
  });

  test("no answer is let pass with a warning, unless it is required", () => {
    expect(after(mutual, BOTH, "01 01 00 01 00")[0]).toMatchObject({
      type: "done",
      warning: expect.any(String) as string,
    });
    expect(after({ ...mutual, requireMutual: true }, BOTH, "01 01 00 01 00")[0]).toMatchObject({
      type: "failed",
      error: { code: "ERR_SOCKS_AUTH_UNTRUSTED", side: "remote" },
    });
  });

  test("no client with this password answers a challenge of a client with this password", () => {
    const own = ownChallenge(after(mutual, BOTH)[0]);
    expect(own).toHaveLength(48);
    const asked = (password: string): ClientAuthStep => {
      const exchange = chapClient({ ...alice, password }).start();
      return exchange.receive(concat(octets("01 02 11 01 85 03 30"), own));
    };
    expect(asked("secret")).toMatchObject(protocol);
    expect(asked("other")).toMatchObject({ type: "send" });
    // One octet more, less or other, and it is a challenge as any other.
    for (const other of [own.slice(1), own.slice(0, -1), own.map((octet, at) => (at === 3 ? octet ^ 1 : octet))]) {
      const message = concat(octets("01 02 11 01 85 03"), Uint8Array.of(other.length), other);
      expect(after({}, Buffer.from(message).toString("hex"))[0]).toMatchObject({ type: "send" });
    }
  });
});

describe("options that make no sense", () => {
  test.each<readonly [object, string]>([
    [{ username: "" }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ username: "a\0" }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ username: "é".repeat(128) }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ password: "" }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ password: "a\0" }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ password: "\udc00" }, "ERR_SOCKS_AUTH_CREDENTIALS"],
    [{ algorithms: [] }, "ERR_SOCKS_BAD_OPTION"],
    [{ algorithms: ["sha1"] }, "ERR_SOCKS_BAD_OPTION"],
    [{ algorithms: ["constructor"] }, "ERR_SOCKS_BAD_OPTION"],
    [{ requireMutual: true }, "ERR_SOCKS_BAD_OPTION"],
  ])("%o", (options, code) => {
    expect(() => chapClient({ ...alice, ...options })).toThrow(
      expect.objectContaining({ name: "AuthError", code, side: "local" }),
    );
  });

  test("a challenge that could be guessed or does not fit", () => {
    for (const length of [0, 15, 240, 256]) {
      const exchange = chapClient({ ...alice, challenge: () => new Uint8Array(length) }).start();
      expect(() => exchange.receive(octets(BOTH))).toThrow(expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION" }));
    }
    for (const length of [16, 239]) {
      const exchange = chapClient({ ...alice, challenge: () => new Uint8Array(length) }).start();
      expect(exchange.receive(octets(BOTH))).toMatchObject({ type: "send" });
    }
  });

  test("a long password is no problem", () => {
    expect(after({ password: "p".repeat(1000) }, BOTH)[0]).toMatchObject({ type: "send" });
  });
});

test("nothing shows the password, at any time", () => {
  const password = "canary-8vTq2L";
  const method = chapClient({ ...alice, password, challenge: random });
  const exchange = method.start();
  const steps = [exchange.begin(), exchange.receive(octets(BOTH)), exchange.receive(octets("01 01 00 01 01"))];
  checkNoSecrets({ method, exchange, steps }, [password]);
  for (const options of [{ username: "" }, { algorithms: [] }, { password: `${password}\0` }] as const) {
    try {
      chapClient({ ...alice, password, ...options });
      expect.unreachable();
    } catch (error) {
      checkNoSecrets(error, [password]);
    }
  }
});
