import { AuthError, type AuthErrorCode } from "@sockskit/auth";

/** Major status, RFC 2744 section 3.9.1: the routine error stands in these bits. */
const ROUTINE_ERROR = 0x00ff_0000;
const CALLING_ERROR = 0xff00_0000;

const MAJOR = {
  badMic: 6 << 16,
  noCredentials: 7 << 16,
  noContext: 8 << 16,
  defectiveToken: 9 << 16,
  credentialsExpired: 11 << 16,
  contextExpired: 12 << 16,
  duplicateToken: 20 << 16,
} as const;

/** The first code of libkrb5's table of errors, the same in MIT's and Heimdal's. */
const KRB5 = -1_765_328_384;

const BY_MAJOR: Readonly<Record<number, AuthErrorCode>> = {
  [MAJOR.badMic]: "ERR_SOCKS_GSSAPI_TAMPERED",
  [MAJOR.noCredentials]: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS",
  [MAJOR.defectiveToken]: "ERR_SOCKS_GSSAPI_TAMPERED",
  [MAJOR.credentialsExpired]: "ERR_SOCKS_GSSAPI_EXPIRED",
  [MAJOR.contextExpired]: "ERR_SOCKS_GSSAPI_EXPIRED",
  [MAJOR.duplicateToken]: "ERR_SOCKS_GSSAPI_TAMPERED",
};

/** Codes of libkrb5 by their distance from the first. */
const BY_MINOR: Readonly<Record<number, AuthErrorCode>> = {
  6: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS", // client not found in the database
  7: "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN", // server not found in the database
  24: "ERR_SOCKS_GSSAPI_WRONG_KEY", // preauthentication failed
  31: "ERR_SOCKS_GSSAPI_WRONG_KEY", // decrypt integrity check failed
  32: "ERR_SOCKS_GSSAPI_EXPIRED", // ticket expired
  33: "ERR_SOCKS_GSSAPI_CLOCK_SKEW", // ticket not yet valid
  34: "ERR_SOCKS_GSSAPI_TAMPERED", // request is a replay
  35: "ERR_SOCKS_GSSAPI_WRONG_KEY", // the ticket isn't for us
  36: "ERR_SOCKS_GSSAPI_WRONG_KEY", // ticket and authenticator don't match
  37: "ERR_SOCKS_GSSAPI_CLOCK_SKEW", // clock skew too great
  44: "ERR_SOCKS_GSSAPI_WRONG_KEY", // key version is not available
  45: "ERR_SOCKS_GSSAPI_WRONG_KEY", // service key not available
  141: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS", // matching credential not found
  144: "ERR_SOCKS_GSSAPI_WRONG_KEY", // wrong principal in request
  148: "ERR_SOCKS_GSSAPI_CLOCK_SKEW", // clock skew in the KDC's reply
  154: "ERR_SOCKS_GSSAPI_KDC_UNREACHABLE", // cannot find a KDC for the realm
  156: "ERR_SOCKS_GSSAPI_KDC_UNREACHABLE", // cannot contact any KDC
  181: "ERR_SOCKS_GSSAPI_WRONG_KEY", // key table entry not found
  195: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS", // no credentials cache found
  228: "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN", // server principal unknown, as the client knows it
};

/** Whether a major status is an error; what is left are remarks on a success. */
export function isError(major: number): boolean {
  return (major & (ROUTINE_ERROR | CALLING_ERROR)) !== 0;
}

/** What a status of the library means to us. */
export function codeOf(major: number, minor: number): AuthErrorCode {
  // A code of Kerberos says more than the routine error, which is "unspecified" for most of them.
  return BY_MINOR[(minor | 0) - KRB5] ?? BY_MAJOR[major & ROUTINE_ERROR] ?? "ERR_SOCKS_GSSAPI_FAILED";
}

/**
 * The error for a status.
 *
 * @param doing - What failed, as it follows "cannot".
 * @param texts - What the library says about the status.
 */
export function statusError(doing: string, texts: readonly string[], major: number, minor: number): AuthError {
  const code = codeOf(major, minor);
  return new AuthError(code, `cannot ${doing}: ${texts.join("; ")}`, { side: "local" });
}
