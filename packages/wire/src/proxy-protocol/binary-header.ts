// Version 2 of the PROXY protocol, section 2.2: octets.

import type { Decoded } from "../decoded.ts";
import { WireError, type WireErrorCode } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkOctets, checkPort, copyOctets, putOctets } from "../internal/octets.ts";
import { PROXY_CMD, PROXY_FAMILY, PROXY_TLV } from "./code-points.ts";
import { crc32c } from "./crc32c.ts";
import type { ProxyHeader } from "./header.ts";
import { decodeTlvs, putTlvs, scanTlvs, tlvsLength } from "./tlv.ts";

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const FIXED_LENGTH = 16;
const NONE = new Uint8Array(0);

/** Octets of one address in the families that have them; the others count as "nothing is said". */
const ADDR_LENGTH: Readonly<Record<number, number>> = {
  [PROXY_FAMILY.tcpOverIpv4]: 4,
  [PROXY_FAMILY.udpOverIpv4]: 4,
  [PROXY_FAMILY.tcpOverIpv6]: 16,
  [PROXY_FAMILY.udpOverIpv6]: 16,
  [PROXY_FAMILY.unixStream]: 108,
  [PROXY_FAMILY.unixDatagram]: 108,
};
const UNIX_ADDR_LENGTH = 108;

/** Decodes a header whose first octet is known to be that of the signature. */
export function decodeBinaryHeader(
  bytes: Uint8Array,
  offset: number,
  maxLength: number,
): Decoded<ProxyHeader> | undefined {
  checkSignature(bytes, offset);
  const versionAndCmd = bytes[offset + 12];
  if (versionAndCmd === undefined) return undefined;
  if (versionAndCmd >>> 4 !== 2) {
    throw bad(`the PROXY header has version ${versionAndCmd >>> 4}; expected 2`, "ERR_SOCKS_BAD_VERSION");
  }
  const cmd = versionAndCmd & 0x0f;
  if (cmd > PROXY_CMD.proxy) throw bad(`the PROXY header has command ${hexOctet(cmd)}; expected 0x00 or 0x01`);
  const family = bytes[offset + 13];
  if (family === undefined) return undefined;
  // LOCAL says nothing about addresses, so its family means nothing.
  if (cmd === PROXY_CMD.proxy) checkFamily(family, "remote");
  if (bytes.length < offset + FIXED_LENGTH) return undefined;

  const start = offset + FIXED_LENGTH;
  const end = start + (((bytes[offset + 14] as number) << 8) | (bytes[offset + 15] as number));
  // Negated, so that a limit that is not a number lets nothing through instead of everything.
  if (!(end - offset <= maxLength)) {
    throw bad(`the PROXY header has ${end - offset} octets; at most ${maxLength} are taken`, "ERR_SOCKS_OVERFLOW");
  }
  const addrLength = cmd === PROXY_CMD.proxy ? ADDR_LENGTH[family] : undefined;
  if (addrLength === undefined) {
    if (bytes.length < end) return undefined;
    const nothing = { srcAddr: NONE, dstAddr: NONE, srcPort: 0, dstPort: 0, tlvs: [] };
    return { value: { version: 2, cmd, family, ...nothing }, byteLength: end - offset };
  }
  const portsAt = start + 2 * addrLength;
  const tlvsAt = portsAt + (addrLength === UNIX_ADDR_LENGTH ? 0 : 4);
  if (tlvsAt > end) throw bad(`the PROXY header is too short for addresses of family ${hexOctet(family)}`);
  const checksumAt = findChecksum(bytes, tlvsAt, end);
  if (bytes.length < end) return undefined;
  if (checksumAt !== undefined && uint32At(bytes, checksumAt) !== crc32c(bytes, offset, end, checksumAt)) {
    throw bad("the checksum of the PROXY header is wrong");
  }
  const hasPorts = tlvsAt > portsAt;
  const value: ProxyHeader = {
    version: 2,
    cmd,
    family,
    srcAddr: copyOctets(bytes, start, start + addrLength),
    dstAddr: copyOctets(bytes, start + addrLength, portsAt),
    srcPort: hasPorts ? uint16At(bytes, portsAt) : 0,
    dstPort: hasPorts ? uint16At(bytes, portsAt + 2) : 0,
    tlvs: decodeTlvs(bytes, tlvsAt, end),
  };
  return { value, byteLength: end - offset };
}

