import type { GssapiMechanism } from "@sockskit/auth";

/** How clients log in with GSS-API (RFC 1961), which is Kerberos. Needs the package `@sockskit/auth-gssapi`. */
export interface GssapiOptions {
  /** Path of the keytab with the service's keys. A new keytab counts at once. Default: the system's, `/etc/krb5.keytab`. */
  readonly keytab?: string;
  /**
   * The service that clients come to: `rcmd`, `rcmd@proxy.example.com`, or with a `/` a principal. Default: every key in
   * the keytab.
   */
  readonly service?: string;
  /**
   * What may be agreed on for everything after the log-in. A client gets what it asks for when it is in this list, else
   * the strongest that is. Default `["confidentiality", "integrity"]`.
   */
  readonly protection?: readonly ("confidentiality" | "integrity")[];
  /**
   * Whether a client may say its protection level unprotected, as NEC's implementation does: who sits between can then
   * change the level. Default `"refuse"`.
   */
  readonly nec?: "refuse" | "accept";
  /**
   * Whether the answer is always that nothing is protected, whatever the client asks for. Some clients, curl among them,
   * can log in and nothing more; everybody else then goes unprotected as well. Default false.
   */
  readonly answerNone?: boolean;
  /** A mechanism of your own. Default: the Kerberos library of the system. */
  readonly mechanism?: GssapiMechanism;
}
