import { type Address, addressFromFields, decodeUdpHeader, type UdpDatagram } from "@sockskit/wire";

/** Whether a datagram begins with these octets. */
export function startsWith(message: Uint8Array, header: Uint8Array): boolean {
  const { length } = header;
  if (message.length < length) return false;
  for (let index = 0; index < length; index++) if (message[index] !== header[index]) return false;
  return true;
}

/** A datagram with its data as a view; `undefined` when its header cannot be read or names no port. */
export function readDatagram(message: Buffer): UdpDatagram | undefined {
  try {
    const { value, byteLength } = decodeUdpHeader(message);
    return value.dstPort === 0 ? undefined : { ...value, data: message.subarray(byteLength) };
  } catch {
    return undefined;
  }
}

/** Where a datagram goes; `undefined` when its octets name nothing that could be reached. */
export function readAddress(atyp: number, addr: Uint8Array, port: number): Address | undefined {
  try {
    return addressFromFields(atyp, addr, port);
  } catch {
    return undefined;
  }
}

/** Octets as a key. */
export function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}
