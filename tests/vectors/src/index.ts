/**
 * Test vectors as data: octets, what they mean, and where each comes from.
 *
 * @packageDocumentation
 */

import { readFileSync, readdirSync } from "node:fs";
import type {
  AddressVectors,
  Conversation,
  FieldRecord,
  FieldValue,
  IdentVectors,
  Message,
  MessageVector,
  VectorFile,
} from "./schema.ts";

export type {
  AddressVectors,
  Conversation,
  FieldRecord,
  FieldValue,
  IdentVector,
  IdentVectors,
  Message,
  MessageType,
  MessageVector,
  Source,
  Step,
  VectorFile,
} from "./schema.ts";

const DATA = new URL("../data/", import.meta.url);
const ADDRESSES = "addresses.json";
const IDENT = "ident.json";

/** Every file with conversations and messages, by its name. */
export function vectorFiles(): ReadonlyMap<string, VectorFile> {
  const names = readdirSync(DATA).filter((name) => name.endsWith(".json") && name !== ADDRESSES && name !== IDENT);
  return new Map(names.sort().map((name) => [name, read(name) as VectorFile]));
}

/** Every whole exchange. */
export function conversations(): readonly Conversation[] {
  return [...vectorFiles().values()].flatMap((file) => file.conversations ?? []);
}

/** Every message, those inside conversations included; named `conversation/step.message` there. */
export function messages(): readonly MessageVector[] {
  return [...vectorFiles().values()].flatMap((file) => [
    ...(file.messages ?? []),
    ...(file.conversations ?? []).flatMap(messagesOf),
  ]);
}

/** Texts of addresses and names. */
export function addressVectors(): AddressVectors {
  return read(ADDRESSES) as AddressVectors;
}

/** Lines of the Identification Protocol. */
export function identVectors(): IdentVectors {
  return read(IDENT) as IdentVectors;
}

/** Octets of a message. */
export function messageOctets(message: Pick<Message, "hex">): Uint8Array {
  return vectorOctets(message.hex);
}

/** Octets from the hexadecimal text of a vector, in which `61{255}` stands for 255 octets 61. */
export function vectorOctets(hex: string): Uint8Array {
  const bytes: number[] = [];
  for (const token of hex.split(/\s+/)) {
    if (token === "") continue;
    const match = /^([0-9a-f]{2})(?:\{([0-9]+)\})?$/.exec(token);
    if (match === null) throw new TypeError(`vector has ${JSON.stringify(token)}; expected "61" or "61{255}"`);
    const octet = Number.parseInt(match[1] as string, 16);
    for (let count = Number(match[2] ?? 1); count > 0; count--) bytes.push(octet);
  }
  return Uint8Array.from(bytes);
}

/** Fields of a vector as a codec has them: octets instead of hexadecimal text, text instead of `{"text": ...}`. */
export function vectorFields(record: FieldRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fieldOf(value)]));
}

function fieldOf(value: FieldValue): unknown {
  if (typeof value === "number") return value;
  if (typeof value === "string") return vectorOctets(value);
  if (!isList(value)) return value.text;
  return value.map((entry) => (typeof entry === "string" ? vectorOctets(entry) : vectorFields(entry)));
}

function isList(value: FieldValue): value is readonly (string | FieldRecord)[] {
  return Array.isArray(value);
}

function messagesOf(conversation: Conversation): MessageVector[] {
  return conversation.steps.flatMap((step, stepIndex) =>
    step.messages.map((message, messageIndex) => ({
      ...message,
      name: `${conversation.name}/${stepIndex + 1}.${messageIndex + 1}`,
      source: conversation.source,
      from: step.from,
    })),
  );
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, DATA), "utf8"));
}
