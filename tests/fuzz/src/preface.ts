import assert from "node:assert/strict";
import {
  ConnectionPreface,
  type ConnectionPrefaceEvent,
  type ConnectionPrefaceOptions,
  ServerHandshake,
} from "@sockskit/handshake";
import { noneServer } from "@sockskit/auth";
import { concat, hex, octets } from "@sockskit/testing";
import { messageOctets, messages } from "@sockskit/vectors";
import { decodeProxyHeader, formatAddress, MAX_PROXY_HEADER_LENGTH, proxyEndpoints } from "@sockskit/wire";
import { cut } from "./mutate.ts";
import type { Target } from "./target.ts";

/** The machine, or one that should behave like it. */
export type PrefaceFactory = (options: ConnectionPrefaceOptions) => Pick<ConnectionPreface, keyof ConnectionPreface>;

const DOORS: readonly (readonly [name: string, options: ConnectionPrefaceOptions])[] = [
  ["a PROXY header, then SOCKS", { proxyHeader: "required" }],
  ["a PROXY header, then TLS", { proxyHeader: "required", tls: true }],
  ["no PROXY header, then SOCKS", { proxyHeader: "forbidden" }],
  ["no PROXY header, then TLS", { proxyHeader: "forbidden", tls: true }],
  ["TLS", { tls: true }],
];

/** The record and the beginning of a ClientHello, RFC 8446 section 4.1.2. */
const CLIENT_HELLO = octets("16 03 01 02 00 01 00 01 fc 03 03");
const GREETING = octets("05 01 00");

/** The first octets of connections, before SOCKS. */
export function prefaces(create: PrefaceFactory = (options) => new ConnectionPreface(options)): readonly Target[] {
  const headers = messages()
    .filter(({ type }) => type === "ProxyHeader")
    .map(messageOctets);
  const next = [GREETING, CLIENT_HELLO];
  const corpus = [...headers, ...next, ...headers.flatMap((header) => next.map((behind) => concat(header, behind)))];
  return DOORS.map(([name, options]) => ({
    name: `ConnectionPreface: ${name}`,
    corpus,
    check: (input, random) => {
      const whole = walk(create(options), [input], options);
      const pieces = walk(create(options), cut(input, random), options);
      assert.deepEqual(pieces, whole, "how the octets are cut up changes what comes of them");
      checkPromises(whole, input, options);
      talkOn(whole.rest);
    },
  }));
}

interface Walk {
  readonly told: readonly string[];
  readonly code: string | undefined;
  /** What the next protocol gets; `undefined` before its turn. */
  readonly rest: Uint8Array | undefined;
}

function walk(
  preface: ReturnType<PrefaceFactory>,
  pieces: readonly Uint8Array[],
  options: ConnectionPrefaceOptions,
): Walk {
  const told: string[] = [];
  let code: string | undefined;
  let rest: Uint8Array | undefined;
  for (const piece of pieces) {
    if (rest !== undefined) {
      rest = concat(rest, piece);
      continue;
    }
    const buffer = piece.slice();
    const events: readonly ConnectionPrefaceEvent[] = preface.receive(buffer);
    assert.ok(preface.bufferedLength < MAX_PROXY_HEADER_LENGTH, "holds more than a header");
    for (const event of events) {
      assert.equal(code, undefined, "goes on after a failure");
      if (event.type === "header") told.push(ends(event.endpoints));
      else if (event.type === "done") rest = event.rest.slice();
      else {
        code = event.code;
        assert.doesNotMatch(event.reason, /[^ -~]/u, "what is logged has something invisible");
      }
    }
    buffer.fill(0xee);
    if (code !== undefined) break;
  }
  if (options.proxyHeader !== "required") assert.deepEqual(told, [], "believes a header that nobody may send");
  return { told, code, rest };
}

function ends(endpoints: ReturnType<typeof proxyEndpoints>): string {
  return endpoints === undefined
    ? "nobody"
    : `${formatAddress(endpoints.source)} ${formatAddress(endpoints.destination)}`;
}

function checkPromises(
  { told, code, rest }: Walk,
  input: Uint8Array,
  { proxyHeader, tls = false }: ConnectionPrefaceOptions,
): void {
  if (rest === undefined) return;
  assert.equal(code, undefined);
  const [first] = rest;
  if (tls) assert.equal(first, 0x16, "lets something else than TLS through to it");
  if (proxyHeader === "forbidden") assert.ok(first !== 0x50 && first !== 0x0d, "lets a forged header through");
  if (proxyHeader !== "required") {
    assert.equal(hex(rest), hex(input), "loses octets");
    return;
  }
  // The decoder has a target of its own; here it says what must have come out.
  const decoded = decodeProxyHeader(input);
  assert.ok(decoded !== undefined, "goes on without a header");
  assert.deepEqual(told, [ends(proxyEndpoints(decoded.value))]);
  assert.equal(hex(rest), hex(input.subarray(decoded.byteLength)), "loses octets behind the header");
}

/** What is behind goes to SOCKS, which must take anything. */
function talkOn(rest: Uint8Array | undefined): void {
  if (rest !== undefined) new ServerHandshake({ authMethods: [noneServer()] }).receive(rest);
}
