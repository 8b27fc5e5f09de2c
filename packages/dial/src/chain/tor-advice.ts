import { REP } from "@sockskit/wire";

/** What to do about Tor's replies about onion services, which it gives on ports with `ExtendedErrors`. */
const ADVICE: Readonly<Record<number, string>> = {
  [REP.torDescriptorNotFound]: "the service is not there, or not now: check the address, or try again later",
  [REP.torDescriptorInvalid]: "what the service says of itself is broken: only its operator can mend that",
  [REP.torIntroductionFailed]: "the service could not be told of this client: it may be gone or overloaded; try again",
  [REP.torRendezvousFailed]: "the service and this client did not meet: try again",
  [REP.torClientAuthorizationMissing]:
    "the service is for known clients only: give Tor the key that its operator gave out (ClientOnionAuthDir)",
  [REP.torClientAuthorizationWrong]:
    "the key that Tor has for the service (ClientOnionAuthDir) is not one that it takes: ask its operator for another",
  [REP.torOnionAddressInvalid]: "the name is mistyped or cut: an onion name has 56 characters before .onion",
  [REP.torIntroductionTimedOut]: "the service did not answer in time: try again later",
};

/** What a person can do about a reply of Tor; `undefined` for every other `REP`. */
export function torAdvice(reply: number): string | undefined {
  return ADVICE[reply];
}
