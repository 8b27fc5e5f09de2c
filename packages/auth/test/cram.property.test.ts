import { checkAuthMethod } from "@sockskit/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type CramEvidence, type CramQuestion, cramClient, cramServer } from "../src/index.ts";

test.each([0, 1, 10])("cram with %i challenges fulfils the contract of a method", (rounds) => {
  checkAuthMethod({
    client: cramClient({ username: "alice" }),
    server: cramServer(),
    asks: true,
    verdicts: rounds + 1,
    judge: (evidence, accept, identity) => {
      const { round } = evidence as CramEvidence;
      if (round < rounds) return { accepted: false, challenge: `number ${round + 1}?`, text: "please" };
      return accept ? { accepted: true, identity } : { accepted: false };
    },
    answer: (question) => ({ type: "cram", response: (question as CramQuestion).prompt }),
  });
});

test("name, challenge and answer arrive as they were", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "漢", "😀", "-"), minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(text, text, text, (username, challenge, response) => {
      const client = cramClient({ username }).start();
      const server = cramServer().start();
      server.receive(client.begin() ?? new Uint8Array(0));
      const asked = server.resolve({ accepted: false, challenge });
      const question = client.receive(asked.type === "send" ? asked.data : new Uint8Array(0));
      expect(question).toMatchObject({ type: "ask", question: { prompt: challenge } });
      const answered = client.answer?.({ type: "cram", response });
      const step = server.receive(answered?.type === "send" ? answered.data : new Uint8Array(0));
      if (step.type !== "verify" || step.evidence.type !== "cram") return expect.unreachable();
      expect(new TextDecoder().decode(step.evidence.username)).toBe(username);
      expect(new TextDecoder().decode(step.evidence.response)).toBe(response);
    }),
  );
});
