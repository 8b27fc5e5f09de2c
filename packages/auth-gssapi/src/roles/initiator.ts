import type { Socket } from "node:net";
import {
  AuthError,
  type GssapiAnswer,
  type GssapiContext,
  type GssapiContextInfo,
  type GssapiCredentials,
  type GssapiMechanism,
  type GssapiProtection,
  type GssapiQuestion,
  levelOf,
  protectionOf,
  requestProtection,
} from "@sockskit/auth";
import { GssapiDatagrams } from "../stream/gssapi-datagrams.ts";
import { GssapiStream } from "../stream/gssapi-stream.ts";
import type { Agreement } from "../stream/protection.ts";
import { sharedMechanism } from "../system-mechanism.ts";
import { advise } from "./hints.ts";

/** The service that proxies have unless told otherwise; NEC's choice, kept by everybody. */
const DEFAULT_SERVICE = "rcmd";
const DEFAULT_PROTECTION: readonly GssapiProtection[] = ["confidentiality", "integrity"];

/** How a client shows proxies who it is, with GSS-API. */
export interface InitiatorOptions {
  /**
   * The service of the proxy: a name such as `rcmd` or `socks`, which the host of the proxy is put behind; a name with
   * a host, `socks@proxy.example.com`; or with a `/` a principal, `rcmd/proxy.example.com@EXAMPLE.COM`. Default `rcmd`.
   */
  readonly service?: string | undefined;
  /** Who the client is. Default: whoever the credentials belong to. Needed with a password. */
  readonly principal?: string | undefined;
  /** Where the client's tickets come from. Default: the user's own. */
  readonly credentials?: GssapiCredentials | undefined;
  /** What is good enough; the strongest is asked for. Default: `["confidentiality", "integrity"]`. */
  readonly protection?: readonly GssapiProtection[] | undefined;
  /** Whether the level travels unprotected, for proxies that want it so. Default false. */
  readonly nec?: boolean | undefined;
  /** The mechanism. Default: the Kerberos library of the system. */
  readonly mechanism?: GssapiMechanism | undefined;
}

/** One proxy, and what for. */
export interface InitiationOptions {
  /** Host of the proxy, as its service is known to the KDC. */
  readonly host: string;
  /** Instead of the service of the initiator. */
  readonly service?: string | undefined;
  /** Instead of its principal. */
  readonly principal?: string | undefined;
  /** Instead of its protection. */
  readonly protection?: readonly GssapiProtection[] | undefined;
  /** Instead of its form of the level. */
  readonly nec?: boolean | undefined;
  /** Whether datagrams are to be protected as well: then messages need not keep their order. Default false. */
  readonly datagrams?: boolean | undefined;
}

/** Shows proxies who this client is. One value serves many connections. */
export class GssapiInitiator {
  /** Whether the level travels unprotected. */
  readonly nec: boolean;
  readonly #options: InitiatorOptions;

  /** @throws AuthError `ERR_SOCKS_BAD_OPTION`. */
  constructor(options: InitiatorOptions = {}) {
    const { credentials, principal, protection } = options;
    if (credentials?.type === "password" && principal === undefined) {
      throw badOption('a password needs "principal", which says whose it is');
    }
    if (protection?.length === 0) throw badOption('"protection" is empty; expected at least one');
    this.nec = options.nec === true;
    this.#options = options;
  }

  /** Begins one connection. Dispose what it gives, unless its stream was taken: that does it. */
  start({ host, datagrams = false, ...own }: InitiationOptions): GssapiInitiation {
    const common = this.#options;
    const { credentials, mechanism = sharedMechanism() } = common;
    const { service = common.service ?? DEFAULT_SERVICE, principal = common.principal, nec = this.nec } = own;
    const protection = own.protection ?? common.protection ?? DEFAULT_PROTECTION;
    const target = /[@/]/u.test(service) ? service : `${service}@${host}`;
    const context = mechanism.initiate({ service: target, principal, credentials, sequence: !datagrams });
    const failed = (error: unknown): AuthError => advise(error, { service: target, principal, credentials });
    return new GssapiInitiation(context, protection, nec, failed);
  }
}

