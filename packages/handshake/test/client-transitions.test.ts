import { cramClient, userPassClient } from "@sockskit/auth";
import { concat, octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { CLIENT_TRANSITIONS, ClientHandshake, type ClientState, type ClientTransition } from "../src/index.ts";
import { protectingClient } from "./protecting-method.ts";

const TRANSITIONS = [
  "greet",
  "request",
  "selected",
  "ask",
  "answer",
  "secure",
  "secured",
  "authenticated",
  "listening",
  "granted",
  "fail",
] as const;

// Every pair, in the order of TRANSITIONS; "-" is not allowed.
const EXPECTED: Readonly<Record<ClientState, string>> = {
  start: "negotiating requesting - - - - - - - - -",
  negotiating: "- - authenticating - - - - - - - failed",
  authenticating: "- - - asking - securing - requesting - - failed",
  asking: "- - - - authenticating - - - - - failed",
  securing: "- - - - - - authenticating - - - failed",
  requesting: "- - - - - - - - binding established failed",
  binding: "- - - - - - - - - established failed",
  established: "- - - - - - - - - - failed",
  failed: "- - - - - - - - - - -",
};

test("every pair of state and transition", () => {
  const table: Record<string, string> = {};
  for (const state of Object.keys(CLIENT_TRANSITIONS) as ClientState[]) {
    const row: Readonly<Partial<Record<ClientTransition, ClientState>>> = CLIENT_TRANSITIONS[state];
    for (const transition of Object.keys(row)) expect(TRANSITIONS).toContain(transition);
    table[state] = TRANSITIONS.map((transition) => row[transition] ?? "-").join(" ");
  }
  expect(table).toEqual(EXPECTED);
});

const ANSWER = { type: "cram", response: "b" } as const;
const SELECTED = octets("05 02");
const ASKED = octets("05 05 01 01 03 01 3f"); // CRAM, CHALLENGE("?")
const PROTECTED = octets("05 f0 22"); // the method of this test
const AUTHENTICATED = octets("05 02 01 00");
const GRANTED = octets("05 00 00 01 c6 33 64 07 c3 50");

/** A machine in each state. */
const IN_STATE: Readonly<Record<ClientState, () => ClientHandshake>> = {
  start: () => client("connect"),
  negotiating: () => started("connect"),
  authenticating: () => started("connect", SELECTED),
  asking: () => started("connect", ASKED),
  securing: () => started("connect", PROTECTED),
  requesting: () => started("connect", AUTHENTICATED),
  binding: () => started("bind", AUTHENTICATED, GRANTED),
  established: () => started("connect", AUTHENTICATED, GRANTED),
  failed: () => started("connect", octets("48")),
};

function client(command: "connect" | "bind"): ClientHandshake {
  const authMethods = [userPassClient({ username: "a" }), cramClient({ username: "a" }), protectingClient()];
  return new ClientHandshake({ version: 5, command, destination: parseAddress("192.0.2.10", 80), authMethods });
}

function started(command: "connect" | "bind", ...received: Uint8Array[]): ClientHandshake {
  const machine = client(command);
  machine.start();
  machine.receive(concat(...received));
  return machine;
}

describe("verbs in every state", () => {
  const misuse = expect.objectContaining({ name: "HandshakeError", code: "ERR_SOCKS_STATE", side: "local" }) as Error;

  for (const state of Object.keys(IN_STATE) as ClientState[]) {
    test(state, () => {
      const machine = IN_STATE[state]();
      expect(machine.state).toBe(state);
      if (state === "start") {
        expect(() => machine.receive(octets("05"))).toThrow(misuse);
        expect(() => machine.answer(ANSWER)).toThrow(misuse);
        expect(() => machine.secured()).toThrow(misuse);
        expect(machine.start()).not.toEqual([]);
        expect(machine.state).toBe("negotiating");
        return;
      }
      expect(() => machine.start()).toThrow(misuse);
      if (state === "failed") expect(machine.answer(ANSWER)).toEqual([]);
      else if (state !== "asking") expect(() => machine.answer(ANSWER)).toThrow(misuse);
      if (state === "failed") expect(machine.secured()).toEqual([]);
      else if (state !== "securing") expect(() => machine.secured()).toThrow(misuse);
      expect(machine.state).toBe(state);

      machine.receive(octets("ff"));
      const done = state === "established";
      // The reply has two octets; while it asks, it looks at nothing.
      const waiting = state === "authenticating" || state === "asking" || state === "securing";
      expect(machine.state).toBe(done || waiting ? state : "failed");
      expect(machine.takeTrailingData()).toEqual(done || state === "securing" ? octets("ff") : undefined);
      expect(machine.takeTrailingData()).toBeUndefined();
    });
  }
});

test("an answer goes out, and what came meanwhile is read", () => {
  const machine = IN_STATE.asking();
  expect(machine.receive(octets("01 01 00 01 00"))).toEqual([]);
  expect(machine.answer(ANSWER)).toEqual([
    { type: "send", data: octets("01 01 04 01 62"), secret: true },
    { type: "progress", step: "authenticated", method: 0x05, methodName: "cram", warning: undefined },
    { type: "send", data: octets("05 01 00 01 c0 00 02 0a 00 50"), secret: false },
  ]);
  expect(machine.state).toBe("requesting");
});

test("who answers nothing is to blame", () => {
  const machine = IN_STATE.asking();
  expect(machine.answer({ type: "cram", response: undefined })).toMatchObject([
    { type: "failed", error: { code: "ERR_SOCKS_AUTH_CREDENTIALS", side: "local", stage: "authenticate" } },
  ]);
  expect(machine.state).toBe("failed");
});

test("a proxy that floods a client while it asks is cut off", () => {
  const machine = IN_STATE.asking();
  const events = machine.receive(new Uint8Array(65_537));
  expect(events).toMatchObject([{ type: "failed", error: { code: "ERR_SOCKS_OVERFLOW", side: "remote" } }]);
  expect(machine.answer(ANSWER)).toEqual([]);
});

test("SOCKS 4 begins with its request", () => {
  const machine = new ClientHandshake({ version: 4, destination: parseAddress("192.0.2.10", 80) });
  machine.start();
  expect(machine.state).toBe("requesting");
});
