import { checkAccepted, checkRejected, checkThrows } from "@sockskit/testing";
import { messageOctets, messages, vectorFields, vectorOctets } from "@sockskit/vectors";
import type { Message, MessageVector } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import * as wire from "../src/index.ts";
import { CODECS } from "./codecs.ts";
import type { Codec, Fields } from "./codecs.ts";

const vectors = messages().filter((vector) => vector.type !== "Data");
const types = [...Object.keys(CODECS), "UdpDatagram"];
const accepted = vectors.filter((vector) => vector.decoded !== undefined);
const rejected = vectors.filter((vector) => vector.error !== undefined);

/** The codec of a message; `undefined` for datagrams, which are never incomplete. */
function codecOf(vector: Message): Codec | undefined {
  return vector.type === "UdpDatagram" ? undefined : CODECS[vector.type as keyof typeof CODECS];
}

/** Fields as the vector gives them, with octets instead of text. */
function fieldsOf(vector: Message): Fields {
  return vectorFields(vector.decoded ?? {});
}

/** Decodes with every check of the decoder contract that applies. */
function decode(vector: MessageVector): Fields {
  const codec = codecOf(vector);
  if (codec === undefined) return decodeDatagram(messageOctets(vector));
  return checkAccepted((bytes, offset) => codec.decode(bytes, offset, vector.options), messageOctets(vector));
}

/** Decodes a datagram both ways, as a whole and as header and rest. */
function decodeDatagram(bytes: Uint8Array): Fields {
  const { value, byteLength } = wire.decodeUdpHeader(bytes);
  const whole = { ...wire.decodeUdpDatagram(bytes) };
  expect({ ...value, data: bytes.subarray(byteLength) }).toEqual(whole);
  return whole;
}

function encode(vector: MessageVector, fields: Fields): Uint8Array {
  const codec = codecOf(vector);
  return codec === undefined ? wire.encodeUdpDatagram(fields as never) : codec.encode(fields);
}

/** What the address fields mean, the way a server sees them. */
function addressOf(vector: MessageVector): wire.Address {
  const fields = fieldsOf(vector);
  const atyp = fields["domain"] === undefined ? (fields["atyp"] ?? wire.ATYP.ipv4) : wire.ATYP.domainName;
  const addr = fields["domain"] ?? fields["dstAddr"] ?? fields["bndAddr"] ?? fields["dstIp"];
  const port = fields["dstPort"] ?? fields["bndPort"];
  return wire.addressFromFields(atyp as number, addr as Uint8Array, port as number);
}

describe("accepted", () => {
  test.each(accepted.map((vector) => [vector.type, vector.name, vector] as const))("%s %s", (_type, _name, vector) => {
    const fields = decode(vector);
    expect(fields).toEqual(fieldsOf(vector));
    if (vector.encodeError === undefined) {
      expect(encode(vector, fields)).toEqual(vectorOctets(vector.encodesTo ?? vector.hex));
      return;
    }
    const refusal = expect.objectContaining({ code: vector.encodeError, side: "local" }) as Error;
    expect(() => encode(vector, fields)).toThrow(refusal);
  });
});

describe("rejected", () => {
  test.each(rejected.map((vector) => [vector.type, vector.name, vector] as const))("%s %s", (_type, _name, vector) => {
    const { code, rep, afterOctets } = vector.error as NonNullable<Message["error"]>;
    const bytes = messageOctets(vector);
    const codec = codecOf(vector);
    if (codec === undefined) {
      checkThrows(() => wire.decodeUdpDatagram(bytes), { code, rep }, vector.name);
      checkThrows(() => wire.decodeUdpHeader(bytes), { code, rep }, vector.name);
      return;
    }
    const decoder = (input: Uint8Array, offset?: number) => codec.decode(input, offset, vector.options);
    checkRejected(decoder, bytes, { code, rep, afterOctets });
  });
});

describe("addresses", () => {
  const meant = vectors.filter((vector) => vector.address !== undefined);
  test.each(meant.map((vector) => [vector.name, vector] as const))("of %s", (_name, vector) => {
    const address = addressOf(vector);
    expect(wire.formatAddress(address)).toBe(vector.address);
    expect(structuredClone(address)).toEqual(address);
  });

  const refused = vectors.filter((vector) => vector.addressError !== undefined);
  test.each(refused.map((vector) => [vector.name, vector] as const))("none of %s", (_name, vector) => {
    const { code, rep } = vector.addressError as NonNullable<Message["addressError"]>;
    checkThrows(() => addressOf(vector), { code, rep }, vector.name);
  });
});

test("every decoder has accepted and rejected vectors", () => {
  const decoders = Object.keys(wire).filter((name) => name.startsWith("decode"));
  expect(new Set(decoders)).toEqual(new Set([...types.map((type) => `decode${type}`), "decodeUdpHeader"]));
  for (const type of types) {
    expect(accepted.filter((vector) => vector.type === type).length, type).toBeGreaterThan(1);
    // Any two octets are a reply of RFC 1929, any octets a list of options: there is none to reject.
    const least = type === "UserPassReply" || type === "SslOptions" ? 0 : 1;
    expect(rejected.filter((vector) => vector.type === type).length, type).toBeGreaterThanOrEqual(least);
  }
});
