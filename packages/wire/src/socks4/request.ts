import { REP, SOCKS4_VERSION } from "../code-points.ts";
import type { Decoded } from "../decoded.ts";
import { WireError } from "../errors.ts";
import { hexOctet } from "../internal/hex.ts";
import { checkOctet, checkOctets, checkPort, copyOctets, putOctets } from "../internal/octets.ts";

/** Most octets of `USERID` that {@link encodeSocks4Request} sends. */
export const MAX_SENT_USERID_LENGTH = 255;
/** Most octets of `USERID` that {@link decodeSocks4Request} takes, unless told otherwise. */
export const MAX_USERID_LENGTH = 512;
/** Most octets of a SOCKS 4A name that are sent, and taken unless told otherwise. */
export const MAX_SOCKS4_DOMAIN_LENGTH = 255;
/** Longest {@link Socks4Request} within the default limits: VN CD DSTPORT DSTIP, USERID and its NUL, name and its NUL. */
export const MAX_SOCKS4_REQUEST_LENGTH: number = 1 + 1 + 2 + 4 + (512 + 1) + (255 + 1);

/**
 * What a SOCKS 4 or 4A client asks for. "SOCKS: A protocol for TCP proxy across firewalls" and
 * "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol", neither of which became an RFC.
 *
 * | VN | CD | DSTPORT | DSTIP | USERID   | NUL | name (4A) | NUL (4A) |
 * |----|----|---------|-------|----------|-----|-----------|----------|
 * | 04 | 1  | 2       | 4     | variable | 00  | variable  | 00       |
 *
 * The name is there if and only if `DSTIP` is 0.0.0.x with x from 1 to 255.
 */
export interface Socks4Request {
  /** `CD`; any octet, see {@link SOCKS4_CD} for the assigned ones. */
  readonly cd: number;
  /** `DSTPORT`, 0 to 65535. */
  readonly dstPort: number;
  /** `DSTIP`, 4 octets. With a name: 0.0.0.x, x not 0. */
  readonly dstIp: Uint8Array;
  /** `USERID` without its NUL; may be empty. */
  readonly userid: Uint8Array;
  /** The name of SOCKS 4A without its NUL; absent in SOCKS 4. */
  readonly domain?: Uint8Array;
}

/** Limits of {@link decodeSocks4Request} on the two fields that the protocol leaves unbounded. */
export interface Socks4RequestLimits {
  /** Most octets of `USERID`. Default: 512. */
  readonly maxUseridLength?: number;
  /** Most octets of a SOCKS 4A name. Default: 255. */
  readonly maxDomainLength?: number;
}

/**
 * Decodes a {@link Socks4Request} that begins at `offset`.
 *
 * The octets of a name are taken as they are, an empty name included; `addressFromFields` judges them.
 *
 * @returns `undefined` while `bytes` ends before the message does.
 * @throws WireError `ERR_SOCKS_BAD_VERSION`, `ERR_SOCKS_OVERFLOW` (`rep` 0x01, as soon as no NUL comes within the limit).
 */
export function decodeSocks4Request(
  bytes: Uint8Array,
  offset = 0,
  limits?: Socks4RequestLimits,
): Decoded<Socks4Request> | undefined {
  if (bytes.length <= offset) return undefined;
  if (bytes[offset] !== SOCKS4_VERSION) {
    throw new WireError(
      "ERR_SOCKS_BAD_VERSION",
      `request begins with ${hexOctet(bytes[offset] as number)}; expected 0x04`,
      {
        side: "remote",
      },
    );
  }
  const useridStart = offset + 8;
  const useridEnd = findNul(bytes, useridStart, limits?.maxUseridLength ?? MAX_USERID_LENGTH, "USERID");
  if (useridEnd < 0) return undefined;
  const cd = bytes[offset + 1] as number;
  const dstPort = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
  const dstIp = copyOctets(bytes, offset + 4, useridStart);
  if (!announcesName(dstIp)) {
    const userid = copyOctets(bytes, useridStart, useridEnd);
    return { value: { cd, dstPort, dstIp, userid }, byteLength: useridEnd + 1 - offset };
  }
  const domainStart = useridEnd + 1;
  const domainEnd = findNul(bytes, domainStart, limits?.maxDomainLength ?? MAX_SOCKS4_DOMAIN_LENGTH, "name");
  if (domainEnd < 0) return undefined;
  const userid = copyOctets(bytes, useridStart, useridEnd);
  const domain = copyOctets(bytes, domainStart, domainEnd);
  return { value: { cd, dstPort, dstIp, userid, domain }, byteLength: domainEnd + 1 - offset };
}

