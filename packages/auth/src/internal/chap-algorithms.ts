import { CHAP_ALGORITHM } from "@sockskit/wire";

import { AuthError } from "../errors.ts";

/** An algorithm of CHAP by its name: `hmac-md5` of the draft, or the weak `md5` of RFC 1994. */
export type ChapAlgorithm = "hmac-md5" | "md5";

const NUMBERS: Readonly<Record<ChapAlgorithm, number>> = {
  "hmac-md5": CHAP_ALGORITHM.hmacMd5,
  md5: CHAP_ALGORITHM.md5,
};

/** Fewest octets of randomness in a challenge, and most: the mark of a client must fit behind them. */
const MIN_CHALLENGE_LENGTH = 16;
const MAX_CHALLENGE_LENGTH = 0xef;

/** The octets of an ALGORITHMS attribute. Throws for none and for unknown ones. */
export function algorithmOctets(names: readonly ChapAlgorithm[] | undefined): Uint8Array {
  const list = names ?? ["hmac-md5"];
  const numbers = list.map((name) => (Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined));
  if (numbers.length === 0 || numbers.includes(undefined)) {
    throw badOption(`CHAP algorithms are ${JSON.stringify(list)}; expected "hmac-md5", "md5" or both`);
  }
  return Uint8Array.from(new Set(numbers as number[]));
}

/** Takes a challenge from its source. Throws for one that could be guessed or does not fit. */
export function takeChallenge(source: () => Uint8Array): Uint8Array {
  const challenge = new Uint8Array(source());
  const { length } = challenge;
  if (length < MIN_CHALLENGE_LENGTH || length > MAX_CHALLENGE_LENGTH) {
    throw badOption(
      `the challenge has ${length} octets; expected ${MIN_CHALLENGE_LENGTH} to ${MAX_CHALLENGE_LENGTH}, and 32 is good`,
    );
  }
  return challenge;
}

function badOption(message: string): AuthError {
  return new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}
