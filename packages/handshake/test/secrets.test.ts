import { inspect } from "node:util";
import { userPassClient, userPassServer } from "@sockskit/auth";
import { checkNoSecrets, concat, octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { expect, test } from "vitest";
import { ClientHandshake, ServerHandshake } from "../src/index.ts";

const CANARY = "canary-9Rk4vT";
const CREDENTIALS = concat(octets("01 01 61 0d"), Buffer.from(CANARY));
const destination = parseAddress("example.com", 80);

test("a client machine shows no password in any state, but for the octets to send", () => {
  const authMethods = [userPassClient({ username: "alice", password: CANARY })];
  for (const answers of ["", "05 02", "05 02 01 00", "05 02 05 01", "05 02 01 00 05 05"]) {
    const options = { version: 5 as const, destination, authMethods };
    const machine = new ClientHandshake(options);
    const events = [...machine.start(), ...machine.receive(octets(answers))];
    checkNoSecrets({ machine, options }, [CANARY]);
    for (const event of events) {
      if (event.type === "send" && event.secret) expect(Buffer.from(event.data).includes(CANARY)).toBe(true);
      else checkNoSecrets(event, [CANARY]);
      if (event.type === "failed") checkNoSecrets(event.error, [CANARY]);
    }
  }
});

test("a server machine shows no password in any state, nor do its events", () => {
  const incomplete = CREDENTIALS.slice(0, -1);
  const twice = concat(CREDENTIALS, CREDENTIALS);
  for (const received of [incomplete, CREDENTIALS, twice]) {
    for (const verdict of [undefined, { accepted: true }, { accepted: false }] as const) {
      const machine = new ServerHandshake({ authMethods: [userPassServer()] });
      const events = [...machine.receive(concat(octets("05 01 02"), received))];
      if (verdict !== undefined && machine.state === "verifying") events.push(...machine.authenticated(verdict));
      checkNoSecrets(machine, [CANARY]);
      for (const event of events) {
        // The owner must be able to read the password, but has to ask for it by name.
        if (event.type === "authenticate" && event.evidence.type === "userpass") {
          expect(Buffer.from(event.evidence.password).toString()).toBe(CANARY);
          checkNoSecrets(inspect(event, { showHidden: true, depth: Infinity }), [CANARY]);
          checkNoSecrets(JSON.stringify(event), [CANARY]);
          continue;
        }
        checkNoSecrets(event, [CANARY]);
        if (event.type === "failed") checkNoSecrets(event.error, [CANARY]);
      }
    }
  }
});
