/** An octet as people write protocol numbers: `0x05`. */
export function hexOctet(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0")}`;
}
