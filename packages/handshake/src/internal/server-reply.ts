import {
  ATYP,
  METHOD,
  REP,
  SOCKS4_CD,
  addressFields,
  encodeMethodReply,
  encodeSocks4Reply,
  encodeSocks5Reply,
  unmapAddress,
  type Address,
} from "@sockskit/wire";

import type { ServerReply } from "../server-events.ts";
import type { ServerState } from "../server-transitions.ts";

const ZEROS = new Uint8Array(4);

/** Encodes the owner's reply in the client's version. */
export function encodeReply(version: 4 | 5, reply: ServerReply): Uint8Array {
  const bound = reply.rep === REP.succeeded ? reply.boundAddress : undefined;
  if (version === 5) return encodeReply5(reply.rep, bound);
  if (reply.rep !== REP.succeeded) return encodeReply4(reply.cd ?? SOCKS4_CD.requestRejectedOrFailed, undefined);
  return encodeReply4(SOCKS4_CD.requestGranted, bound);
}

/**
 * Encodes the failure that can be said in a state; `undefined` where there is none: before the
 * version is known, while a method runs (it has its own words), and after the last reply.
 */
export function encodeFailure(state: ServerState, version: 4 | 5 | undefined, rep: number): Uint8Array | undefined {
  switch (state) {
    case "greeting":
      return encodeMethodReply({ method: METHOD.noAcceptableMethods });
    case "requesting":
    case "requesting4":
    case "deciding":
    case "binding":
      return version === 4 ? encodeReply4(SOCKS4_CD.requestRejectedOrFailed, undefined) : encodeReply5(rep, undefined);
    default:
      return undefined;
  }
}

function encodeReply5(rep: number, bound: Address | undefined): Uint8Array {
  if (bound === undefined) return encodeSocks5Reply({ rep, atyp: ATYP.ipv4, bndAddr: ZEROS, bndPort: 0 });
  const { atyp, addr } = addressFields(bound);
  return encodeSocks5Reply({ rep, atyp, bndAddr: addr, bndPort: bound.port });
}

function encodeReply4(cd: number, bound: Address | undefined): Uint8Array {
  const address = bound === undefined ? undefined : unmapAddress(bound);
  return address?.type === "ipv4"
    ? encodeSocks4Reply({ cd, dstPort: address.port, dstIp: address.octets })
    : encodeSocks4Reply({ cd, dstPort: 0, dstIp: ZEROS });
}
