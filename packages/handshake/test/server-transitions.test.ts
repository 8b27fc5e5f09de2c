import { noneServer, userPassServer } from "@sockskit/auth";
import { concat, octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { SERVER_TRANSITIONS, ServerHandshake, type ServerState, type ServerTransition } from "../src/index.ts";
import { protectingServer } from "./protecting-method.ts";

const TRANSITIONS = [
  "socks4", "socks5", "select", "verify", "verdict", "secure", "secured", "authenticated", "request", "listen", "grant", "refuse", "fail",
] as const; // prettier-ignore

// Every pair, in the order of TRANSITIONS; "-" is not allowed.
const EXPECTED: Readonly<Record<ServerState, string>> = {
  start: "requesting4 greeting - - - - - - - - - - failed",
  greeting: "- - authenticating - - - - - - - - - failed",
  authenticating: "- - - verifying - securing - requesting - - - - failed",
  verifying: "- - - - authenticating - - - - - - - failed",
  securing: "- - - - - - authenticating - - - - - failed",
  requesting: "- - - - - - - - deciding - - - failed",
  requesting4: "- - - - - - - - deciding - - - failed",
  deciding: "- - - - - - - - - binding established failed failed",
  binding: "- - - - - - - - - - established failed failed",
  established: "- - - - - - - - - - - - failed",
  failed: "- - - - - - - - - - - - -",
};

test("every pair of state and transition", () => {
  const table: Record<string, string> = {};
  for (const state of Object.keys(SERVER_TRANSITIONS) as ServerState[]) {
    const row: Readonly<Partial<Record<ServerTransition, ServerState>>> = SERVER_TRANSITIONS[state];
    for (const transition of Object.keys(row)) expect(TRANSITIONS).toContain(transition);
    table[state] = TRANSITIONS.map((transition) => row[transition] ?? "-").join(" ");
  }
  expect(table).toEqual(EXPECTED);
});

const GREETING = octets("05 01 02");
const CREDENTIALS = octets("01 01 61 01 62");
const PROTECTED = octets("05 01 f0 11"); // the method of this test
const CONNECT = octets("05 01 00 01 c0 00 02 0a 00 50");
const BIND = octets("05 02 00 01 c0 00 02 0a 00 50");
const ACCEPTED = { accepted: true } as const;
const GRANTED = { rep: 0x00 } as const;
const REFUSED = { rep: 0x02 } as const;

/** A machine in each state. */
const IN_STATE: Readonly<Record<ServerState, () => ServerHandshake>> = {
  start: () => machine(),
  greeting: () => machine(octets("05")),
  authenticating: () => machine(GREETING),
  verifying: () => machine(GREETING, CREDENTIALS),
  securing() {
    const securing = machine(PROTECTED);
    securing.authenticated(ACCEPTED);
    return securing;
  },
  requesting: () => authenticated(),
  requesting4: () => machine(octets("04")),
  deciding: () => authenticated(CONNECT),
  binding() {
    const binding = authenticated(BIND);
    binding.reply(GRANTED);
    return binding;
  },
  established() {
    const established = authenticated(CONNECT);
    established.reply(GRANTED);
    return established;
  },
  failed: () => machine(octets("47")),
};

function machine(...received: Uint8Array[]): ServerHandshake {
  const server = new ServerHandshake({ authMethods: [userPassServer(), protectingServer()], commands: [0x01, 0x02] });
  server.receive(concat(...received));
  return server;
}

function authenticated(...received: Uint8Array[]): ServerHandshake {
  const server = machine(GREETING, CREDENTIALS, ...received);
  server.authenticated(ACCEPTED);
  return server;
}

describe("verbs in every state", () => {
  const misuse = expect.objectContaining({ name: "HandshakeError", code: "ERR_SOCKS_STATE", side: "local" }) as Error;

  for (const state of Object.keys(IN_STATE) as ServerState[]) {
    test(state, () => {
      expect(IN_STATE[state]().state).toBe(state);

      const verdict = IN_STATE[state]();
      if (state === "failed") expect(verdict.authenticated(ACCEPTED)).toEqual([]);
      else if (state === "verifying") expect(verdict.authenticated(ACCEPTED)).not.toEqual([]);
      else expect(() => verdict.authenticated(ACCEPTED)).toThrow(misuse);
      expect(verdict.state).toBe(state === "verifying" ? "requesting" : state);

      for (const reply of [GRANTED, REFUSED]) {
        const replied = IN_STATE[state]();
        const after = reply === GRANTED ? "established" : "failed";
        if (state === "failed") expect(replied.reply(reply)).toEqual([]);
        else if (state === "deciding" || state === "binding") expect(replied.reply(reply)).not.toEqual([]);
        else expect(() => replied.reply(reply)).toThrow(misuse);
        expect(replied.state).toBe(state === "deciding" || state === "binding" ? after : state);
      }

      const secured = IN_STATE[state]();
      if (state === "failed") expect(secured.secured()).toEqual([]);
      else if (state !== "securing") expect(() => secured.secured()).toThrow(misuse);
      expect(secured.state).toBe(state);

      // A verb that is not allowed changes nothing: what is next still works.
      const undisturbed = IN_STATE[state]();
      if (state !== "verifying" && state !== "failed")
        expect(() => undisturbed.authenticated(ACCEPTED)).toThrow(misuse);
      undisturbed.receive(octets("00"));
      // 00 breaks each of these: no version, no method offered, no VER.
      const reads = ["start", "greeting", "authenticating", "requesting"].includes(state);
      expect(undisturbed.state).toBe(reads ? "failed" : state);

      // Only what was received behind a request, or for a layer, is handed over.
      const handsOver = state === "securing" || state === "deciding" || state === "binding" || state === "established";
      expect(undisturbed.takeTrailingData()).toEqual(handsOver ? octets("00") : undefined);
      expect(undisturbed.takeTrailingData()).toBeUndefined();
    });
  }
});

test("a refused first reply to BIND ends it, a granted one does not", () => {
  const refused = authenticated(BIND);
  refused.reply(REFUSED);
  expect(refused.state).toBe("failed");
  const granted = IN_STATE.binding();
  granted.reply(REFUSED);
  expect(granted.state).toBe("failed");
});

test("none needs no verdict", () => {
  const server = new ServerHandshake({ authMethods: [noneServer()] });
  server.receive(octets("05 01 00"));
  expect(server.state).toBe("requesting");
});
