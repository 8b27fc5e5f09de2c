import type { Random } from "./random.ts";

/** Something that gets octets from strangers. */
export interface Target {
  /** Name for reports and for `--target`. */
  readonly name: string;
  /** Inputs to begin with: octets of the vectors. */
  readonly corpus: readonly Uint8Array[];
  /** Gives the target the input; throws what an invariant says when one is broken. May wait, where sockets take part. */
  check(input: Uint8Array, random: Random): void | Promise<void>;
  /** Frees what inputs have opened. */
  close?(): Promise<void>;
}
