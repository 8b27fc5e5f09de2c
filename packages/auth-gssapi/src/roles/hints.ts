import { AuthError, type AuthErrorCode, type GssapiCredentials } from "@sockskit/auth";

/** What a client was doing, for the advice in its errors. */
export interface Attempt {
  /** The service of the proxy. */
  readonly service: string;
  readonly principal: string | undefined;
  readonly credentials: GssapiCredentials | undefined;
}

/** The error with what to do about it. */
export function advise(error: unknown, attempt: Attempt): AuthError {
  if (!(error instanceof AuthError)) {
    const message = error instanceof Error ? error.message : String(error);
    return new AuthError("ERR_SOCKS_GSSAPI_FAILED", `GSS-API failed: ${message}`, { side: "local", cause: error });
  }
  const hint = adviceFor(error.code, attempt);
  if (hint === undefined) return error;
  return new AuthError(error.code, `${error.message}; ${hint}`, { side: error.side, cause: error });
}

function adviceFor(code: AuthErrorCode, { service, principal = "", credentials }: Attempt): string | undefined {
  const kinit = `kinit ${principal}`.trim();
  switch (code) {
    case "ERR_SOCKS_GSSAPI_NO_CREDENTIALS":
      if (credentials?.type === "keytab") return `"klist -k ${credentials.keytab}" shows whose keys it has`;
      if (credentials?.type === "password") return "the KDC must know the principal; check its name and realm";
      return `get a ticket with "${kinit}"; "klist" shows those that are there`;
    case "ERR_SOCKS_GSSAPI_EXPIRED":
      return `get a new ticket with "${kinit}"`;
    case "ERR_SOCKS_GSSAPI_CLOCK_SKEW":
      return 'set the clock of this host; "timedatectl" shows whether it is kept right';
    case "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN":
      return `name the proxy by the host name that the KDC has, or the service; "kvno ${asPrincipal(service)}" tries it`;
    case "ERR_SOCKS_GSSAPI_WRONG_KEY":
      if (credentials?.type === "password") return `the password is wrong; "${kinit}" tries it`;
      return `get a new ticket with "${kinit}"; on the proxy's host "klist -k -e" shows its keys`;
    case "ERR_SOCKS_GSSAPI_KDC_UNREACHABLE":
      return `check krb5.conf and the way to the KDC; "KRB5_TRACE=/dev/stderr ${kinit}" shows what is tried`;
    default:
      return undefined;
  }
}

function asPrincipal(service: string): string {
  return service.includes("/") ? service : service.replace("@", "/");
}
