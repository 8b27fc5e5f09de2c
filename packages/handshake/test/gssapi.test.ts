// GSS-API through both machines, on the octets of the vectors, cut at every place. Octets that come behind the
// agreement stay with the owner, who has to take the protection off first.
import { type AuthVerdict, gssapiClient, gssapiServer } from "@sockskit/auth";
import { concat, everySplit, hex, octets, singleOctets } from "@sockskit/testing";
import { conversations, messageOctets } from "@sockskit/vectors";
import { parseAddress } from "@sockskit/wire";
import { expect, test } from "vitest";
import { ClientHandshake, ServerHandshake } from "../src/index.ts";
import { clientLine, serverLine } from "./machine-log.ts";

const TOKENS = {
  client: "60 0c 06 06 2b 06 01 05 05 02 41 50 2d 31",
  server: "60 0c 06 06 2b 06 01 05 05 02 41 50 2d 32",
};
const REQUEST = "01 03 00 14 77 00 05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50";

function sent(name: string, from: "client" | "server", count: number): Uint8Array {
  const conversation = conversations().find((candidate) => candidate.name === name);
  const steps = conversation?.steps.filter((step) => step.from === from).slice(0, count) ?? [];
  return concat(...steps.flatMap((step) => step.messages.map(messageOctets)));
}

function runServer(chunks: Iterable<Uint8Array>): { log: string[]; left: string } {
  const machine = new ServerHandshake({ authMethods: [gssapiServer()] });
  const log: string[] = [];
  const left: string[] = [];
  for (const chunk of chunks) {
    const events = [...machine.receive(chunk)];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      log.push(serverLine(event));
      if (event.type !== "authenticate" || event.evidence.type !== "gssapi") continue;
      const verdict: AuthVerdict =
        event.evidence.step === "context"
          ? { accepted: false, token: octets(TOKENS.server), complete: true }
          : { accepted: true, identity: "alice", response: octets("77 00 01"), protection: "integrity" };
      events.push(...machine.authenticated(verdict));
    }
    if (machine.state === "securing") left.push(hex(machine.takeTrailingData() ?? new Uint8Array(0)));
  }
  const inside = machine.secured().map(serverLine);
  const request = machine.receive(octets(REQUEST).subarray(6)).map(serverLine);
  return { log: [...log, ...inside, ...request], left: left.filter((text) => text !== "").join(" ") };
}

test("a server agrees on integrity, and reads the request only without its frame", () => {
  const fromClient = concat(sent("gss-level1", "client", 3), octets(REQUEST));
  const whole = runServer([fromClient]);
  expect(whole).toEqual({
    log: [
      "send 05 01",
      `authenticate gssapi context ${TOKENS.client}`,
      `send 01 01 00 0e ${TOKENS.server}`,
      "authenticate gssapi level 77 00 01",
      "send 01 02 00 03 77 00 01",
      "secure gssapi gssapi",
      "authenticated gssapi as alice",
      "request 5 connect example.com:80 gssapi alice",
    ],
    left: REQUEST,
  });
  for (const split of [...everySplit(fromClient), singleOctets(fromClient)]) expect(runServer(split)).toEqual(whole);
});

test("a request that nobody protected is not read", () => {
  const machine = new ServerHandshake({ authMethods: [gssapiServer()] });
  machine.receive(sent("gss-level1", "client", 2));
  machine.authenticated({ accepted: false, token: octets(TOKENS.server), complete: true });
  const events = machine.receive(octets("05 01 00 01 7f 00 00 01 00 50")).map(serverLine);
  expect(events).toEqual(["send 01 ff", "failed ERR_SOCKS_AUTH_PROTOCOL remote authenticate"]);
});

function runClient(chunks: Iterable<Uint8Array>): { log: string[]; left: string } {
  const options = { version: 5, destination: parseAddress("example.com", 80), authMethods: [gssapiClient()] } as const;
  const machine = new ClientHandshake(options);
  const log = machine.start().map(clientLine);
  const left: string[] = [];
  for (const chunk of chunks) {
    const events = [...machine.receive(chunk)];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      log.push(clientLine(event));
      if (event.type !== "question" || event.question.type !== "gssapi") continue;
      const { step, token } = event.question;
      if (step === "level") events.push(...machine.answer({ type: "gssapi", protection: "integrity" }));
      else if (token === undefined)
        events.push(...machine.answer({ type: "gssapi", token: octets(TOKENS.client), level: undefined }));
      else events.push(...machine.answer({ type: "gssapi", token: new Uint8Array(0), level: octets("77 00 01") }));
    }
    if (machine.state === "securing") left.push(hex(machine.takeTrailingData() ?? new Uint8Array(0)));
  }
  return { log: [...log, ...machine.secured().map(clientLine)], left: left.filter((text) => text !== "").join(" ") };
}

test("a client agrees on integrity, and sends the request for its layer", () => {
  const fromProxy = sent("gss-level1", "server", 3);
  const whole = runClient([fromProxy]);
  expect(whole).toEqual({
    log: [
      "send 05 01 01",
      "method-selected gssapi",
      "question gssapi context ",
      `send 01 01 00 0e ${TOKENS.client} (secret)`,
      `question gssapi context ${TOKENS.server}`,
      "send 01 02 00 03 77 00 01 (secret)",
      "question gssapi level 77 00 01",
      "secure gssapi gssapi",
      "authenticated gssapi",
      "send 05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50",
    ],
    left: "",
  });
  for (const split of [...everySplit(fromProxy), singleOctets(fromProxy)]) expect(runClient(split)).toEqual(whole);
});
