import { AuthError } from "@sockskit/auth";
import { LibraryCalls } from "./library-calls.ts";
import {
  cell,
  contentOf,
  cString,
  descriptorOf,
  emptyDescriptor,
  type Kept,
  numberIn,
  pointerIn,
  storeOf,
} from "./memory.ts";
import type { Pointer } from "./native.ts";
import { isError } from "./status.ts";

const INDEFINITE = 0xffff_ffff;
const INITIATE = 1;
const ACCEPT = 2;
const CONTINUE_NEEDED = 1;
/** `GSS_S_UNAVAILABLE`: this library cannot do it. */
const UNAVAILABLE = 16 << 16;

/** Flags of a context, RFC 2744 section 5.19. */
export const FLAG = { mutual: 0x02, replay: 0x04, sequence: 0x08, confidentiality: 0x10, integrity: 0x20 } as const;

/** A token of Dante's may have this many octets at most, its header included. */
const MAX_TOKEN_LENGTH = 65_531;

/** What one step of a context gave. */
export interface Stepped {
  /** The context; 0n when it failed and the library freed it. */
  readonly context: Pointer;
  readonly token: Uint8Array;
  readonly complete: boolean;
  readonly flags: number;
}

/** What is known of a context. */
export interface Inquired {
  readonly initiator: string;
  readonly acceptor: string;
  readonly lifetimeMs: number;
  readonly flags: number;
  readonly limits: { readonly integrity: number; readonly confidentiality: number };
}

/**
 * The library, with its memory taken care of: whatever a call makes is released on every path, and what is handed out
 * are handles of names, credentials and contexts, which the caller releases.
 */
