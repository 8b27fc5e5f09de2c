import net from "node:net";
import { formatAddress, type IpAddress, unmapAddress } from "@sockskit/wire";
import { decodeIdentReply, IDENT_ERROR, type IdentReply } from "../codec/reply.ts";
import { encodeIdentQuery, isPort } from "../codec/query.ts";
import { MAX_IDENT_LINE_LENGTH } from "../codec/line.ts";
import { IdentError } from "../errors.ts";

/** Port of the Identification Protocol, RFC 1413 section 2. */
export const IDENT_PORT = 113;
const MAX_TIMEOUT_MS = 0x7fffffff;

/** What {@link askIdent} asks about, and how long it waits. */
export interface AskIdentOptions {
  /** The far end of the connection that is asked about, with its port; this host is asked. */
  readonly remote: IpAddress;
  /** Our end of that connection, with its port. The question is asked from this address, as RFC 1413 section 3 wants. */
  readonly local: IpAddress;
  /** Port on which the host is asked. Default 113. */
  readonly port?: number;
  /** How long everything together may take, in milliseconds, 1 to 2,147,483,647. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/**
 * Asks a host who owns its end of a connection (RFC 1413). The answer is worth as much as that host: whoever controls
 * it says what they like.
 *
 * An end without a full line, a line that cannot be read, and an answer about other ports count as the error
 * `UNKNOWN-ERROR`; `problem` then says what it was.
 *
 * @throws IdentError `ERR_SOCKS_IDENT_UNREACHABLE`, `ERR_SOCKS_TIMEOUT`, `ERR_SOCKS_ABORTED`, `ERR_SOCKS_BAD_OPTION`,
 * `ERR_SOCKS_BAD_FIELD`.
 */
export async function askIdent(options: AskIdentOptions): Promise<IdentReply> {
  const { timeoutMs = 10_000, port = IDENT_PORT, signal } = options;
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) throw badOption("timeoutMs", `1 to ${MAX_TIMEOUT_MS}`);
  if (!isPort(port)) throw badOption("port", "1 to 65535");
  const remote = unmapAddress(options.remote);
  const local = unmapAddress(options.local);
  const query = { portOnServer: remote.port, portOnClient: local.port };
  const line = encodeIdentQuery(query);
  if (signal?.aborted === true) throw aborted(signal);

  const host = hostOf(remote);
  const where = formatAddress({ ...remote, port });
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, localAddress: hostOf(local), noDelay: true });
    let received: Uint8Array = new Uint8Array(0);
    let isConnected = false;
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      // A late error of the socket is nobody's business any more.
      socket.removeAllListeners().on("error", () => undefined);
      socket.destroy();
    };
    const fail = (error: IdentError): void => {
      finish();
      reject(error);
    };
    const onAbort = (): void => fail(aborted(signal as AbortSignal));
    const unusable = (problem: IdentError): void => {
      finish();
      resolve({ type: "error", ...query, errorType: IDENT_ERROR.unknownError, problem });
    };
    const timer = setTimeout(() => {
      const message = `${where} gave no answer to an ident query within ${timeoutMs} ms`;
      fail(new IdentError("ERR_SOCKS_TIMEOUT", message, { side: "remote" }));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort);
    socket.on("connect", () => {
      isConnected = true;
      socket.write(line);
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk.subarray(0, MAX_IDENT_LINE_LENGTH)]);
      try {
        const reply = decodeIdentReply(received)?.value;
        if (reply === undefined) return;
        if (reply.portOnServer !== query.portOnServer || reply.portOnClient !== query.portOnClient) {
          return unusable(badAnswer(where, "answered about other ports than it was asked for"));
        }
        finish();
        resolve(reply);
      } catch (error) {
        if (!(error instanceof IdentError)) throw error;
        unusable(error);
      }
    });
    socket.on("end", () => unusable(badAnswer(where, "ended the connection without an answer")));
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      if (isConnected)
        return unusable(badAnswer(where, `broke the connection off (${cause.code ?? "no code"})`, cause));
      const message = `cannot ask ${where} for an ident: ${cause.code ?? cause.message}`;
      fail(new IdentError("ERR_SOCKS_IDENT_UNREACHABLE", message, { side: "remote", cause }));
    });
  });
}

function hostOf(address: IpAddress): string {
  return address.type === "ipv6" && address.zone !== undefined ? `${address.host}%${address.zone}` : address.host;
}

function aborted({ reason }: AbortSignal): IdentError {
  return new IdentError("ERR_SOCKS_ABORTED", "the ident query was ended by its signal", {
    side: "local",
    cause: reason,
  });
}

function badOption(name: string, expected: string): IdentError {
  return new IdentError("ERR_SOCKS_BAD_OPTION", `${name} is out of range; expected ${expected}`, { side: "local" });
}

function badAnswer(where: string, did: string, cause?: unknown): IdentError {
  return new IdentError("ERR_SOCKS_BAD_IDENT", `${where} ${did}`, { side: "remote", cause });
}
