/** Every {@link ServerError} code. */
export type ServerErrorCode =
  /** An option has a value that cannot be used; `path` says which. */
  | "ERR_SOCKS_BAD_OPTION"
  /** The server would serve everybody who can reach it, and was not told to. */
  | "ERR_SOCKS_OPEN_PROXY"
  /** A password hash is not a PHC string that this server understands. */
  | "ERR_SOCKS_BAD_PASSWORD_HASH"
  /** A password hash needs an algorithm that this version of Node does not have. */
  | "ERR_SOCKS_HASH_NOT_SUPPORTED"
  /** A users file has mistakes; `problems` lists them all. */
  | "ERR_SOCKS_BAD_USERS_FILE"
  /** A listening socket could not be opened, or failed later; `cause` has the system's error. */
  | "ERR_SOCKS_LISTEN_FAILED"
  /** GSS-API: the keytab cannot be read, or lacks the service. */
  | "ERR_SOCKS_GSSAPI_NO_CREDENTIALS"
  /** GSS-API: the Kerberos library, or the package that calls it, is not there. */
  | "ERR_SOCKS_GSSAPI_LIBRARY"
  /** GSS-API: something else failed in the mechanism. */
  | "ERR_SOCKS_GSSAPI_FAILED"
  /** GSS-API: the client's context does not protect what it asks for. In events only. */
  | "ERR_SOCKS_GSSAPI_PROTECTION"
  /** A method was called at a time when it makes no sense. */
  | "ERR_SOCKS_SERVER_STATE"
  /** A rule denies what a client asked for. In events only. */
  | "ERR_SOCKS_DENIED"
  /** Another host than the one that BIND was for connected. In events only. */
  | "ERR_SOCKS_WRONG_PEER"
  /** The ident daemon of a SOCKS 4 client's host could not be asked, or named nobody. In events only. */
  | "ERR_SOCKS_IDENT_FAILED"
  /** The ident daemon of a SOCKS 4 client's host named another user than the request. In events only. */
  | "ERR_SOCKS_IDENT_MISMATCH"
  /** No alternative of an upstream works. In events only. */
  | "ERR_SOCKS_UPSTREAM_FAILED"
  /** A sender that must begin with a PROXY header did not, or it was not a valid one. In events only. */
  | "ERR_SOCKS_PROXY_HEADER"
  /** Somebody who is not trusted to send a PROXY header sent one. In events only. */
  | "ERR_SOCKS_PROXY_SPOOFED"
  /** The TLS handshake of a client failed, or its certificate gives it no name. In events only. */
  | "ERR_SOCKS_TLS_FAILED"
  /** A limit is reached. In events only. */
  | "ERR_SOCKS_LIMIT"
  /** Something failed inside one session that is not the peer's doing; only that session ended. */
  | "ERR_SOCKS_SESSION_FAILED"
  /** The fast path cannot run here, or its thread has died. */
  | "ERR_SOCKS_ENGINE"
  /** A listener of an event threw or rejected; `cause` has what it threw. */
  | "ERR_SOCKS_EVENT_LISTENER";

/** Where a mistake is in a users file. */
export interface UsersFileProblem {
  /** Line, counted from 1. */
  readonly line: number;
  /** Column in UTF-16 units, counted from 1. */
  readonly column: number;
  /** What is wrong there and what was expected. */
  readonly message: string;
}

/** What a {@link ServerError} can carry beside its code and message. */
export interface ServerErrorOptions {
  /** The option that is wrong, as a path of keys and indices. */
  readonly path?: readonly (string | number)[];
  /** Mistakes of a users file. */
  readonly problems?: readonly UsersFileProblem[];
  /** What made this error happen. */
  readonly cause?: unknown;
}

/** An error of the server that is not about one client's connection: options, listeners, embedding code. */
export class ServerError extends Error {
  /** Always `"ServerError"`. */
  override readonly name = "ServerError";
  /** What happened; stable. */
  readonly code: ServerErrorCode;
  /** Always `"local"`: these errors lie with the program or its configuration, not with a peer. */
  readonly side = "local";
  /** The option that is wrong, as a path of keys and indices, such as `["listen", 0, "port"]`. */
  readonly path?: readonly (string | number)[];
  /** Every mistake of a users file, for `ERR_SOCKS_BAD_USERS_FILE`. */
  readonly problems?: readonly UsersFileProblem[];

  /** Makes an error with a stable code. */
  constructor(code: ServerErrorCode, message: string, options: ServerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.path !== undefined) this.path = options.path;
    if (options.problems !== undefined) this.problems = options.problems;
  }
}

/** A path of keys and indices into the options. */
export type OptionPath = readonly (string | number)[];

/** The error for an option that cannot be used: `listen[0].port: ...`. */
export function badOption(path: OptionPath, problem: string): ServerError {
  let place = "";
  for (const step of path) place += typeof step === "number" ? `[${step}]` : place === "" ? step : `.${step}`;
  return new ServerError("ERR_SOCKS_BAD_OPTION", `${place === "" ? "options" : place}: ${problem}`, { path });
}

/** The system's code behind an error, or its own. */
export function codeBehind(error: Error): string | undefined {
  const { code } = (error.cause ?? error) as { readonly code?: unknown };
  return typeof code === "string" ? code : (error as { readonly code?: string }).code;
}

/**
 * Checks that options have no key that nobody reads.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function requireKeys(options: unknown, known: readonly string[], path: OptionPath): void {
  if (typeof options !== "object" || options === null) throw badOption(path, "expected an object");
  const stranger = Object.keys(options).find((key) => !known.includes(key));
  if (stranger === undefined) return;
  throw badOption([...path, stranger], `there is no such option; expected one of ${known.join(", ")}`);
}

/** Whether something has keys: an object, and no list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
