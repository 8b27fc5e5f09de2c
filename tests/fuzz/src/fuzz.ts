import { hex } from "@sockskit/testing";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** An input that broke an invariant. */
export interface Finding {
  /** Name of the target. */
  readonly target: string;
  /** Seed that makes the same input and the same choices again. */
  readonly seed: number;
  /** The input in hexadecimal: a failing one becomes a vector. */
  readonly input: string;
  /** Which invariant. */
  readonly error: unknown;
}

/** Gives the target one input that follows from the seed. */
export async function probe(target: Target, seed: number): Promise<Finding | undefined> {
  const random = new Random(seed);
  const input = mutate(target.corpus, random);
  try {
    await target.check(input, random);
    return undefined;
  } catch (error) {
    return { target: target.name, seed, input: hex(input), error };
  }
}
