// Time and memory of every encoder and decoder, and the UDP frame beside that of npm `socks`.
// Prints tables in Markdown; fails when a frame is not fast enough beside that of npm `socks`.
//
//   pnpm --filter @sockskit/wire bench

import assert from "node:assert/strict";
import { cpus } from "node:os";
import { SocksClient } from "socks";
import * as wire from "@sockskit/wire";
import { measure } from "./measure.ts";
import type { Figures, Operation } from "./measure.ts";

const REQUIRED_RATIO = 5;

/** Takes every result, so that no work can be optimised away. */
let sink: unknown;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const ipv4 = Uint8Array.of(192, 0, 2, 10);
const ipv6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const name = text("www.example.com");
const data = new Uint8Array(1_200).fill(0x64);

const request4 = { cd: 0x01, dstPort: 80, dstIp: ipv4, userid: text("fred") };
const request4a = { cd: 0x01, dstPort: 80, dstIp: Uint8Array.of(0, 0, 0, 1), userid: text(""), domain: name };
const reply4 = { cd: 0x5a, dstPort: 50_000, dstIp: ipv4 };
const greeting = { methods: Uint8Array.of(0x00, 0x02) };
const choice = { method: 0x02 };
const credentials = { uname: text("alice"), passwd: text("correct horse") };
const status = { status: 0x00 };
const requestIpv4 = { cmd: 0x01, atyp: 0x01, dstAddr: ipv4, dstPort: 443 };
const requestName = { cmd: 0x01, atyp: 0x03, dstAddr: name, dstPort: 443 };
const requestIpv6 = { cmd: 0x01, atyp: 0x04, dstAddr: ipv6, dstPort: 443 };
const reply = { rep: 0x00, atyp: 0x01, bndAddr: ipv4, bndPort: 50_000 };
const datagramIpv4 = { frag: 0x00, atyp: 0x01, dstAddr: ipv4, dstPort: 53, data };
const datagramName = { frag: 0x00, atyp: 0x03, dstAddr: name, dstPort: 53, data };
const datagramIpv6 = { frag: 0x00, atyp: 0x04, dstAddr: ipv6, dstPort: 53, data };
const small = { frag: 0x00, atyp: 0x01, dstAddr: ipv4, dstPort: 53, data: data.subarray(0, 32) };

const request4Octets = wire.encodeSocks4Request(request4);
const request4aOctets = wire.encodeSocks4Request(request4a);
const reply4Octets = wire.encodeSocks4Reply(reply4);
const greetingOctets = wire.encodeMethodRequest(greeting);
const choiceOctets = wire.encodeMethodReply(choice);
const credentialsOctets = wire.encodeUserPassRequest(credentials);
const statusOctets = wire.encodeUserPassReply(status);
const requestIpv4Octets = wire.encodeSocks5Request(requestIpv4);
const requestNameOctets = wire.encodeSocks5Request(requestName);
const requestIpv6Octets = wire.encodeSocks5Request(requestIpv6);
const replyOctets = wire.encodeSocks5Reply(reply);

const codecs: readonly (readonly [title: string, encode: Operation, decode: Operation])[] = [
  [
    "SOCKS 4 request",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks4Request(request4);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks4Request(request4Octets);
    },
  ],
  [
    "SOCKS 4A request",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks4Request(request4a);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks4Request(request4aOctets);
    },
  ],
  [
    "SOCKS 4 reply",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks4Reply(reply4);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks4Reply(reply4Octets);
    },
  ],
  [
    "SOCKS 5 greeting",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeMethodRequest(greeting);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeMethodRequest(greetingOctets);
    },
  ],
  [
    "method reply",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeMethodReply(choice);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeMethodReply(choiceOctets);
    },
  ],
  [
    "user name and password",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeUserPassRequest(credentials);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeUserPassRequest(credentialsOctets);
    },
  ],
  [
    "reply to them",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeUserPassReply(status);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeUserPassReply(statusOctets);
    },
  ],
  [
    "SOCKS 5 request, IPv4",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks5Request(requestIpv4);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks5Request(requestIpv4Octets);
    },
  ],
  [
    "SOCKS 5 request, name",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks5Request(requestName);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks5Request(requestNameOctets);
    },
  ],
  [
    "SOCKS 5 request, IPv6",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks5Request(requestIpv6);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks5Request(requestIpv6Octets);
    },
  ],
  [
    "SOCKS 5 reply",
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.encodeSocks5Reply(reply);
    },
    (count) => {
      for (let i = 0; i < count; i++) sink = wire.decodeSocks5Reply(replyOctets);
    },
  ],
];

