import { checkAuthMethod, questionMethod } from "@sockskit/testing";
import { mafId } from "@sockskit/wire";
import { test } from "vitest";
import {
  AuthError,
  type CramEvidence,
  type CramQuestion,
  cramClient,
  cramServer,
  mafClient,
  mafServer,
  userPassClient,
  userPassServer,
} from "../src/index.ts";

const uuid = Uint8Array.from({ length: 16 }, (_, index) => index);
const question = questionMethod(() => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong answer", { side: "remote" }));
const questionClient = { id: mafId(0x0001_0000), start: () => question.client("A!") };
const questionServer = { id: mafId(0x0001_0000), start: () => question.server() };
const userPass = userPassClient({ username: "alice", password: "correct horse" });

test("maf fulfils the contract of a method", () => {
  checkAuthMethod({
    client: mafClient({ methods: [questionClient] }),
    server: mafServer({ methods: [questionServer] }),
    asks: true,
  });
});

test("maf with two methods does", () => {
  checkAuthMethod({
    client: mafClient({ methods: [questionClient, { id: uuid, start: () => userPass.start() }] }),
    server: mafServer({ methods: [{ id: uuid, start: () => userPassServer().start() }, questionServer] }),
    asks: true,
    verdicts: 2,
  });
});

test("maf with a method that asks does", () => {
  checkAuthMethod({
    client: mafClient({ methods: [{ id: uuid, start: () => cramClient({ username: "alice" }).start() }] }),
    server: mafServer({ methods: [{ id: uuid, start: () => cramServer().start() }] }),
    asks: true,
    verdicts: 3,
    judge: (evidence, accept, identity) => {
      if ((evidence as CramEvidence).round < 2) return { accepted: false, challenge: "?" };
      return accept ? { accepted: true, identity } : { accepted: false };
    },
    answer: (asked) => ({ type: "cram", response: (asked as CramQuestion).prompt }),
  });
});
