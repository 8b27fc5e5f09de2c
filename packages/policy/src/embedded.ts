import { ipv4At } from "./address-sets.ts";

/*
 * An IPv6 address may lead to an IPv4 host: a translator or a tunnel takes the
 * IPv4 address out of it. What a rule denies by IPv4 address must not be
 * reachable in such a wrapping. Mapped addresses are not here: they *are* IPv4.
 */

const NOTHING: readonly number[] = [];

/** The IPv4 addresses inside the octets of an address, as signed 32-bit numbers. */
export function embeddedIpv4s(octets: Uint8Array): readonly number[] {
  if (octets.length !== 16) return NOTHING;
  const ofPrefix = insidePrefix(octets);
  return isIsatap(octets) ? [...ofPrefix, ipv4At(octets, 12)] : ofPrefix;
}

/** Those that the prefix promises. */
function insidePrefix(octets: Uint8Array): readonly number[] {
  switch (octets[0]) {
    case 0x00:
      if (octets[1] === 0x64 && octets[2] === 0xff && octets[3] === 0x9b) return nat64(octets);
      return isTranslated(octets) ? [ipv4At(octets, 12)] : compatible(octets);
    case 0x20:
      // 6to4, `2002:aabb:ccdd::`, RFC 3056 section 2.
      if (octets[1] === 0x02) return [ipv4At(octets, 2)];
      // Teredo, `2001:0:...`, RFC 4380 section 4: the server, and the client inverted.
      if (octets[1] === 0x01 && isZero(octets, 2, 4)) return [ipv4At(octets, 4), ~ipv4At(octets, 12)];
      return NOTHING;
    default:
      return NOTHING;
  }
}

/** Interface identifier `0:5efe:a.b.c.d` or `200:5efe:a.b.c.d` under any prefix, RFC 5214 section 6.1. */
function isIsatap(octets: Uint8Array): boolean {
  return octets[10] === 0x5e && octets[11] === 0xfe && octets[9] === 0x00 && ((octets[8] as number) & 0xfd) === 0x00;
}

/** `::ffff:0:a.b.c.d`, the IPv4-translated address of RFC 2765 section 2.1, which RFC 7915 replaces. */
function isTranslated(octets: Uint8Array): boolean {
  return octets[8] === 0xff && octets[9] === 0xff && isZero(octets, 1, 8) && isZero(octets, 10, 12);
}

/** `::a.b.c.d`, RFC 4291 section 2.5.5.1; `::` and `::1` are addresses of their own. */
function compatible(octets: Uint8Array): readonly number[] {
  if (!isZero(octets, 1, 12)) return NOTHING;
  return isZero(octets, 12, 15) && (octets[15] as number) <= 1 ? NOTHING : [ipv4At(octets, 12)];
}

function nat64(octets: Uint8Array): readonly number[] {
  // `64:ff9b::a.b.c.d`, RFC 6052 section 2.1.
  if (isZero(octets, 4, 12)) return [ipv4At(octets, 12)];
  // `64:ff9b:1::/48`, RFC 8215.
  return octets[4] === 0x00 && octets[5] === 0x01 ? localNat64(octets) : NOTHING;
}

/**
 * RFC 6052 section 2.2: prefixes of 96, 64, 56 and 48 bits put the address in
 * different places (octet 8 stays out of it). Which one the operator uses cannot
 * be seen, so all are read. A reading that begins with a zero octet is the
 * padding of another one.
 */
function localNat64(octets: Uint8Array): readonly number[] {
  const rest = ipv4At(octets, 8) & 0x00_ff_ff_ff; // octets 9, 10, 11
  const readings = [
    ipv4At(octets, 12),
    ipv4At(octets, 9),
    ((octets[7] as number) << 24) | rest,
    ((octets[6] as number) << 24) | ((octets[7] as number) << 16) | (rest >>> 8),
  ];
  return readings.filter((ip) => ip >>> 24 !== 0);
}

function isZero(octets: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (octets[index] !== 0) return false;
  return true;
}
