import { datagramDecoder, streamDecoders } from "./decoders.ts";
import { fragmentMachine } from "./fragments.ts";
import { httpMachines } from "./http-connect.ts";
import { identQueries, identReplies } from "./ident.ts";
import { clientMachines, serverMachines } from "./machines.ts";
import type { Target } from "./target.ts";

/** Everything that reads octets of strangers. */
export function allTargets(): Target[] {
  return [
    ...streamDecoders(),
    datagramDecoder(),
    ...serverMachines(),
    ...clientMachines(),
    ...httpMachines(),
    fragmentMachine(),
    identQueries(),
    identReplies(),
  ];
}
