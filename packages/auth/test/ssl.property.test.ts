import { checkAuthMethod } from "@sockskit/testing";
import { describe, test } from "vitest";
import {
  cramClient,
  cramServer,
  noneClient,
  noneServer,
  sslClient,
  sslServer,
  userPassClient,
  userPassServer,
} from "../src/index.ts";
import type { CramEvidence, CramQuestion } from "../src/index.ts";

const userPass = userPassClient({ username: "alice", password: "correct horse" });

describe("ssl fulfils the contract of a method", () => {
  test("with a password inside", () => {
    checkAuthMethod({
      client: sslClient({ methods: [noneClient(), userPass] }),
      server: sslServer({ methods: [userPassServer()] }),
      asks: true,
    });
  });

  test("with questions inside", () => {
    checkAuthMethod({
      client: sslClient({ methods: [cramClient({ username: "alice" })], udpNaked: true }),
      server: sslServer({ methods: [cramServer()], udpNaked: true }),
      asks: true,
      verdicts: 2,
      judge(evidence, accept, identity) {
        const { round } = evidence as CramEvidence;
        if (round === 0) return { accepted: false, challenge: "?" } as { accepted: false };
        return accept ? { accepted: true, identity } : { accepted: false };
      },
      answer: (question) => ({ type: (question as CramQuestion).type, response: "!" }),
    });
  });

  test("with nobody asked inside", () => {
    checkAuthMethod({
      client: sslClient({ methods: [noneClient()], method: 0x86 }),
      server: sslServer({ methods: [noneServer()], method: 0x86 }),
      asks: false,
    });
    checkAuthMethod({ client: sslClient(), server: sslServer({ methods: [noneServer()] }), asks: false });
  });
});