/**
 * Encodes a {@link Socks4Request}.
 *
 * @throws WireError `ERR_SOCKS_BAD_FIELD` (a NUL inside `userid` or `domain`, which would end the field early;
 *   an empty `domain`), `ERR_SOCKS_BAD_ADDRESS` (`dstIp` is not 4 octets, or says 4A without a name, or a name
 *   without 4A), `ERR_SOCKS_BAD_PORT`, `ERR_SOCKS_OVERFLOW`.
 */
export function encodeSocks4Request(value: Socks4Request): Uint8Array {
  const { dstPort, dstIp, userid, domain } = value;
  checkOctet(value.cd, "CD");
  checkPort(dstPort, "DSTPORT");
  checkText(userid, "USERID", 0, MAX_SENT_USERID_LENGTH);
  if (domain !== undefined) checkText(domain, "name", 1, MAX_SOCKS4_DOMAIN_LENGTH);
  checkOctets(dstIp, "DSTIP", 0, 255);
  if (dstIp.length !== 4 || announcesName(dstIp) !== (domain !== undefined)) {
    throw new WireError(
      "ERR_SOCKS_BAD_ADDRESS",
      `DSTIP is ${dstIp.join(".")}; expected ${domain === undefined ? "4 octets that are not 0.0.0.x" : "0.0.0.x with x from 1 to 255, because a name follows"}`,
      { side: "local" },
    );
  }
  const bytes = new Uint8Array(8 + userid.length + 1 + (domain === undefined ? 0 : domain.length + 1));
  bytes[0] = SOCKS4_VERSION;
  bytes[1] = value.cd;
  bytes[2] = dstPort >>> 8;
  bytes[3] = dstPort & 0xff;
  putOctets(bytes, 4, dstIp);
  const nulAt = putOctets(bytes, 8, userid);
  if (domain !== undefined) putOctets(bytes, nulAt + 1, domain);
  return bytes;
}

/** Whether `DSTIP` says that a name follows: 0.0.0.x, x not 0. 0.0.0.0 itself is SOCKS 4. */
function announcesName(dstIp: Uint8Array): boolean {
  return dstIp[0] === 0x00 && dstIp[1] === 0x00 && dstIp[2] === 0x00 && dstIp[3] !== 0x00;
}

/** Index of the next NUL, or -1 while there is none yet. */
function findNul(bytes: Uint8Array, start: number, maxLength: number, field: string): number {
  for (let i = start; i < bytes.length; i++) {
    // Negated, so that a limit that is not a number lets nothing through instead of everything.
    if (bytes[i] !== 0x00 && !(i - start < maxLength)) {
      throw new WireError("ERR_SOCKS_OVERFLOW", `${field} of the request has more than ${maxLength} octets`, {
        side: "remote",
        rep: REP.generalSocksServerFailure,
      });
    }
    if (bytes[i] === 0x00) return i;
  }
  return -1;
}

function checkText(octets: Uint8Array, field: string, min: number, max: number): void {
  checkOctets(octets, field, min, max);
  if (octets.includes(0x00)) {
    throw new WireError("ERR_SOCKS_BAD_FIELD", `${field} contains a NUL, which would end it early`, { side: "local" });
  }
}
