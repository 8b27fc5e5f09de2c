import assert from "node:assert/strict";
import { concat } from "@sockskit/testing";
import { messageOctets, messages, type MessageType } from "@sockskit/vectors";
import * as wire from "@sockskit/wire";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

type Value = Readonly<Record<string, unknown>>;
/** A decoder of streams, ours or one that should behave like it. */
export type Decode = (bytes: Uint8Array, offset?: number) => { value: Value; byteLength: number } | undefined;
type Encode = (value: Value) => Uint8Array;

const TYPES: readonly (readonly [type: Exclude<MessageType, "Data">, longest: number])[] = [
  ["Socks4Request", wire.MAX_SOCKS4_REQUEST_LENGTH],
  ["Socks4Reply", wire.MAX_SOCKS4_REPLY_LENGTH],
  ["MethodRequest", wire.MAX_METHOD_REQUEST_LENGTH],
  ["MethodReply", wire.MAX_METHOD_REPLY_LENGTH],
  ["UserPassRequest", wire.MAX_USER_PASS_REQUEST_LENGTH],
  ["UserPassReply", wire.MAX_USER_PASS_REPLY_LENGTH],
  ["Socks5Request", wire.MAX_SOCKS5_REQUEST_LENGTH],
  ["Socks5Reply", wire.MAX_SOCKS5_REPLY_LENGTH],
  ["AttributeList", wire.MAX_ATTRIBUTE_LIST_LENGTH],
  ["MafMessage", wire.MAX_MAF_MESSAGE_LENGTH],
  ["GssapiFrame", wire.MAX_GSSAPI_FRAME_LENGTH],
  ["SslFrame", wire.MAX_SSL_FRAME_LENGTH],
  ["SslOptions", wire.MAX_SSL_OPTIONS_LENGTH],
  ["ProxyHeader", wire.MAX_PROXY_HEADER_LENGTH],
  ["HttpConnectRequest", wire.MAX_HTTP_HEAD_LENGTH],
  ["HttpConnectResponse", wire.MAX_HTTP_HEAD_LENGTH],
];

/** The decoders of streams: each either waits, gives a value, or says that the peer is wrong. */
export function streamDecoders(plant: (decode: Decode) => Decode = (decode) => decode): Target[] {
  const api = wire as unknown as Readonly<Record<string, Decode & Encode>>;
  return TYPES.map(([type, longest]) => {
    const decode = plant(api[`decode${type}`] as Decode);
    const encode = api[`encode${type}`] as Encode;
    return {
      name: `decode${type}`,
      corpus: corpusOf(type),
      check: (input) => checkDecoder(type, decode, encode, longest, input),
    };
  });
}

/** The decoder of datagrams, which are whole or wrong. */
export function datagramDecoder(decode: typeof wire.decodeUdpDatagram = wire.decodeUdpDatagram): Target {
  return {
    name: "decodeUdpDatagram",
    corpus: corpusOf("UdpDatagram"),
    check(input: Uint8Array, random: Random) {
      const decoded = attempt(() => decode(input, { copy: random.below(2) === 0 }));
      if (decoded === undefined) return;
      const sent = attemptEncode(() => wire.encodeUdpDatagram(decoded));
      if (sent === undefined) return;
      assert.deepEqual(decode(sent), decoded, "the value changes when it is sent on");
    },
  };
}

function checkDecoder(type: MessageType, decode: Decode, encode: Encode, longest: number, input: Uint8Array): void {
  const bytes = input.slice();
  const decoded = attempt(() => decode(bytes) ?? "incomplete");
  const behind = attempt(() => decode(concat(Uint8Array.of(0x05), input), 1) ?? "incomplete");
  assert.deepEqual(behind, decoded, "the offset changes the result");
  if (decoded === undefined) return;
  if (decoded === "incomplete") {
    assert.ok(input.length < longest, `still waits after ${input.length} octets, more than the longest message has`);
    return;
  }
  const { value, byteLength } = decoded;
  assert.ok(byteLength > 0 && byteLength <= input.length, `used ${byteLength} of ${input.length} octets`);
  assert.equal(decode(input.subarray(0, byteLength - 1)), undefined, "a part of a message is incomplete");
  assert.deepEqual(decode(input.subarray(0, byteLength)), decoded, "octets behind the message change it");
  bytes.fill(0xee);
  assert.deepEqual(decode(input)?.value, value, "the value holds on to the caller's octets");

  const sent = attemptEncode(() => encode(value));
  if (sent === undefined) return;
  // A status reply keeps the version that came, and is always sent with the right one.
  const passedOn = type === "UserPassReply" ? { ...value, version: wire.USER_PASS_VERSION } : value;
  assert.deepEqual(decode(sent), { value: passedOn, byteLength: sent.length }, "the value changes when it is sent on");
}

// What the call gives, or undefined when it blames the peer; anything else it raises is a broken promise.
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    assert.ok(error instanceof wire.WireError, `raised ${String(error)}`);
    assert.equal(error.side, "remote", "blames us for what a peer sent");
    return undefined;
  }
}

// The octets, or undefined for a value that is taken and not sent, such as an empty name.
function attemptEncode(call: () => Uint8Array): Uint8Array | undefined {
  try {
    return call();
  } catch (error) {
    assert.ok(error instanceof wire.WireError, `encoding raised ${String(error)}`);
    assert.equal(error.side, "local", "blames the peer for what we send");
    return undefined;
  }
}

function corpusOf(type: MessageType): Uint8Array[] {
  return messages()
    .filter((message) => message.type === type)
    .map(messageOctets);
}