/** Encodes a header. */
export function encodeBinaryHeader(value: ProxyHeader, maxLength: number): Uint8Array {
  const { cmd, family, srcAddr, dstAddr, srcPort, dstPort, tlvs } = value;
  if (cmd !== PROXY_CMD.local && cmd !== PROXY_CMD.proxy) {
    throw unsayable(`the command is ${String(cmd)}; expected 0x00 or 0x01`);
  }
  checkOctet(family, "family");
  if (cmd === PROXY_CMD.proxy) checkFamily(family, "local");
  checkPort(srcPort, "source port");
  checkPort(dstPort, "destination port");
  checkOctets(srcAddr, "source address", 0, UNIX_ADDR_LENGTH);
  checkOctets(dstAddr, "destination address", 0, UNIX_ADDR_LENGTH);
  const addrLength = (cmd === PROXY_CMD.proxy ? ADDR_LENGTH[family] : undefined) ?? 0;
  if (srcAddr.length !== addrLength || dstAddr.length !== addrLength) {
    throw unsayable(
      `the addresses have ${srcAddr.length} and ${dstAddr.length} octets; expected ${addrLength} for this header`,
      "ERR_SOCKS_BAD_ADDRESS",
    );
  }
  const hasPorts = addrLength === 4 || addrLength === 16;
  if (!hasPorts && (srcPort !== 0 || dstPort !== 0)) throw unsayable("this PROXY header has no place for ports");
  if (addrLength === 0 && tlvs.length > 0) throw unsayable("TLVs need addresses before them: readers skip them else");

  const portsAt = FIXED_LENGTH + 2 * addrLength;
  const tlvsAt = portsAt + (hasPorts ? 4 : 0);
  const length = tlvsAt + tlvsLength(tlvs);
  if (length > maxLength) {
    throw unsayable(`the PROXY header has ${length} octets; at most ${maxLength} are sent`, "ERR_SOCKS_OVERFLOW");
  }
  const bytes = new Uint8Array(length);
  putOctets(bytes, 0, SIGNATURE);
  bytes[12] = 0x20 | cmd;
  bytes[13] = family;
  bytes[14] = (length - FIXED_LENGTH) >>> 8;
  bytes[15] = (length - FIXED_LENGTH) & 0xff;
  putOctets(bytes, putOctets(bytes, FIXED_LENGTH, srcAddr), dstAddr);
  if (hasPorts) putOctets(bytes, portsAt, Uint8Array.of(srcPort >>> 8, srcPort & 0xff, dstPort >>> 8, dstPort & 0xff));
  putTlvs(bytes, tlvsAt, tlvs);
  putChecksum(bytes, tlvsAt);
  return bytes;
}

function checkSignature(bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < SIGNATURE.length && offset + i < bytes.length; i++) {
    if (bytes[offset + i] !== SIGNATURE[i]) {
      throw bad("expected the signature of a PROXY header in front of a connection", "ERR_SOCKS_BAD_VERSION");
    }
  }
}

function checkFamily(family: number, side: "local" | "remote"): void {
  if (family >>> 4 <= 3 && (family & 0x0f) <= 2) return;
  throw new WireError("ERR_SOCKS_BAD_FIELD", `the PROXY header has the unassigned family ${hexOctet(family)}`, {
    side,
  });
}

/** Index of the checksum's four octets, as far as the TLVs have arrived; `undefined` when there is none. */
function findChecksum(bytes: Uint8Array, start: number, end: number): number | undefined {
  let found: number | undefined;
  scanTlvs(bytes, start, end, (type, valueStart, valueEnd) => {
    if (type !== PROXY_TLV.crc32c) return;
    if (found !== undefined || valueEnd - valueStart !== 4) {
      throw bad("the PROXY header has two checksums, or one that is not 4 octets long");
    }
    found = valueStart;
  });
  return found;
}

function putChecksum(bytes: Uint8Array, tlvsAt: number): void {
  let at: number | undefined;
  try {
    at = findChecksum(bytes, tlvsAt, bytes.length);
  } catch (cause) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", "a PROXY header has at most one checksum TLV, of 4 octets", {
      side: "local",
      cause,
    });
  }
  if (at === undefined) return;
  const checksum = crc32c(bytes, 0, bytes.length, at);
  for (let i = 0; i < 4; i++) bytes[at + i] = (checksum >>> (24 - 8 * i)) & 0xff;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((uint16At(bytes, at) << 16) | uint16At(bytes, at + 2)) >>> 0;
}

function bad(message: string, code: WireErrorCode = "ERR_SOCKS_BAD_FIELD"): WireError {
  return new WireError(code, message, { side: "remote" });
}

function unsayable(message: string, code: WireErrorCode = "ERR_SOCKS_BAD_FIELD"): WireError {
  return new WireError(code, message, { side: "local" });
}
