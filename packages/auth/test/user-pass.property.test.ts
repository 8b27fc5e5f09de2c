import { checkAuthMethod } from "@sockskit/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { userPassClient, userPassServer } from "../src/index.ts";

test("userpass fulfils the contract of a method", () => {
  const client = userPassClient({ username: "alice", password: "correct horse" });
  checkAuthMethod({ client, server: userPassServer(), asks: true });
});

test("the server sees the octets that the client was given", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "漢", "😀", " ", "\n"), maxLength: 60 });
  fc.assert(
    fc.property(text, text, (name, password) => {
      const username = `u${name}`;
      const sent = userPassClient({ username, password }).start().begin();
      const step = userPassServer()
        .start()
        .receive(sent ?? new Uint8Array(0));
      expect(step).toMatchObject({ type: "verify", consumed: sent?.length });
      if (step.type !== "verify" || step.evidence.type !== "userpass") return;
      expect(new TextDecoder().decode(step.evidence.username)).toBe(username);
      expect(new TextDecoder().decode(step.evidence.password)).toBe(password);
    }),
  );
});
