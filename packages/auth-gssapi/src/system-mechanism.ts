import {
  AuthError,
  type GssapiAcceptOptions,
  type GssapiAcceptorCredentials,
  type GssapiContext,
  type GssapiInitiateOptions,
  type GssapiMechanism,
} from "@sockskit/auth";
import type { Pointer } from "./binding/native.ts";
import { type Beginning, type Borrowed, SystemContext } from "./system-context.ts";
import { ClientCredentials } from "./threads/client-credentials.ts";
import { PatientThreads } from "./threads/patient-threads.ts";
import { QuickThreads } from "./threads/quick-threads.ts";

/** Options of {@link systemMechanism}. */
export interface SystemMechanismOptions {
  /** Path or name of the Kerberos library. Default: MIT's `libgssapi_krb5`, else Heimdal's `libgssapi`. */
  readonly library?: string | undefined;
}

/** Threads that have had nothing to do for so long end, once nothing of the library's is held. */
const IDLE_MS = 30_000;

/**
 * Kerberos 5, by the library of the system. Every call runs on a thread of its own kind: neither a KDC that does not
 * answer nor the protection of messages holds anybody else up.
 *
 * The library is loaded with the first call. One process must not use two libraries.
 */
export function systemMechanism(options: SystemMechanismOptions = {}): GssapiMechanism {
  return new SystemMechanism(options.library);
}

let shared: GssapiMechanism | undefined;

/** The mechanism of the system's own library, one for the whole process. */
export function sharedMechanism(): GssapiMechanism {
  shared ??= systemMechanism();
  return shared;
}

/** What contexts share. */
export class SystemMechanism implements GssapiMechanism {
  readonly quick: QuickThreads;
  readonly patient: PatientThreads;
  readonly #credentials = new ClientCredentials((handle) => this.freeCredentials(handle));
  #held = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(library: string | undefined) {
    this.quick = new QuickThreads({ library });
    this.patient = new PatientThreads({ library });
  }

  initiate(options: GssapiInitiateOptions): GssapiContext {
    this.hold();
    return new SystemContext(this, this.#initiator(options));
  }

  async acquire({ keytab, service }: GssapiAcceptOptions): Promise<GssapiAcceptorCredentials> {
    this.hold();
    let handle: Pointer;
    try {
      handle = await this.quick.first().request({ op: "acquire-acceptor", keytab, service });
    } catch (error) {
      this.letGo();
      throw keytabError(error, keytab, service);
    }
    return new SystemAcceptor(this, handle);
  }

  /** Something of the library's is held: the library must stay loaded. */
  hold(): void {
    this.#held += 1;
    clearTimeout(this.#idleTimer);
  }

  /** It is held no more. */
  letGo(): void {
    this.#held -= 1;
    if (this.#held > 0) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      this.#credentials.clear();
      // What the line above gives back is on its way to a thread, which does it before it ends.
      setTimeout(() => this.#endThreads(), 1000).unref();
    }, IDLE_MS).unref();
  }

  /** Frees credentials. */
  freeCredentials(handle: Pointer): void {
    if (handle === 0n) return;
    this.quick
      .first()
      .request({ op: "free", contexts: [], credentials: [handle] })
      // Only a thread that ended leaves it undone.
      .catch(() => undefined);
  }

  #endThreads(): void {
    if (this.#held > 0) return;
    this.quick.close();
    this.patient.close();
  }

  #initiator({ service, principal, credentials, sequence }: GssapiInitiateOptions): Beginning {
    const given = credentials ?? { type: "ccache" };
    const ask = (memory: string): Promise<Pointer> =>
      this.patient.request(service, { op: "acquire-client", principal, credentials: given, memory });
    const acquire = async (): Promise<Borrowed> => {
      if (given.type !== "ccache") return this.#credentials.take(principal, given, ask);
      // The user's own tickets are found without asking for them first.
      if (given.ccache === undefined && principal === undefined) return { handle: 0n, giveBack: () => undefined };
      const handle = await ask("");
      return { handle, giveBack: () => this.freeCredentials(handle) };
    };
    return {
      acquire,
      step: (context, handle, token) =>
        this.patient.request(service, { op: "initiate", context, credentials: handle, service, sequence, token }),
    };
  }
}

class SystemAcceptor implements GssapiAcceptorCredentials {
  readonly #mechanism: SystemMechanism;
  readonly #handle: Pointer;
  #users = 1;
  #isDisposed = false;

  constructor(mechanism: SystemMechanism, handle: Pointer) {
    this.#mechanism = mechanism;
    this.#handle = handle;
  }

  accept(): GssapiContext {
    const mechanism = this.#mechanism;
    mechanism.hold();
    const worker = mechanism.quick.take();
    return new SystemContext(mechanism, {
      worker,
      acquire: async () => this.#borrow(),
      step: (context, credentials, token) =>
        worker.request({ op: "accept", context, credentials, token: token ?? new Uint8Array(0) }),
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#leave();
  }

  #borrow(): Borrowed {
    if (this.#isDisposed) {
      const message = "the server's credentials were replaced before the client's first token came";
      throw new AuthError("ERR_SOCKS_GSSAPI_FAILED", message, { side: "local" });
    }
    this.#users += 1;
    return { handle: this.#handle, giveBack: () => this.#leave() };
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#mechanism.freeCredentials(this.#handle);
    this.#mechanism.letGo();
  }
}

/** Whatever the library calls it: it is the keytab that cannot be used. */
function keytabError(error: unknown, keytab: string | undefined, service: string | undefined): unknown {
  if (!(error instanceof AuthError) || error.code === "ERR_SOCKS_GSSAPI_LIBRARY") return error;
  const path = keytab ?? "/etc/krb5.keytab";
  const keys = service === undefined ? "which keys it has" : `whether it has a key of ${service}`;
  const message = `${error.message}; "klist -k ${path}" shows ${keys}`;
  return new AuthError("ERR_SOCKS_GSSAPI_NO_CREDENTIALS", message, { side: "local", cause: error });
}
