// The text of IP addresses: strict dotted quads, RFC 4291 section 2.2 in, RFC 5952 out.

/** What RFC 6874 allows in a zone without percent-encoding; interface names and numbers fit. */
const ZONE = /^[0-9A-Za-z._~-]{1,64}$/;

/** Whether `text` can name a zone (an interface) of an IPv6 address. */
export function isZone(text: string): boolean {
  return ZONE.test(text);
}

/**
 * The 4 octets of a dotted quad, or `undefined`.
 *
 * Four decimal numbers without leading zeros and nothing else: octal, hexadecimal and short forms,
 * which some resolvers read as addresses, are none.
 */
export function parseIpv4Octets(text: string): Uint8Array | undefined {
  const length = text.length;
  if (length < 7 || length > 15 || !isDigit(text.charCodeAt(0))) return undefined;
  const octets = new Uint8Array(4);
  let at = 0;
  for (let part = 0; part < 4; part++) {
    const start = at;
    let octet = 0;
    while (at < length && isDigit(text.charCodeAt(at))) octet = octet * 10 + text.charCodeAt(at++) - 0x30;
    const digits = at - start;
    if (digits === 0 || octet > 255 || (digits > 1 && text.charCodeAt(start) === 0x30)) return undefined;
    octets[part] = octet;
    if (part < 3 && text.charCodeAt(at++) !== 0x2e) return undefined;
  }
  return at === length ? octets : undefined;
}

/** The 16 octets of an IPv6 address without brackets and zone, or `undefined`. */
export function parseIpv6Octets(text: string): Uint8Array | undefined {
  const length = text.length;
  if (length < 2 || length > 45) return undefined;
  const octets = new Uint8Array(16);
  let filled = 0;
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    let end = at;
    let group = 0;
    for (let digit = 0; end < length && (digit = hexDigit(text.charCodeAt(end))) >= 0; end++) {
      if (end - at === 4) return undefined;
      group = (group << 4) | digit;
    }
    if (text.charCodeAt(end) === 0x2e) {
      const ipv4 = parseIpv4Octets(text.slice(at));
      if (ipv4 === undefined || filled > 12) return undefined;
      octets.set(ipv4, filled);
      filled += 4;
      at = length;
      break;
    }
    if (end === at || filled > 14) return undefined;
    octets[filled++] = group >>> 8;
    octets[filled++] = group & 0xff;
    at = end;
    if (at === length) break;
    if (text.charCodeAt(at) !== 0x3a) return undefined;
    at++;
    if (text.charCodeAt(at) === 0x3a) {
      if (gap >= 0) return undefined;
      gap = filled;
      at++;
    } else if (at === length) {
      return undefined;
    }
  }
  if (gap < 0) return filled === 16 ? octets : undefined;
  // "::" stands for at least one group.
  if (filled > 14) return undefined;
  octets.copyWithin(16 - (filled - gap), gap, filled);
  octets.fill(0, gap, 16 - (filled - gap));
  return octets;
}

/** A dotted quad from 4 octets that begin at `at`. */
export function formatIpv4Octets(octets: Uint8Array, at = 0): string {
  return `${octets[at]}.${octets[at + 1]}.${octets[at + 2]}.${octets[at + 3]}`;
}

/**
 * An IPv6 address from its 16 octets as RFC 5952 writes it: lower case, no leading zeros, the first
 * longest run of two or more zero groups as `::`. The tail of an IPv4-mapped or IPv4-translated
 * address (section 5: a well-known prefix that shows it) is a dotted quad.
 */
export function formatIpv6Octets(octets: Uint8Array): string {
  const mixed = isIpv4Mapped(octets) || isIpv4Translated(octets);
  const groupCount = mixed ? 6 : 8;
  let gapStart = -1;
  let gapLength = 1;
  for (let start = 0; start < groupCount; start++) {
    let end = start;
    while (end < groupCount && groupAt(octets, end) === 0) end++;
    if (end - start > gapLength) {
      gapStart = start;
      gapLength = end - start;
    }
    if (end > start) start = end;
  }
  let text = "";
  for (let i = 0; i < groupCount; i++) {
    if (i === gapStart) {
      text += "::";
      i += gapLength - 1;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += groupAt(octets, i).toString(16);
  }
  return mixed ? `${text}:${formatIpv4Octets(octets, 12)}` : text;
}

/** Whether 16 octets are in `::ffff:0:0/96`, RFC 4291 section 2.5.5.2. */
export function isIpv4Mapped(octets: Uint8Array): boolean {
  return octets[10] === 0xff && octets[11] === 0xff && isZero(octets, 0, 10);
}

/** Whether 16 octets are in `::ffff:0:0:0/96`, RFC 2765 section 2.1. */
export function isIpv4Translated(octets: Uint8Array): boolean {
  return octets[8] === 0xff && octets[9] === 0xff && octets[10] === 0 && octets[11] === 0 && isZero(octets, 0, 8);
}

/** Whether `octets[start..end)` are all zero. */
export function isZero(octets: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (octets[i] !== 0) return false;
  return true;
}

function groupAt(octets: Uint8Array, group: number): number {
  return ((octets[2 * group] as number) << 8) | (octets[2 * group + 1] as number);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function hexDigit(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
