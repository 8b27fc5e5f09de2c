import { describe, expect, test } from "vitest";
import {
  addressVectors,
  identVectors,
  messageOctets,
  messages,
  vectorFields,
  vectorFiles,
  vectorOctets,
} from "../src/index.ts";
import type { Message, Source } from "../src/index.ts";

const MESSAGE_FIELDS = {
  Socks4Request: ["cd", "dstPort", "dstIp", "userid"],
  Socks4Reply: ["cd", "dstPort", "dstIp"],
  MethodRequest: ["methods"],
  MethodReply: ["method"],
  UserPassRequest: ["uname", "passwd"],
  UserPassReply: ["version", "status"],
  Socks5Request: ["cmd", "atyp", "dstAddr", "dstPort"],
  Socks5Reply: ["rep", "atyp", "bndAddr", "bndPort"],
  UdpDatagram: ["frag", "atyp", "dstAddr", "dstPort", "data"],
  AttributeList: ["attributes"],
  MafMessage: ["instr"],
  GssapiFrame: ["mtyp", "token"],
  SslFrame: ["state", "data"],
  SslOptions: ["options"],
  ProxyHeader: ["version", "cmd", "family", "srcAddr", "dstAddr", "srcPort", "dstPort", "tlvs"],
  HttpConnectRequest: ["authority", "version", "headers"],
  HttpConnectResponse: ["version", "status", "reason", "headers"],
} as const;

/** Fields that some messages of a type have and others have not. */
const OPTIONAL_FIELDS: Readonly<Partial<Record<Message["type"], readonly string[]>>> = {
  Socks4Request: ["domain"],
  MafMessage: ["ids", "flags", "method", "oemId", "data"],
};

const MESSAGE_KEYS = "type hex decoded error address addressError options encodesTo encodeError name source from".split(
  " ",
);

const files = [...vectorFiles()];

/** Keys of an object that are not among those allowed. */
function strangers(value: object, allowed: readonly string[]): string[] {
  return Object.keys(value).filter((key) => !allowed.includes(key));
}

function checkSource(source: Source | undefined): void {
  expect(source, "has no source").toBeTypeOf("object");
  const { document, program, version, command, peer } = source as Record<string, unknown>;
  if (document !== undefined) {
    expect(document).toMatch(/\S{3}/);
    expect(strangers(source as object, ["document"])).toEqual([]);
    return;
  }
  for (const text of [program, version, command]) expect(text).toMatch(/\S/);
  expect(version, "a version begins with a number").toMatch(/^v?[0-9]/);
  expect(["string", "undefined"]).toContain(typeof peer);
  expect(strangers(source as object, ["program", "version", "command", "peer"])).toEqual([]);
}

function checkMessage(message: Message): void {
  expect(strangers(message, MESSAGE_KEYS)).toEqual([]);
  const octets = messageOctets(message);
  if (message.type === "Data") {
    expect(strangers(message, ["type", "hex", "name", "source", "from"])).toEqual([]);
    return;
  }
  expect(Object.keys(MESSAGE_FIELDS)).toContain(message.type);
  expect((message.decoded === undefined) !== (message.error === undefined), "has either decoded or error").toBe(true);
  if (message.error !== undefined) {
    expect(message.error.code).toMatch(/^ERR_SOCKS_[A-Z_]+$/);
    expect(strangers(message.error, ["code", "rep", "afterOctets"])).toEqual([]);
    expect(message.error.afterOctets ?? 0).toBeLessThanOrEqual(octets.length);
    return;
  }
  const fields = strangers(message.decoded as object, OPTIONAL_FIELDS[message.type] ?? []);
  expect(new Set(fields)).toEqual(new Set<string>(MESSAGE_FIELDS[message.type]));
  checkFields(vectorFields(message.decoded ?? {}));
  if (message.encodesTo !== undefined) vectorOctets(message.encodesTo);
  expect(message.address === undefined || message.addressError === undefined).toBe(true);
}

function checkFields(fields: Readonly<Record<string, unknown>>): void {
  for (const value of Object.values(fields)) {
    if (typeof value === "number") expect(Number.isInteger(value)).toBe(true);
    else if (Array.isArray(value)) for (const entry of value) checkFields(entry instanceof Uint8Array ? {} : entry);
    else expect(value instanceof Uint8Array || typeof value === "string").toBe(true);
  }
}

test("there are conversations and single messages", () => {
  expect(files.length).toBeGreaterThanOrEqual(6);
  for (const [, file] of files) expect(strangers(file, ["conversations", "messages"])).toEqual([]);
});

test("names are unique and can be part of a test's name", () => {
  const names = files
    .flatMap(([, file]) => [...(file.conversations ?? []), ...(file.messages ?? [])])
    .map((v) => v.name);
  for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describe.each(files)("%s", (name, file) => {
  for (const conversation of file.conversations ?? []) {
    test(conversation.name, () => {
      expect(strangers(conversation, ["name", "title", "source", "steps"])).toEqual([]);
      expect(conversation.title).toMatch(/\S/);
      checkSource(conversation.source);
      expect(conversation.steps.length).toBeGreaterThan(0);
      for (const step of conversation.steps) {
        expect(strangers(step, ["from", "note", "transport", "closes", "messages"])).toEqual([]);
        expect(["client", "server"]).toContain(step.from);
        expect(["tcp", "udp", undefined]).toContain(step.transport);
        expect(step.note).toMatch(/\S/);
        // A side may end its connection without a word; it may not say nothing and keep it.
        if (step.closes !== true) expect(step.messages.length).toBeGreaterThan(0);
        for (const message of step.messages) checkMessage(message);
      }
    });
  }

  for (const message of file.messages ?? []) {
    test(message.name, () => {
      checkMessage(message);
      checkSource(message.source);
      expect(["client", "server"]).toContain(message.from);
    });
  }

  test("captures name a program, everything else a document", () => {
    for (const { source } of [...(file.conversations ?? []), ...(file.messages ?? [])]) {
      expect("program" in source).toBe(name.startsWith("captures-"));
    }
  });
});

test("every text of an address has a source", () => {
  for (const list of Object.values(addressVectors())) {
    expect(list.length).toBeGreaterThan(5);
    for (const vector of list) expect(vector.source).toMatch(/\S{3}/);
  }
});

test("every line of the Identification Protocol has a source, and is either accepted or rejected", () => {
  const lines = Object.values(identVectors()).flat();
  expect(lines.length).toBeGreaterThan(50);
  expect(new Set(lines.map(({ name }) => name)).size).toBe(lines.length);
  for (const line of lines) {
    expect(strangers(line, ["name", "hex", "decoded", "error", "encodesTo", "encodeError", "source"])).toEqual([]);
    expect(line.source).toMatch(/\S{3}/);
    expect((line.decoded === undefined) !== (line.error === undefined), line.name).toBe(true);
    expect(line.error?.afterOctets ?? 0).toBeLessThanOrEqual(vectorOctets(line.hex).length);
  }
});

test("messages inside conversations are found under their names", () => {
  const found = messages().find((message) => message.name === "s5-pipelined/1.2");
  expect(found).toMatchObject({
    type: "Socks5Request",
    from: "client",
    source: { document: "RFC 1928 sections 3, 4 and 6" },
  });
});

test("hexadecimal text with repetitions", () => {
  expect(vectorOctets("05 61{3}\n00{0} 01")).toEqual(Uint8Array.of(0x05, 0x61, 0x61, 0x61, 0x01));
  for (const bad of ["5", "0x05", "AA", "05,01", "61{}", "0501"]) expect(() => vectorOctets(bad)).toThrow(TypeError);
});
