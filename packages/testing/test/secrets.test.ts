import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { checkNoSecrets } from "../src/index.ts";

const SECRET = "canary-9f3a:x";

class Keeper {
  readonly #secret: string;
  constructor(secret: string) {
    this.#secret = secret;
  }
  get length(): number {
    return this.#secret.length;
  }
}

class Getter extends Keeper {
  get password(): string {
    return SECRET;
  }
}

const hidden = Object.defineProperty({}, "password", { value: SECRET, enumerable: false });
const cyclic: { self?: unknown; count: bigint } = { count: 1n };
cyclic.self = cyclic;

describe("what hides the secret passes", () => {
  test.each([
    ["nothing", undefined],
    ["a private field", new Keeper(SECRET)],
    ["an error", new Error("refused", { cause: new Keeper(SECRET) })],
    ["a cyclic object with a bigint", cyclic],
    ["an object without a prototype", Object.create(null)],
  ])("%s", (_name, value) => {
    checkNoSecrets(value, [SECRET]);
  });
});

describe("what shows the secret is found out", () => {
  test.each([
    ["a message", new Error(`cannot log in with ${SECRET}`)],
    ["the cause of a cause", new Error("a", { cause: new Error("b", { cause: new Error(SECRET) }) })],
    ["one of several errors", new AggregateError([new Error("a"), new Error(SECRET)])],
    ["an enumerable property", { options: { deep: { password: SECRET } } }],
    ["a hidden property", hidden],
    [
      "a getter",
      {
        get password() {
          return SECRET;
        },
      },
    ],
    ["a getter of the class", new Getter(SECRET)],
    ["toJSON", { toJSON: () => SECRET }],
    ["toString", { toString: () => SECRET }],
    ["a custom inspect", { [inspect.custom]: () => SECRET }],
    ["octets", { password: new TextEncoder().encode(SECRET) }],
    ["a Buffer", { password: Buffer.from(SECRET) }],
    ["percent-encoding", `socks5://u:${encodeURIComponent(SECRET)}@h`],
    ["base64", Buffer.from(SECRET).toString("base64")],
  ])("%s", (_name, value) => {
    expect(() => checkNoSecrets(value, [SECRET])).toThrow(/a secret can be read/);
  });
});

test("the failure itself does not tell the secret", () => {
  try {
    checkNoSecrets(SECRET, [SECRET]);
  } catch (error) {
    checkNoSecrets((error as Error).message, [SECRET]);
    return;
  }
  expect.unreachable();
});
