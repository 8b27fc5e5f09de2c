import { udpAssociation } from "./association.ts";
import { datagramDecoder, streamDecoders } from "./decoders.ts";
import { fragmentMachine } from "./fragments.ts";
import { gssapiStream } from "./gssapi-stream.ts";
import { httpMachines } from "./http-connect.ts";
import { identQueries, identReplies } from "./ident.ts";
import { clientMachines, serverMachines } from "./machines.ts";
import { prefaces } from "./preface.ts";
import type { Target } from "./target.ts";

/** Everything that reads octets of strangers. */
export function allTargets(): Target[] {
  return [
    // The longest first: the others run beside it.
    udpAssociation(),
    gssapiStream(),
    ...streamDecoders(),
    datagramDecoder(),
    ...serverMachines(),
    ...clientMachines(),
    ...httpMachines(),
    fragmentMachine(),
    identQueries(),
    identReplies(),
    ...prefaces(),
  ];
}
