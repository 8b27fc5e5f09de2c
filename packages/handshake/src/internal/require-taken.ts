import { HandshakeError } from "../errors.ts";

/**
 * Checks that nothing which came before a layer was in place is left.
 *
 * @throws HandshakeError `ERR_SOCKS_STATE` (local).
 */
export function requireTaken(octetCount: number): void {
  if (octetCount === 0) return;
  const message = `${octetCount} octets from before the layer are left: give the layer takeTrailingData() first`;
  throw new HandshakeError("ERR_SOCKS_STATE", message, { side: "local", stage: "authenticate" });
}
