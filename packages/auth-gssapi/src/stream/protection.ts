import {
  AuthError,
  type GssapiContext,
  type GssapiContextInfo,
  type GssapiMessage,
  type GssapiProtection,
} from "@sockskit/auth";

/** A complete context, and what both sides agreed to protect messages against. */
export interface Agreement {
  /** The context. */
  readonly context: GssapiContext;
  /** What is known of it. */
  readonly info: GssapiContextInfo;
  /** What was agreed on. */
  readonly protection: Exclude<GssapiProtection, "none">;
}

/** Whether messages are protected against readers. */
export function isConfidential({ protection }: Agreement): boolean {
  return protection === "confidentiality";
}

/** Longest message that is put into one frame. */
export function messageLimit({ info, protection }: Agreement): number {
  return info.messageLimits[protection];
}

/** What is wrong with a message of a stream: in a stream everything arrives, once, and in its order. */
export function problemOf(agreement: Agreement, message: GssapiMessage): AuthError | undefined {
  if (message.order !== "in-order") return tampered(`a message is ${DISORDER[message.order]}`);
  return wrongLevel(agreement, message);
}

/** What is wrong with a message's own protection. RFC 1961 section 5: it is the one that was agreed on, always. */
export function wrongLevel(agreement: Agreement, { confidential }: GssapiMessage): AuthError | undefined {
  if (confidential === isConfidential(agreement)) return undefined;
  return tampered(`a message has another protection than ${agreement.protection}`);
}

/** The error for a stream that was cut off inside a message. */
export function truncated(pendingLength: number): AuthError {
  return tampered(`the connection ended inside a message, after ${pendingLength} octets of it`);
}

/** The error for what is written when the other side takes nothing any more. */
export function ended(): AuthError {
  const message = "the connection has been ended by the other side; nothing more can be sent";
  return new AuthError("ERR_SOCKS_GSSAPI_FAILED", message, { side: "remote" });
}

/** The error for a context that is too old. */
export function expired(): AuthError {
  const message = "the security context has expired, and with it the connection; a new ticket is needed";
  return new AuthError("ERR_SOCKS_GSSAPI_EXPIRED", message, { side: "remote" });
}

const DISORDER = {
  gap: "missing",
  late: "out of its order",
  old: "too old",
  repeated: "repeated",
} as const;

function tampered(message: string): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_TAMPERED", message, { side: "remote" });
}
