import { checkAuthMethod, octets } from "@sockskit/testing";
import { test } from "vitest";
import { gssapiClient, type GssapiEvidence, type GssapiQuestion, gssapiServer } from "../src/index.ts";

test.each([
  [1, false],
  [3, false],
  [8, false],
  [1, true],
])("GSS-API of %i rounds (NEC %s) fulfils the contract of a method", (rounds, nec) => {
  checkAuthMethod({
    client: gssapiClient({ nec }),
    server: gssapiServer({ nec }),
    asks: true,
    verdicts: rounds + 1,
    judge: (evidence, accept, identity) => {
      const { step, token } = evidence as GssapiEvidence;
      if (step !== "context") return accept ? granted(identity) : { accepted: false };
      const complete = token[0] === rounds;
      return { accepted: false, token: token.slice(), complete };
    },
    // The token says which round it is.
    answer(question) {
      const { step, token } = question as GssapiQuestion;
      if (step === "level") return { type: "gssapi", protection: "none" };
      const round = token?.[0] ?? 0;
      if (round < rounds) return { type: "gssapi", token: Uint8Array.of(round + 1, 0xaa), level: undefined };
      return { type: "gssapi", token: octets(""), level: octets(nec ? "02" : "77 00 02") };
    },
  });

  function granted(identity: string): { accepted: true; identity: string } {
    const verdict = {
      accepted: true,
      identity,
      response: octets(nec ? "00" : "77 00 00"),
      protection: "none",
    } as const;
    return verdict;
  }
});
