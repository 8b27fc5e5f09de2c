import type { Duplex } from "node:stream";
import {
  ClientHandshake,
  type ClientEvent,
  ConnectionPreface,
  type ConnectionPrefaceEvent,
  FragmentReassembly,
  type HttpConnectEvent,
  HttpConnectHandshake,
  type ServerEvent,
  ServerHandshake,
} from "@sockskit/handshake";
import { decodeIdentQuery, decodeIdentReply, type IdentReply } from "@sockskit/identd";
import { decodeUdpDatagram, parseAddress, type UdpDatagram } from "@sockskit/wire";
import { expect, test } from "vitest";
import { udpAssociation } from "../src/association.ts";
import { datagramDecoder, streamDecoders } from "../src/decoders.ts";
import { fragmentMachine } from "../src/fragments.ts";
import { type Finding, probe } from "../src/fuzz.ts";
import { gssapiStream } from "../src/gssapi-stream.ts";
import { httpMachines } from "../src/http-connect.ts";
import { identQueries, identReplies, type LineDecoder } from "../src/ident.ts";
import { clientMachines, serverMachines } from "../src/machines.ts";
import { prefaces } from "../src/preface.ts";
import type { Target } from "../src/target.ts";
import { allTargets } from "../src/targets.ts";

/** Each target with a fault in what it tries. */
const planted: readonly Target[] = [
  ...streamDecoders(takingOneMore),
  datagramDecoder((bytes, options) => decodeUdpDatagram(bytes[3] === 0x04 ? bytes.subarray(0, -1) : bytes, options)),
  ...serverMachines((options) => new ForgetfulServer(options)),
  ...clientMachines((options) => new ForgetfulClient(options)),
  ...httpMachines((credentials) => new ForgetfulHttp({ destination: parseAddress("example.com", 80), credentials })),
  fragmentMachine(() => new KeepsSequence()),
  udpAssociation(endLost),
  gssapiStream(passThrough),
  identQueries(takingOneMore(decodeIdentQuery)),
  identReplies(careless),
  ...prefaces((options) => new ForgetfulPreface(options)),
];

test.each(planted)("a fault in $name is found", async (target) => {
  const finding = await firstFinding(target);
  expect(finding?.error).toBeInstanceOf(Error);
  // The same seed finds it again.
  expect((await probe(target, finding?.seed ?? -1))?.error).toBeInstanceOf(Error);
  await target.close?.();
});

async function firstFinding(target: Target): Promise<Finding | undefined> {
  for (let seed = 0; seed < 20_000; seed += 1) {
    const finding = await probe(target, seed);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

test("every target is shown to find one", () => {
  expect(planted.map(({ name }) => name).toSorted()).toEqual(
    allTargets()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("a preface that lets a header of version 2 through from everybody is found too", async () => {
  for (const target of prefaces((options) => new GulliblePreface(options))) {
    if (target.name.includes("no PROXY header")) expect(await firstFinding(target)).toBeDefined();
  }
});

/** Loses the first octet of what comes behind it. */
class ForgetfulPreface extends ConnectionPreface {
  override receive(bytes: Uint8Array): readonly ConnectionPrefaceEvent[] {
    return super
      .receive(bytes)
      .map((event) => (event.type === "done" ? { ...event, rest: event.rest.subarray(1) } : event));
  }
}

class GulliblePreface extends ConnectionPreface {
  override receive(bytes: Uint8Array): readonly ConnectionPrefaceEvent[] {
    return bytes[0] === 0x0d && !this.awaitsHeader ? [{ type: "done", rest: bytes }] : super.receive(bytes);
  }
}

test("a reassembly that takes a fragment for any destination is found too", async () => {
  expect(await firstFinding(fragmentMachine(() => new AnyDestination()))).toBeDefined();
});

/** A stream that takes nothing off. */
async function passThrough(socket: Duplex): Promise<Duplex> {
  return socket;
}

/** Forgets that a third fragment was the last one. */
function endLost(datagram: Uint8Array): Uint8Array {
  return datagram[2] === 0x83 ? datagram.with(2, 0x03) : datagram;
}

/** Takes the first octet of what follows for a part of the message. */
function takingOneMore<T>(decode: LineDecoder<T>): LineDecoder<T> {
  return (bytes, offset = 0) => {
    const decoded = decode(bytes, offset);
    if (decoded === undefined || offset + decoded.byteLength === bytes.length) return decoded;
    return { ...decoded, byteLength: decoded.byteLength + 1 };
  };
}

/** What a regular expression over a line of text makes of an answer: octets of an escape sequence get through. */
function careless(bytes: Uint8Array, offset = 0): { value: IdentReply; byteLength: number } | undefined {
  const end = bytes.indexOf(0x0a, offset);
  if (end === -1) return decodeIdentReply(bytes, offset);
  const line = Buffer.from(bytes.subarray(offset, end)).toString("latin1");
  const found = /^(\d{1,5}),(\d{1,5}):USERID:(\w+):(.{1,512})\r$/.exec(line);
  if (found === null) return decodeIdentReply(bytes, offset);
  const [portOnServer, portOnClient] = [Number(found[1]), Number(found[2])];
  const userId = new Uint8Array(Buffer.from(found[4] ?? "", "latin1"));
  const opsys = found[3] ?? "";
  return { value: { type: "userid", portOnServer, portOnClient, opsys, userId }, byteLength: end + 1 - offset };
}

/** Loses the end of a short piece. */
class ForgetfulServer extends ServerHandshake {
  override receive(bytes: Uint8Array): readonly ServerEvent[] {
    return super.receive(bytes.length === 3 ? bytes.subarray(0, 2) : bytes);
  }
}

class ForgetfulClient extends ClientHandshake {
  override receive(bytes: Uint8Array): readonly ClientEvent[] {
    return super.receive(bytes.length === 3 ? bytes.subarray(0, 2) : bytes);
  }
}

class ForgetfulHttp extends HttpConnectHandshake {
  override receive(bytes: Uint8Array): readonly HttpConnectEvent[] {
    return super.receive(bytes.length === 3 ? bytes.subarray(0, 2) : bytes);
  }
}

/** Forgets that a whole datagram abandons a sequence. */
class KeepsSequence extends FragmentReassembly {
  override receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    return datagram.frag === 0x00 ? datagram : super.receive(datagram, nowMs);
  }
}

class AnyDestination extends FragmentReassembly {
  override receive(datagram: UdpDatagram, nowMs: number): UdpDatagram | undefined {
    return super.receive({ ...datagram, dstPort: 0 }, nowMs);
  }
}
