import type { IpAddress } from "@sockskit/wire";

/*
 * A set is one bit, an address is classified once per decision, and a rule asks
 * for its sets with one `&`. Nothing here allocates.
 */

/** Name of a set of addresses that `to` and `clients` of a rule know. */
export type AddressSet = "loopback" | "private" | "linklocal" | "multicast" | "unspecified" | "metadata" | "self";

/** The bit of each named set. */
export const SET: Readonly<Record<AddressSet, number>> = {
  loopback: 0x01,
  private: 0x02,
  linklocal: 0x04,
  multicast: 0x08,
  unspecified: 0x10,
  metadata: 0x20,
  self: 0x40,
};

/** The named sets: what `to` and `clients` of a rule know besides names, addresses and networks. */
export const ADDRESS_SETS: readonly AddressSet[] = Object.keys(SET) as AddressSet[];

/** Sets that clients from elsewhere reach only through a rule that names them. */
export const PROTECTED_SETS: number =
  SET.loopback | SET.linklocal | SET.metadata | SET.multicast | SET.unspecified | SET.self;

/** The one name among the metadata addresses. */
export const METADATA_NAME = "metadata.google.internal";

/** Names of the sets in `sets`, for people. */
export function setNames(sets: number): string {
  return ADDRESS_SETS.filter((name) => (sets & SET[name]) !== 0).join(" ");
}

/** The four octets at `offset` as a signed 32-bit number. */
export function ipv4At(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset] as number) << 24) |
    ((octets[offset + 1] as number) << 16) |
    ((octets[offset + 2] as number) << 8) |
    (octets[offset + 3] as number)
  );
}

/** Whether the octets are those of an IPv4-mapped address, `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2). */
function isMapped(octets: Uint8Array): boolean {
  if (octets[10] !== 0xff || octets[11] !== 0xff) return false;
  for (let index = 0; index < 10; index++) if (octets[index] !== 0) return false;
  return true;
}

/** Where the IPv4 address starts in what is an IPv4 address, mapped or not; -1 when it is IPv6. */
export function ipv4Offset(address: IpAddress): number {
  if (address.type === "ipv4") return 0;
  return isMapped(address.octets) ? 12 : -1;
}

/** Sets of an IPv4 address, without `self`. */
export function setsOfIpv4(ip: number): number {
  switch (ip >>> 24) {
    case 0:
      // The kernel connects 0.0.0.0 to this very host.
      return ip === 0 ? SET.unspecified | SET.loopback : 0;
    case 10:
      return SET.private;
    case 100: // 100.100.100.200
      return ip === 0x64_64_64_c8 ? SET.metadata : 0;
    case 127:
      return SET.loopback;
    case 168: // 168.63.129.16
      return ip === (0xa8_3f_81_10 | 0) ? SET.metadata : 0;
    case 169:
      if ((ip & 0x00_ff_00_00) !== 0x00_fe_00_00) return 0;
      // 169.254.169.254 and 169.254.170.2
      return ip === (0xa9_fe_a9_fe | 0) || ip === (0xa9_fe_aa_02 | 0) ? SET.linklocal | SET.metadata : SET.linklocal;
    case 172:
      return (ip & 0x00_f0_00_00) === 0x00_10_00_00 ? SET.private : 0;
    case 192:
      return (ip & 0x00_ff_00_00) === 0x00_a8_00_00 ? SET.private : 0;
    case 255:
      // Broadcast reaches many hosts, as multicast does.
      return ip === -1 ? SET.multicast : 0;
    default:
      return ip >>> 28 === 0x0e ? SET.multicast : 0;
  }
}

/** Sets of an IPv6 address that is not IPv4-mapped, without `self`, not looking inside it. */
function setsOfIpv6(octets: Uint8Array): number {
  switch (octets[0]) {
    case 0x00: {
      for (let index = 1; index < 15; index++) if (octets[index] !== 0) return 0;
      if (octets[15] === 0x01) return SET.loopback;
      return octets[15] === 0 ? SET.unspecified | SET.loopback : 0;
    }
    case 0xfc:
      return SET.private;
    case 0xfd: // fd00:ec2::254
      return isMetadataIpv6(octets) ? SET.private | SET.metadata : SET.private;
    case 0xfe:
      // fe80::/10, and fec0::/10: site-local addresses are deprecated (RFC 3879), and still in use.
      if (((octets[1] as number) & 0xc0) === 0x80) return SET.linklocal;
      return ((octets[1] as number) & 0xc0) === 0xc0 ? SET.private : 0;
    case 0xff:
      return SET.multicast;
    default:
      return 0;
  }
}

function isMetadataIpv6(octets: Uint8Array): boolean {
  if (octets[1] !== 0x00 || octets[2] !== 0x0e || octets[3] !== 0xc2) return false;
  for (let index = 4; index < 14; index++) if (octets[index] !== 0) return false;
  return octets[14] === 0x02 && octets[15] === 0x54;
}

/** Sets of an address, without `self`, not looking inside IPv6 except for mapped addresses. */
export function setsOf(address: IpAddress): number {
  const offset = ipv4Offset(address);
  return offset < 0 ? setsOfIpv6(address.octets) : setsOfIpv4(ipv4At(address.octets, offset));
}
