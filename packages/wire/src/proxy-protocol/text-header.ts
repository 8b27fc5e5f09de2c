// Version 1 of the PROXY protocol, section 2.1: one line of text.

import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { formatIpv4Octets, formatIpv6Octets, parseIpv4Octets, parseIpv6Octets } from "../internal/ip-text.ts";
import { checkOctets, checkPort } from "../internal/octets.ts";
import { quote } from "../internal/quote.ts";
import { PROXY_CMD, PROXY_FAMILY } from "./code-points.ts";
import type { ProxyHeader } from "./header.ts";

/** Longest line of version 1, with its CR and LF; the document counts it out in section 2.1. */
export const MAX_PROXY_LINE_LENGTH = 107;

const PREFIX = "PROXY ";
const NONE = new Uint8Array(0);
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;

/** Decodes a line whose first octet is known to be a "P". */
export function decodeTextHeader(bytes: Uint8Array, offset: number): Decoded<ProxyHeader> | undefined {
  const available = Math.min(bytes.length - offset, MAX_PROXY_LINE_LENGTH);
  for (let i = 0; i < available; i++) {
    const octet = bytes[offset + i] as number;
    if (i < PREFIX.length && octet !== PREFIX.charCodeAt(i)) {
      throw bad("ERR_SOCKS_BAD_VERSION", `expected "PROXY " in front of a connection`);
    }
    const afterCr = i > 0 && bytes[offset + i - 1] === 0x0d;
    if (afterCr !== (octet === 0x0a)) throw bad("ERR_SOCKS_BAD_FIELD", "a CR or a LF stands alone in the PROXY line");
    if (afterCr) return { value: parseLine(textOf(bytes, offset, offset + i - 1)), byteLength: i + 1 };
  }
  if (available < MAX_PROXY_LINE_LENGTH) return undefined;
  throw bad("ERR_SOCKS_OVERFLOW", `the PROXY line does not end within ${MAX_PROXY_LINE_LENGTH} octets`);
}

/** Encodes a line. */
export function encodeTextHeader(value: ProxyHeader): Uint8Array {
  const { family } = value;
  if (value.cmd !== PROXY_CMD.proxy || value.tlvs.length > 0) {
    throw cannotSay("version 1 of the PROXY protocol has neither commands nor TLVs; use version 2");
  }
  if (family === PROXY_FAMILY.unspecified) {
    const { srcAddr, dstAddr, srcPort, dstPort } = value;
    if (srcAddr.length + dstAddr.length + srcPort + dstPort !== 0)
      throw cannotSay("UNKNOWN has no addresses and ports");
    return octetsOf(`${PREFIX}UNKNOWN\r\n`);
  }
  if (family !== PROXY_FAMILY.tcpOverIpv4 && family !== PROXY_FAMILY.tcpOverIpv6) {
    throw cannotSay("version 1 of the PROXY protocol knows TCP over IPv4 and IPv6 only; use version 2");
  }
  checkPort(value.srcPort, "source port");
  checkPort(value.dstPort, "destination port");
  const src = formatAddr(value.srcAddr, family, "source address");
  const dst = formatAddr(value.dstAddr, family, "destination address");
  const name = family === PROXY_FAMILY.tcpOverIpv4 ? "TCP4" : "TCP6";
  return octetsOf(`${PREFIX}${name} ${src} ${dst} ${value.srcPort} ${value.dstPort}\r\n`);
}

function parseLine(line: string): ProxyHeader {
  const [, name, src, dst, srcPort, dstPort, ...more] = line.split(" ");
  if (name === "UNKNOWN") {
    const nothing = { srcAddr: NONE, dstAddr: NONE, srcPort: 0, dstPort: 0, tlvs: [] };
    return { version: 1, cmd: PROXY_CMD.proxy, family: PROXY_FAMILY.unspecified, ...nothing };
  }
  if (name !== "TCP4" && name !== "TCP6") {
    throw bad("ERR_SOCKS_BAD_FIELD", `the PROXY line says ${quote(name ?? "")}; expected TCP4, TCP6 or UNKNOWN`);
  }
  if (dstPort === undefined || more.length > 0) {
    throw bad("ERR_SOCKS_BAD_FIELD", "the PROXY line does not have two addresses and two ports, one space apart");
  }
  return {
    version: 1,
    cmd: PROXY_CMD.proxy,
    family: name === "TCP4" ? PROXY_FAMILY.tcpOverIpv4 : PROXY_FAMILY.tcpOverIpv6,
    srcAddr: parseAddr(name, src as string),
    dstAddr: parseAddr(name, dst as string),
    srcPort: parsePort(srcPort as string),
    dstPort: parsePort(dstPort),
    tlvs: [],
  };
}

function parseAddr(family: "TCP4" | "TCP6", text: string): Uint8Array {
  const octets = family === "TCP4" ? parseIpv4Octets(text) : parseIpv6Octets(text);
  if (octets === undefined) throw bad("ERR_SOCKS_BAD_ADDRESS", `${quote(text)} is no address for ${family}`);
  return octets;
}

function parsePort(text: string): number {
  const port = PORT.test(text) ? Number(text) : 0x10000;
  if (port > 0xffff) throw bad("ERR_SOCKS_BAD_PORT", `${quote(text)} is no port; expected 0 to 65535`);
  return port;
}

function formatAddr(addr: Uint8Array, family: number, field: string): string {
  checkOctets(addr, field, 0, 16);
  const isIpv4 = family === PROXY_FAMILY.tcpOverIpv4;
  if (addr.length !== (isIpv4 ? 4 : 16)) {
    throw new WireError("ERR_SOCKS_BAD_ADDRESS", `${field} has ${addr.length} octets; expected ${isIpv4 ? 4 : 16}`, {
      side: "local",
    });
  }
  if (isIpv4) return formatIpv4Octets(addr);
  const text = formatIpv6Octets(addr);
  if (!text.includes(".")) return text;
  // The document has groups of hexadecimal digits only.
  const tail = [12, 14].map((at) => (((addr[at] as number) << 8) | (addr[at + 1] as number)).toString(16));
  return text.slice(0, text.lastIndexOf(":") + 1) + tail.join(":");
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

type Code = "ERR_SOCKS_BAD_VERSION" | "ERR_SOCKS_BAD_FIELD" | "ERR_SOCKS_BAD_ADDRESS" | "ERR_SOCKS_BAD_PORT";

function bad(code: Code | "ERR_SOCKS_OVERFLOW", message: string): WireError {
  return new WireError(code, message, { side: "remote" });
}

function cannotSay(message: string): WireError {
  return new WireError("ERR_SOCKS_BAD_FIELD", message, { side: "local" });
}
