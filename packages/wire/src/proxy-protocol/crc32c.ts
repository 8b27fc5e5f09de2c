// CRC-32C (Castagnoli) as the PROXY protocol's checksum TLV uses it, RFC 3720 appendix B.4.

const REFLECTED_POLYNOMIAL = 0x82f6_3b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, octet) => {
  let remainder = octet;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? REFLECTED_POLYNOMIAL : 0);
  return remainder;
});

/** The checksum of `bytes[start..end)`, in which the four octets at `hole` count as zeros. */
export function crc32c(bytes: Uint8Array, start: number, end: number, hole: number): number {
  let remainder = 0xffff_ffff;
  for (let i = start; i < end; i++) {
    const octet = i >= hole && i < hole + 4 ? 0 : (bytes[i] as number);
    remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ octet) & 0xff] as number);
  }
  return (remainder ^ 0xffff_ffff) >>> 0;
}
