import {
  SOCKS4_CD,
  WireError,
  addressFromFields,
  repDescription,
  type Address,
  type Socks5Reply,
} from "@sockskit/wire";

import { formatOctet } from "./octet-text.ts";

const CD_TEXT: Readonly<Record<number, string>> = {
  [SOCKS4_CD.requestRejectedOrFailed]: "rejected or failed",
  [SOCKS4_CD.identdUnreachable]: "the proxy could not reach an ident server on this host",
  [SOCKS4_CD.useridMismatch]: "the ident server of this host names another user",
};

/** Says what a failure reply means: `proxy refused the request: connection refused (REP 0x05)`. */
export function describeRefusal(version: 4 | 5, reply: number): string {
  const field = version === 5 ? "REP" : "CD";
  const text = version === 5 ? repDescription(reply) : CD_TEXT[reply];
  return `proxy refused the request: ${text ?? "unassigned code"} (${field} ${formatOctet(reply)})`;
}

/** The address of a success, or `undefined` for what is no address: clients must not fail on odd values. */
export function boundAddressOf(reply: Socks5Reply): Address | undefined {
  try {
    return addressFromFields(reply.atyp, reply.bndAddr, reply.bndPort);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
