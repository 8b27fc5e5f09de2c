import { inspect } from "node:util";
import { checkNoSecrets, octets } from "@sockskit/testing";
import { expect, test } from "vitest";
import { AuthError, userPassClient, userPassServer } from "../src/index.ts";

const CANARY = "canary-7Qm2xW";

test("a client method and its exchange show no password", () => {
  const method = userPassClient({ username: "alice", password: CANARY });
  const exchange = method.start();
  exchange.begin();
  checkNoSecrets({ method, exchange, step: exchange.receive(octets("01 01")) }, [CANARY]);
});

test("evidence hands the password over and shows it to nobody else", () => {
  const sent = userPassClient({ username: "alice", password: CANARY }).start().begin();
  const exchange = userPassServer().start();
  const step = exchange.receive(sent ?? new Uint8Array(0));
  const evidence = step.type === "verify" && step.evidence.type === "userpass" ? step.evidence : undefined;
  expect(Buffer.from(evidence?.password ?? []).toString()).toBe(CANARY);
  checkNoSecrets(JSON.stringify(step), [CANARY]);
  checkNoSecrets(inspect(step, { showHidden: true, depth: Infinity }), [CANARY]);
  checkNoSecrets({ ...evidence }, [CANARY]);
  checkNoSecrets({ exchange, after: exchange.resolve({ accepted: false }) }, [CANARY]);
});

test("errors about credentials do not quote them", () => {
  for (const options of [
    { username: "", password: CANARY },
    { username: "alice", password: CANARY.repeat(20) },
    { username: "alice", password: `${CANARY}\0` },
    { username: `${CANARY}\0`, password: "" },
    { username: "alice", password: `${CANARY}\ud800` },
  ]) {
    let thrown: unknown;
    try {
      userPassClient(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AuthError);
    checkNoSecrets(thrown, [CANARY]);
  }
});
