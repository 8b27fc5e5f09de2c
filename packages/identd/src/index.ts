/**
 * The Identification Protocol (RFC 1413): asks a host who owns its end of a TCP connection, and answers such questions
 * from the socket table of Linux or a lookup of your own.
 *
 * An answer is worth as much as the host that gives it. {@link askIdent} asks, {@link createIdentServer} answers, and
 * the codecs stand alone.
 *
 * @packageDocumentation
 */

export { IdentError } from "./errors.ts";
export type { IdentErrorCode, IdentErrorOptions } from "./errors.ts";
export { MAX_IDENT_LINE_LENGTH } from "./codec/line.ts";
export { decodeIdentQuery, encodeIdentQuery } from "./codec/query.ts";
export type { IdentQuery } from "./codec/query.ts";
export { decodeIdentReply, encodeIdentReply, IDENT_ERROR, MAX_USER_ID_LENGTH } from "./codec/reply.ts";
export type { IdentErrorReply, IdentReply, IdentUserReply } from "./codec/reply.ts";
export { trimUserId, userIdText } from "./codec/user-id.ts";
export { askIdent, IDENT_PORT } from "./client/ask-ident.ts";
export type { AskIdentOptions } from "./client/ask-ident.ts";
export { createLinuxLookup } from "./lookup/linux-lookup.ts";
export type { LinuxLookupOptions } from "./lookup/linux-lookup.ts";
export type { IdentConnection, IdentLookup, IdentOwner } from "./lookup/lookup.ts";
export { createIdentServer, IdentServer } from "./server/ident-server.ts";
export type { FixedName, IdentAnswered, IdentDisclosure, IdentServerOptions } from "./server/options.ts";
