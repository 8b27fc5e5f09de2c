// Challenges of a client that wants the server to prove itself.
//
// The draft says only that nobody answers a challenge of their own. That is not enough: a false server could take
// the challenge of one connection and put it to the same client, or to another one with the same password, on a
// second connection, and answer the first with what it gets. So a client's challenge is marked with the password,
// and no client answers a challenge that carries the mark.

import { type Md5, hmacMd5 } from "./hmac-md5.ts";
import { joinOctets, sameOctets } from "./octets.ts";

const MARK_LENGTH = 16;
const LABEL = Uint8Array.from("sockskit: challenge of a CHAP client", (character) => character.charCodeAt(0));

/** Random octets and the mark behind them. */
export function markChallenge(random: Uint8Array, password: Uint8Array, md5: Md5): Uint8Array {
  return joinOctets(random, mark(random, password, md5));
}

/** Whether a client with this password made the challenge. */
export function isMarkedChallenge(challenge: Uint8Array, password: Uint8Array, md5: Md5): boolean {
  const random = challenge.subarray(0, -MARK_LENGTH);
  return random.length >= MARK_LENGTH && sameOctets(challenge.subarray(-MARK_LENGTH), mark(random, password, md5));
}

function mark(random: Uint8Array, password: Uint8Array, md5: Md5): Uint8Array {
  return hmacMd5(md5, password, joinOctets(LABEL, random));
}
