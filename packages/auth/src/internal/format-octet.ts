/** Writes an octet the way the specifications do: `0x05`. */
export function formatOctet(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}
