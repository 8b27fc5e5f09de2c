import { userPassClient } from "@sockskit/auth";
import { concat, octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { CLIENT_TRANSITIONS, ClientHandshake, type ClientState, type ClientTransition } from "../src/index.ts";

const TRANSITIONS = ["greet", "request", "selected", "authenticated", "listening", "granted", "fail"] as const;

// Every pair, in the order of TRANSITIONS; "-" is not allowed.
const EXPECTED: Readonly<Record<ClientState, string>> = {
  start: "negotiating requesting - - - - -",
  negotiating: "- - authenticating - - - failed",
  authenticating: "- - - requesting - - failed",
  requesting: "- - - - binding established failed",
  binding: "- - - - - established failed",
  established: "- - - - - - failed",
  failed: "- - - - - - -",
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

const SELECTED = octets("05 02");
const AUTHENTICATED = octets("05 02 01 00");
const GRANTED = octets("05 00 00 01 c6 33 64 07 c3 50");

/** A machine in each state. */
const IN_STATE: Readonly<Record<ClientState, () => ClientHandshake>> = {
  start: () => client("connect"),
  negotiating: () => started("connect"),
  authenticating: () => started("connect", SELECTED),
  requesting: () => started("connect", AUTHENTICATED),
  binding: () => started("bind", AUTHENTICATED, GRANTED),
  established: () => started("connect", AUTHENTICATED, GRANTED),
  failed: () => started("connect", octets("48")),
};

function client(command: "connect" | "bind"): ClientHandshake {
  const authMethods = [userPassClient({ username: "a" })];
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
        expect(machine.start()).not.toEqual([]);
        expect(machine.state).toBe("negotiating");
        return;
      }
      expect(() => machine.start()).toThrow(misuse);
      expect(machine.state).toBe(state);

      machine.receive(octets("ff"));
      const done = state === "established";
      const waiting = state === "authenticating"; // its reply has two octets
      expect(machine.state).toBe(done || waiting ? state : "failed");
      expect(machine.takeTrailingData()).toEqual(done ? octets("ff") : undefined);
      expect(machine.takeTrailingData()).toBeUndefined();
    });
  }
});

test("SOCKS 4 begins with its request", () => {
  const machine = new ClientHandshake({ version: 4, destination: parseAddress("192.0.2.10", 80) });
  machine.start();
  expect(machine.state).toBe("requesting");
});