export class Gss extends LibraryCalls {
  /** What a server accepts contexts with. */
  acquireAcceptor(service: string | undefined, keytab: string | undefined): Pointer {
    const native = this.native;
    const doing = `use the keytab ${keytab ?? "of the system"}${service === undefined ? "" : ` for ${service}`}`;
    return this.#withName(service, (name) => {
      if (keytab === undefined || native.acquireCredFrom === undefined) {
        // Heimdal takes the path for every credential that is acquired after it, so this comes right before.
        if (keytab !== undefined) native.registerAcceptorIdentity?.(cString(keytab));
        return this.handle(doing, (out) =>
          native.acquireCred(this.minor, name, INDEFINITE, this.krb5Set, ACCEPT, out, null, null),
        );
      }
      return this.#acquireFrom(doing, name, ACCEPT, { keytab });
    });
  }

  /** A client's tickets in a cache. */
  acquireTickets(principal: string | undefined, ccache: string | undefined): Pointer {
    const doing = `use the tickets in ${ccache ?? "the cache of this user"}`;
    return this.#withPrincipal(principal, (name) => {
      if (ccache !== undefined) return this.#acquireFrom(doing, name, INITIATE, { ccache });
      return this.handle(doing, (out) =>
        this.native.acquireCred(this.minor, name, INDEFINITE, this.krb5Set, INITIATE, out, null, null),
      );
    });
  }

  /** A client's tickets, got with the key in a keytab and kept in a cache in memory. */
  acquireWithKeytab(principal: string | undefined, keytab: string, ccache: string): Pointer {
    const doing = `get a ticket with the keytab ${keytab}`;
    return this.#withPrincipal(principal, (name) =>
      this.#acquireFrom(doing, name, INITIATE, { client_keytab: keytab, ccache }),
    );
  }

  /** A client's tickets, got with a password. The octets of the password are overwritten. */
  acquireWithPassword(principal: string, password: Uint8Array): Pointer {
    const keep: Kept = [];
    const secret = descriptorOf(this.native, password, keep);
    try {
      return this.#withPrincipal(principal, (name) =>
        this.handle(`get a ticket for ${principal} with a password`, (out) =>
          this.native.acquireCredWithPassword(
            this.minor,
            name,
            secret,
            INDEFINITE,
            this.krb5Set,
            INITIATE,
            out,
            null,
            null,
          ),
        ),
      );
    } finally {
      for (const memory of keep) memory.fill(0);
    }
  }

  /** A name as the library has it: a service of a host, or with a `/` a principal. */
  importService(service: string): Pointer {
    return this.importName(service, service.includes("/") ? this.principalName : this.hostBasedService);
  }

  /** The client's next step. The context, when there is one, belongs to the caller, also when this throws. */
  initiate(options: {
    readonly context: Pointer;
    readonly credentials: Pointer;
    readonly target: Pointer;
    readonly service: string;
    readonly sequence: boolean;
    readonly token: Uint8Array | undefined;
    readonly failed: (context: Pointer) => void;
  }): Stepped {
    const keep: Kept = [];
    const input = options.token === undefined ? null : descriptorOf(this.native, options.token, keep);
    const wanted = FLAG.mutual | FLAG.replay | FLAG.confidentiality | FLAG.integrity;
    const flags = options.sequence ? wanted | FLAG.sequence : wanted;
    const context = cell(options.context);
    return this.#step(`reach ${options.service}`, context, options.failed, keep, (output, granted, time) =>
      this.native.initSecContext(
        this.minor,
        options.credentials,
        context,
        options.target,
        this.krb5,
        flags,
        0,
        null,
        input,
        null,
        output,
        granted,
        time,
      ),
    );
  }

  /** The server's next step, likewise. */
  accept(options: {
    readonly context: Pointer;
    readonly credentials: Pointer;
    readonly token: Uint8Array;
    readonly failed: (context: Pointer) => void;
  }): Stepped {
    const keep: Kept = [];
    const input = descriptorOf(this.native, options.token, keep);
    const context = cell(options.context);
    return this.#step("accept the client's context", context, options.failed, keep, (output, granted, time) =>
      this.native.acceptSecContext(
        this.minor,
        context,
        options.credentials,
        input,
        null,
        null,
        null,
        output,
        granted,
        time,
        null,
      ),
    );
  }

  /** What is known of a complete context. */
  inquire(context: Pointer): Inquired {
    const source = cell();
    const target = cell();
    const lifetime = cell();
    const flags = cell();
    const native = this.native;
    const major = native.inquireContext(this.minor, context, source, target, lifetime, null, flags, null, null);
    try {
      if (isError(major)) throw this.errorFor("inquire the context", major);
      const seconds = numberIn(lifetime);
      return {
        initiator: this.#displayName(pointerIn(source)),
        acceptor: this.#displayName(pointerIn(target)),
        lifetimeMs: seconds === INDEFINITE ? Number.POSITIVE_INFINITY : seconds * 1000,
        flags: numberIn(flags),
        limits: { integrity: this.#limit(context, 0), confidentiality: this.#limit(context, 1) },
      };
    } finally {
      for (const name of [source, target]) if (pointerIn(name) !== 0n) native.releaseName(this.minor, name);
    }
  }

  /** Makes a token of a message and gives it to `take`, which copies it. */
  wrap<T>(context: Pointer, message: Uint8Array, confidential: boolean, take: (length: number, at: Pointer) => T): T {
    const keep: Kept = [];
    const input = descriptorOf(this.native, message, keep);
    const state = cell();
    const output = emptyDescriptor();
    const major = this.native.wrap(this.minor, context, confidential ? 1 : 0, 0, input, state, output);
    try {
      if (isError(major)) throw this.errorFor("protect a message", major);
      if (confidential && numberIn(state) === 0) throw this.errorFor("protect a message against readers", major);
      const { length, address } = contentOf(output);
      return take(length, address);
    } finally {
      this.release(output);
      keep.length = 0;
    }
  }

  /** Takes a message out of its token, likewise. `remarks` are the bits of a success. */
  unwrap<T>(
    context: Pointer,
    token: Uint8Array,
    take: (length: number, at: Pointer, confidential: boolean, remarks: number) => T,
  ): T {
    const keep: Kept = [];
    const input = descriptorOf(this.native, token, keep);
    const state = cell();
    const output = emptyDescriptor();
    const major = this.native.unwrap(this.minor, context, input, output, state, null);
    try {
      if (isError(major)) throw unwrapError(this.errorFor("take the protection off a message", major));
      const { length, address } = contentOf(output);
      return take(length, address, numberIn(state) !== 0, major);
    } finally {
      this.release(output);
      keep.length = 0;
    }
  }

  deleteContext(context: Pointer): void {
    if (context !== 0n) this.native.deleteSecContext(this.minor, cell(context), null);
  }

  releaseCredentials(credentials: Pointer): void {
    if (credentials !== 0n) this.native.releaseCred(this.minor, cell(credentials));
  }

  #step(
    doing: string,
    context: Buffer,
    failed: (context: Pointer) => void,
    keep: Kept,
    call: (output: Buffer, flags: Buffer, time: Buffer) => number,
  ): Stepped {
    const output = emptyDescriptor();
    const flags = cell();
    const time = cell();
    const major = call(output, flags, time);
    try {
      if (isError(major)) {
        const error = this.errorFor(doing, major);
        failed(pointerIn(context));
        throw error;
      }
      const complete = (major & CONTINUE_NEEDED) === 0;
      return { context: pointerIn(context), token: this.octetsOf(output), complete, flags: numberIn(flags) };
    } finally {
      this.release(output);
      keep.length = 0;
    }
  }

  #acquireFrom(doing: string, name: Pointer, usage: number, entries: Readonly<Record<string, string>>): Pointer {
    const native = this.native;
    const keep: Kept = [];
    const store = storeOf(native, entries, keep);
    return this.handle(doing, (out) => {
      if (native.acquireCredFrom === undefined) {
        this.minor.fill(0);
        return UNAVAILABLE;
      }
      const major = native.acquireCredFrom(this.minor, name, INDEFINITE, this.krb5Set, usage, store, out, null, null);
      keep.length = 0;
      return major;
    });
  }

  #withName(service: string | undefined, use: (name: Pointer) => Pointer): Pointer {
    if (service === undefined) return use(0n);
    const name = this.importService(service);
    try {
      return use(name);
    } finally {
      this.releaseName(name);
    }
  }

  #withPrincipal(principal: string | undefined, use: (name: Pointer) => Pointer): Pointer {
    if (principal === undefined) return use(0n);
    const name = this.importName(principal, this.principalName);
    try {
      return use(name);
    } finally {
      this.releaseName(name);
    }
  }

  #displayName(name: Pointer): string {
    const text = emptyDescriptor();
    const major = this.native.displayName(this.minor, name, text, null);
    try {
      if (isError(major)) throw this.errorFor("read a name of the context", major);
      return this.textOf(text);
    } finally {
      this.release(text);
    }
  }

  #limit(context: Pointer, confidential: number): number {
    const limit = cell();
    const major = this.native.wrapSizeLimit(this.minor, context, confidential, 0, MAX_TOKEN_LENGTH, limit);
    return isError(major) ? 0 : numberIn(limit);
  }
}

/** Whatever the library calls it, a token that it cannot read is not what the other side sent. */
function unwrapError({ code, message }: AuthError): AuthError {
  const means = code === "ERR_SOCKS_GSSAPI_EXPIRED" ? code : "ERR_SOCKS_GSSAPI_TAMPERED";
  return new AuthError(means, message, { side: "remote" });
}
