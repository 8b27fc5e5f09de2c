// A layer between the machines and the wire, put in place in the middle of a handshake.
import { checkAuthMethod, concat, everySplit, hex, octets, singleOctets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { type ClientEvent, ClientHandshake, type ServerEvent, ServerHandshake } from "../src/index.ts";
import { clientLine, serverLine } from "./machine-log.ts";
import { protectingClient, protectingServer } from "./protecting-method.ts";

const destination = parseAddress("192.0.2.10", 80);
const misuse = expect.objectContaining({ name: "HandshakeError", code: "ERR_SOCKS_STATE", side: "local" }) as Error;

/** The layer of these tests: every octet upside down. */
const veil = (bytes: Uint8Array): Uint8Array => bytes.map((octet) => octet ^ 0xff);
const veiled = (text: string): Uint8Array => veil(octets(text));

// As they are on the wire: in clear up to the layer, then veiled.
const FROM_CLIENT = concat(octets("05 01 f0 11"), veiled("33 05 01 00 01 c0 00 02 0a 00 50 aa bb"));
const FROM_SERVER = concat(octets("05 f0 22"), veiled("44 05 00 00 01 c6 33 64 07 c3 50 cc dd"));

type Machine<E> = {
  receive(bytes: Uint8Array): readonly E[];
  secured(): readonly E[];
  takeTrailingData(): Uint8Array | undefined;
};

/** Feeds a machine from the wire, with the layer where the machine wants it. */
function feed<E extends ServerEvent | ClientEvent>(
  machine: Machine<E>,
  first: readonly E[],
  chunks: Iterable<Uint8Array>,
  own: (event: E) => readonly E[],
): { wire: string; log: string[]; trailing: string } {
  let inside = false;
  const sent: Uint8Array[] = [];
  const log: string[] = [];
  take(first);
  for (const chunk of chunks) take(machine.receive(inside ? veil(chunk) : chunk));
  return { wire: hex(concat(...sent)), log, trailing: hex(machine.takeTrailingData() ?? new Uint8Array(0)) };

  function take(events: readonly E[]): void {
    for (const event of events) {
      log.push(serverOrClientLine(event));
      if (event.type === "send") sent.push(inside ? veil(event.data) : event.data);
      if (event.type === "secure") {
        expect(event).toBe(events.at(-1));
        const early = machine.takeTrailingData();
        inside = true;
        take(machine.secured());
        if (early !== undefined) take(machine.receive(veil(early)));
      } else take(own(event));
    }
  }
}

function serverOrClientLine(event: ServerEvent | ClientEvent): string {
  return event.type === "progress" ||
    event.type === "established" ||
    event.type === "question" ||
    event.type === "listening"
    ? clientLine(event)
    : event.type === "secure" || event.type === "send"
      ? event.type
      : event.type === "failed"
        ? event.error.code
        : serverLine(event);
}

function runServer(chunks: Iterable<Uint8Array>): ReturnType<typeof feed> {
  const machine = new ServerHandshake({ authMethods: [protectingServer()] });
  return feed<ServerEvent>(machine, [], chunks, (event) => {
    if (event.type === "authenticate") return machine.authenticated({ accepted: true, identity: "alice" });
    if (event.type === "request")
      return machine.reply({ rep: 0x00, boundAddress: parseAddress("198.51.100.7", 50_000) });
    return [];
  });
}

function runClient(chunks: Iterable<Uint8Array>): ReturnType<typeof feed> {
  const machine = new ClientHandshake({ version: 5, destination, authMethods: [protectingClient()] });
  return feed<ClientEvent>(machine, machine.start(), chunks, () => []);
}

describe("everything behind the layer goes through it, however it is cut up", () => {
  test("as server", () => {
    const whole = runServer([FROM_CLIENT]);
    expect(whole.wire).toBe(hex(FROM_SERVER.subarray(0, -2)));
    expect(whole.trailing).toBe("aa bb");
    expect(whole.log).toContain("request 5 connect 192.0.2.10:80 protecting alice");
    for (const split of [...everySplit(FROM_CLIENT), singleOctets(FROM_CLIENT)])
      expect(runServer(split)).toEqual(whole);
  });

  test("as client", () => {
    const whole = runClient([FROM_SERVER]);
    expect(whole.wire).toBe(hex(FROM_CLIENT.subarray(0, -2)));
    expect(whole.trailing).toBe("cc dd");
    expect(whole.log.at(-1)).toBe("established 198.51.100.7:50000 00");
    for (const split of [...everySplit(FROM_SERVER), singleOctets(FROM_SERVER)])
      expect(runClient(split)).toEqual(whole);
  });
});

test("the method of these tests fulfils the contract of a method", () => {
  checkAuthMethod({ client: protectingClient(), server: protectingServer(), asks: true });
});

/** Machines that wait for the layer. */
function securing(): readonly { name: string; machine: ServerHandshake | ClientHandshake }[] {
  const server = new ServerHandshake({ authMethods: [protectingServer()] });
  server.receive(octets("05 01 f0 11"));
  server.authenticated({ accepted: true });
  const client = new ClientHandshake({ version: 5, destination, authMethods: [protectingClient()] });
  client.start();
  client.receive(octets("05 f0 22"));
  return [
    { name: "server", machine: server },
    { name: "client", machine: client },
  ];
}

describe.each(["server", "client"])("a %s that waits for its layer", (side) => {
  const machineOf = (): ServerHandshake | ClientHandshake =>
    (securing().find(({ name }) => name === side) as { machine: ServerHandshake | ClientHandshake }).machine;

  test("reads nothing, and takes nothing in clear for protected", () => {
    const machine = machineOf();
    // What would be read as the next message, and a request behind it.
    const inClear = octets(side === "server" ? "33 05 01 00 01 c0 00 02 0a 00 50" : "44 05 00 00 01 c6 33 64 07 c3 50");
    expect(machine.receive(inClear)).toEqual([]);
    expect(machine.state).toBe("securing");
    expect(() => machine.secured()).toThrow(misuse);
    expect(machine.state).toBe("securing");
    expect(machine.takeTrailingData()).toEqual(inClear);
    expect(machine.takeTrailingData()).toBeUndefined();
    machine.secured();
    expect(machine.state).toBe("authenticating");
  });

  test("is not flooded", () => {
    const machine = machineOf();
    const failure = { type: "failed", error: { code: "ERR_SOCKS_OVERFLOW", side: "remote", stage: "authenticate" } };
    // No answer in clear goes with it.
    expect(machine.receive(new Uint8Array(65_537))).toMatchObject([failure]);
    expect(machine.secured()).toEqual([]);
    expect(machine.takeTrailingData()).toBeUndefined();
  });

  test("goes on once", () => {
    const machine = machineOf();
    machine.secured();
    expect(() => machine.secured()).toThrow(misuse);
  });
});
