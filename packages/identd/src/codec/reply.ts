import type { Decoded } from "@sockskit/wire";
import { IdentError } from "../errors.ts";
import { decodeLine, isControl, type LineScanner, MAX_TOKEN_LENGTH } from "./line.ts";
import { type IdentQuery, readPortPair } from "./query.ts";

/** Longest user id: RFC 1413 section 5. */
export const MAX_USER_ID_LENGTH = 512;

/**
 * Error types of RFC 1413 section 4. Any other token may come as well; private ones begin with `X`.
 */
export const IDENT_ERROR = {
  /** A port was malformed or out of range. */
  invalidPort: "INVALID-PORT",
  /** There is no such connection, or nobody that owns it. */
  noUser: "NO-USER",
  /** The owner is known and does not want to be named. */
  hiddenUser: "HIDDEN-USER",
  /** Anything else. */
  unknownError: "UNKNOWN-ERROR",
} as const;

/** The answer that names a user, RFC 1413 section 4: `49200, 1080 : USERID : UNIX : fred`. */
export interface IdentUserReply extends IdentQuery {
  /** Tag of the union. */
  readonly type: "userid";
  /** `opsys`: `"UNIX"`, or another token; `"OTHER"` says that the user id is opaque and no login name. Printable ASCII. */
  readonly opsys: string;
  /** `charset` of the user id. Absent: US-ASCII. Printable ASCII. */
  readonly charset?: string;
  /**
   * `user-id`, 1 to 512 octets: exactly what stands between the last colon and the end of the line, blanks included.
   * It holds no control but tab. See {@link trimUserId} and {@link userIdText}.
   */
  readonly userId: Uint8Array;
}

/** The answer that names nobody, RFC 1413 section 4: `49200, 1080 : ERROR : NO-USER`. */
export interface IdentErrorReply extends IdentQuery {
  /** Tag of the union. */
  readonly type: "error";
  /** `error-type`, in capitals: one of {@link IDENT_ERROR} or another token. Printable ASCII. */
  readonly errorType: string;
  /** What the other side did instead of giving a usable answer, where that counts as `UNKNOWN-ERROR`. Never sent. */
  readonly problem?: IdentError;
}

/** An answer to an {@link IdentQuery}. */
export type IdentReply = IdentUserReply | IdentErrorReply;

/**
 * Encodes an answer, without optional white space: `49200,1080:USERID:UNIX:fred` and CRLF. A blank before a user id
 * would belong to it.
 *
 * @throws IdentError `ERR_SOCKS_BAD_FIELD`.
 */
export function encodeIdentReply(reply: IdentReply): Uint8Array {
  const { portOnServer, portOnClient } = reply;
  for (const port of [portOnServer, portOnClient]) {
    if (!Number.isInteger(port) || port < 0 || port > 99_999) {
      throw badField(`port ${String(port)} cannot be repeated in an answer; expected 0 to 99999`);
    }
  }
  const head = `${portOnServer},${portOnClient}:`;
  if (reply.type === "error") return octets(`${head}ERROR:${token(reply.errorType, "error type")}\r\n`);
  const { opsys, charset, userId } = reply;
  if (opsys.includes(",")) throw badField('the operating system has a ",", which would end it');
  const system = token(opsys, "operating system") + (charset === undefined ? "" : `,${token(charset, "charset")}`);
  if (userId.length < 1 || userId.length > MAX_USER_ID_LENGTH || userId.some(isControl)) {
    throw badField(`the user id is not 1 to ${MAX_USER_ID_LENGTH} octets without controls`);
  }
  const start = octets(`${head}USERID:${system}:`);
  const line = new Uint8Array(start.length + userId.length + 2);
  line.set(start);
  line.set(userId, start.length);
  line.set([0x0d, 0x0a], start.length + userId.length);
  return line;
}

/**
 * Decodes an answer. Keywords are read in any case.
 *
 * Deviation: LF alone ends a line as well, and a user id with a control octet other than tab is refused, though
 * RFC 1413 forbids only NUL, CR and LF: no login name has one, and a log could be forged with it.
 *
 * @returns `undefined` while the line is incomplete.
 * @throws IdentError `ERR_SOCKS_BAD_IDENT`, `ERR_SOCKS_OVERFLOW`.
 */
export function decodeIdentReply(bytes: Uint8Array, offset = 0): Decoded<IdentReply> | undefined {
  return decodeLine(bytes, offset, readReply);
}

function readReply(scanner: LineScanner): IdentReply | undefined {
  const pair = readPortPair(scanner);
  if (pair === undefined || scanner.mark(":") === undefined) return undefined;
  const keyword = scanner.field(MAX_TOKEN_LENGTH)?.toUpperCase();
  if (keyword === undefined) return undefined;
  if (keyword !== "USERID" && keyword !== "ERROR") {
    throw new IdentError("ERR_SOCKS_BAD_IDENT", "not a line of RFC 1413: expected USERID or ERROR", { side: "remote" });
  }
  if (scanner.mark(":") === undefined) return undefined;
  if (keyword === "ERROR") {
    const errorType = scanner.field(MAX_TOKEN_LENGTH)?.toUpperCase();
    return errorType !== undefined && scanner.end() === true ? { type: "error", ...pair, errorType } : undefined;
  }
  const system = scanner.field(2 * MAX_TOKEN_LENGTH + 1);
  if (system === undefined || scanner.mark(":") === undefined) return undefined;
  const userId = scanner.rest(MAX_USER_ID_LENGTH);
  if (userId === undefined) return undefined;
  const comma = system.indexOf(",");
  const opsys = (comma === -1 ? system : system.slice(0, comma)).trim();
  const charset = comma === -1 ? "" : system.slice(comma + 1).trim();
  if (opsys === "" || opsys.length > MAX_TOKEN_LENGTH || charset.length > MAX_TOKEN_LENGTH) {
    throw new IdentError(
      "ERR_SOCKS_BAD_IDENT",
      `not a line of RFC 1413: operating system and charset have 1 to ${MAX_TOKEN_LENGTH} characters`,
      { side: "remote" },
    );
  }
  return { type: "userid", ...pair, opsys, ...(charset === "" ? {} : { charset }), userId };
}

function token(text: string, what: string): string {
  if (/^[!-9;-~](?:[ -9;-~]{0,62}[!-9;-~])?$/.test(text)) return text;
  throw badField(`the ${what} is not 1 to ${MAX_TOKEN_LENGTH} printable ASCII characters without ":"`);
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function badField(message: string): IdentError {
  return new IdentError("ERR_SOCKS_BAD_FIELD", message, { side: "local" });
}
