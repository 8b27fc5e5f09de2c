import { describe, expect, test } from "vitest";
import { probe } from "../src/fuzz.ts";
import { cut, mutate } from "../src/mutate.ts";
import { Random } from "../src/random.ts";
import type { Target } from "../src/target.ts";
import { allTargets } from "../src/targets.ts";

const targets = allTargets();

describe.each(targets)("$name", (target) => {
  test("has vectors to begin with", () => {
    expect(target.corpus.length).toBeGreaterThan(0);
  });

  test("keeps its promises for 500 inputs", async () => {
    for (let seed = 1; seed <= 500; seed += 1) expect(await probe(target, seed)).toBeUndefined();
    await target.close?.();
  });
});

describe("the fuzzer", () => {
  const corpus = [Uint8Array.of(0x05, 0x01, 0x00), Uint8Array.of(0x04, 0x01, 0x00, 0x50)];

  test("makes the same input for the same seed, and many different ones", () => {
    const inputs = Array.from({ length: 200 }, (_, seed) => mutate(corpus, new Random(seed)).join());
    expect(Array.from({ length: 200 }, (_, seed) => mutate(corpus, new Random(seed)).join())).toEqual(inputs);
    expect(new Set(inputs).size).toBeGreaterThan(120);
  });

  test("cuts without losing an octet", () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const pieces = cut(bytes, new Random(7));
    expect(pieces.flatMap((piece) => [...piece])).toEqual([...bytes]);
    expect(pieces.length).toBeGreaterThan(30);
  });

  test("finds a planted fault and says how to get it again", async () => {
    const planted: Target = {
      name: "planted",
      corpus,
      check(input) {
        if (input[0] === 0x05 && input.length === 2) throw new TypeError("read past the end");
      },
    };
    const findings = await Promise.all(Array.from({ length: 5000 }, (_, seed) => probe(planted, seed)));
    const finding = findings.find((found) => found !== undefined);
    expect(finding).toMatchObject({ target: "planted", input: expect.stringMatching(/^05 [0-9a-f]{2}$/) });
    expect(await probe(planted, finding?.seed ?? -1)).toEqual(finding);
  });
});