/** The client's side of one connection. */
export class GssapiInitiation {
  readonly #context: GssapiContext;
  readonly #allowed: readonly GssapiProtection[];
  readonly #nec: boolean;
  readonly #failed: (error: unknown) => AuthError;
  #info: GssapiContextInfo | undefined;
  #protection: GssapiProtection | undefined;

  constructor(
    context: GssapiContext,
    allowed: readonly GssapiProtection[],
    nec: boolean,
    failed: (error: unknown) => AuthError,
  ) {
    this.#context = context;
    this.#allowed = allowed;
    this.#nec = nec;
    this.#failed = failed;
  }

  /** What was agreed on; `undefined` until then. */
  get protection(): GssapiProtection | undefined {
    return this.#protection;
  }

  /** The answer to a question of `gssapiClient`. What fails is an answer as well. */
  async answer(question: GssapiQuestion): Promise<GssapiAnswer> {
    try {
      return question.step === "context" ? await this.#goOn(question.token) : await this.#agree(question.token);
    } catch (error) {
      return { type: "gssapi", error: this.#failed(error) };
    }
  }

  /** Puts the protection over a connection; it owns the context from then on. */
  protect(socket: Socket, early?: Uint8Array): GssapiStream {
    return new GssapiStream(socket, this.#agreement(), early);
  }

  /** Protects the datagrams that belong to the connection. */
  datagrams(): GssapiDatagrams {
    return new GssapiDatagrams(this.#agreement());
  }

  /** Frees it. */
  dispose(): void {
    this.#context.dispose();
  }

  async #goOn(arrived: Uint8Array | undefined): Promise<GssapiAnswer> {
    const { token, established } = await this.#context.step(arrived);
    if (established === undefined) return { type: "gssapi", token, level: undefined };
    this.#info = established;
    const wanted = requestProtection({ ...established, allowed: this.#allowed });
    if (wanted === undefined) {
      throw insufficient(`the context has none of the protection that is allowed (${this.#allowed.join(", ")})`);
    }
    const octet = Uint8Array.of(levelOf(wanted));
    if (this.#nec) return { type: "gssapi", token, level: octet };
    const [level] = await this.#context.wrap([octet], false);
    return { type: "gssapi", token, level };
  }

  async #agree(arrived: Uint8Array | undefined): Promise<GssapiAnswer> {
    const octets = this.#nec ? arrived : await this.#unwrapLevel(arrived ?? new Uint8Array(0));
    const octet = octets?.[0];
    const granted = octet === undefined || octets?.length !== 1 ? undefined : protectionOf(octet);
    const able = this.#info;
    const isPossible =
      granted !== undefined && requestProtection({ ...(able ?? NOTHING), allowed: [granted] }) !== undefined;
    if (granted === undefined || !isPossible || !this.#allowed.includes(granted)) {
      const what = granted ?? (octet === undefined ? "nothing" : `the level ${octet}`);
      throw insufficient(`the proxy grants ${what}; expected one of: ${this.#allowed.join(", ")}`);
    }
    this.#protection = granted;
    return { type: "gssapi", protection: granted };
  }

  async #unwrapLevel(token: Uint8Array): Promise<Uint8Array | undefined> {
    const { messages, error } = await this.#context.unwrap([token]);
    if (error !== undefined) throw error;
    return messages[0]?.order === "in-order" ? messages[0].message : undefined;
  }

  #agreement(): Agreement {
    const info = this.#info;
    const protection = this.#protection;
    if (info !== undefined && protection !== undefined && protection !== "none") {
      return { context: this.#context, info, protection };
    }
    throw new AuthError("ERR_SOCKS_AUTH_PROTOCOL", "no protection was agreed on", { side: "local" });
  }
}

const NOTHING = { integrity: false, confidentiality: false };

function insufficient(message: string): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_PROTECTION", message, { side: "remote" });
}

function badOption(message: string): AuthError {
  return new AuthError("ERR_SOCKS_BAD_OPTION", message, { side: "local" });
}