console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus()[0]?.model ?? "unknown processor"}\n`,
);
console.log("| message | encode | | decode | |\n|---|---|---|---|---|");
for (const [title, encode, decode] of codecs) {
  const cells = measure([encode, decode]).map((figures) => `${figures.nanoseconds.toFixed(0)} ns | ${figures.bytes} B`);
  console.log(`| ${title} | ${cells.join(" | ")} |`);
}

const target = new Uint8Array(2_048);
const slow: string[] = [];

console.log("\n| UDP frame | @sockskit/wire | npm socks | times as fast |\n|---|---|---|---|");
frame("IPv4, 32 octets", small, "192.0.2.10");
frame("IPv4, 1200 octets", datagramIpv4, "192.0.2.10");
frame("name, 1200 octets", datagramName, "www.example.com");
frame("IPv6, 1200 octets", datagramIpv6, "2001:db8::1");

assert.ok(sink !== undefined);
if (slow.length > 0) {
  console.error(`\nless than ${REQUIRED_RATIO} times as fast as npm socks: ${slow.join("; ")}`);
  process.exitCode = 1;
}

function frame(title: string, value: wire.UdpDatagram, host: string): void {
  const options = { remoteHost: { host, port: value.dstPort }, data: Buffer.from(value.data), frameNumber: 0 };
  const octets = Buffer.from(wire.encodeUdpDatagram(value));
  // Both must do the same: the same octets from the same address, and the same data from them.
  assert.deepEqual(SocksClient.createUDPFrame(options), octets);
  assert.deepEqual(SocksClient.parseUDPFrame(octets).data, Buffer.from(wire.decodeUdpDatagram(octets).data));

  const create: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = SocksClient.createUDPFrame(options);
  };
  const parse: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = SocksClient.parseUDPFrame(octets);
  };
  const encodeInPlace: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = wire.encodeUdpDatagramInto(target, 0, value);
  };
  const encode: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = wire.encodeUdpDatagram(value);
  };
  const decodeHeader: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = wire.decodeUdpHeader(octets);
  };
  const decode: Operation = (count) => {
    for (let i = 0; i < count; i++) sink = wire.decodeUdpDatagram(octets);
  };
  const operations = [create, parse, encodeInPlace, encode, decodeHeader, decode] as const;
  const [created, parsed, encodedInPlace, encoded, headerDecoded, decoded] = measure(operations);
  compare(`encode in place, ${title}`, encodedInPlace, created);
  compare(`encode, ${title}`, encoded, created);
  compare(`decode the header, ${title}`, headerDecoded, parsed);
  compare(`decode, ${title}`, decoded, parsed);
}

/** Prints one line, and notes it when it is too slow. */
function compare(title: string, ours: Figures, theirs: Figures): void {
  const ratio = theirs.nanoseconds / ours.nanoseconds;
  if (ratio < REQUIRED_RATIO) slow.push(title);
  const cells = [ours, theirs].map((figures) => `${figures.nanoseconds.toFixed(0)} ns, ${figures.bytes} B`);
  console.log(`| ${title} | ${cells.join(" | ")} | ${ratio.toFixed(1)} |`);
}
