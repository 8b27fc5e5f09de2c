import type { Decoded } from "@sockskit/wire";
import { IdentError } from "../errors.ts";
import { decodeLine, type LineScanner } from "./line.ts";

/**
 * The ports of the connection that is asked about, RFC 1413 section 3. The addresses are those of the connection that
 * the question is asked on.
 */
export interface IdentQuery {
  /** `port-on-server`: the port at the host that is asked. Decoded: 0 to 99,999, as it was written. */
  readonly portOnServer: number;
  /** `port-on-client`: the port at the host that asks. Decoded: 0 to 99,999, as it was written. */
  readonly portOnClient: number;
}

/**
 * Encodes a query: `49200, 1080` and CRLF.
 *
 * @throws IdentError `ERR_SOCKS_BAD_FIELD` for a port outside 1 to 65535.
 */
export function encodeIdentQuery({ portOnServer, portOnClient }: IdentQuery): Uint8Array {
  for (const port of [portOnServer, portOnClient]) {
    if (isPort(port)) continue;
    const message = `port ${String(port)} is not a number from 1 to 65535`;
    throw new IdentError("ERR_SOCKS_BAD_FIELD", message, { side: "local" });
  }
  return new TextEncoder().encode(`${portOnServer}, ${portOnClient}\r\n`);
}

/**
 * Decodes a query. Ports outside 1 to 65535 are no error here: they have an answer of their own, `INVALID-PORT`.
 *
 * Deviation: LF alone ends a line as well, because real askers send that.
 *
 * @returns `undefined` while the line is incomplete.
 * @throws IdentError `ERR_SOCKS_BAD_IDENT`, `ERR_SOCKS_OVERFLOW`.
 */
export function decodeIdentQuery(bytes: Uint8Array, offset = 0): Decoded<IdentQuery> | undefined {
  return decodeLine(bytes, offset, (scanner) => {
    const pair = readPortPair(scanner);
    return pair !== undefined && scanner.end() === true ? pair : undefined;
  });
}

/** Reads `<port-on-server> "," <port-on-client>`, which begins every line. */
export function readPortPair(scanner: LineScanner): IdentQuery | undefined {
  const portOnServer = scanner.port();
  if (portOnServer === undefined || scanner.mark(",") === undefined) return undefined;
  const portOnClient = scanner.port();
  return portOnClient === undefined ? undefined : { portOnServer, portOnClient };
}

/** Whether a number is a TCP port that a connection can have. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 0xffff;
}
