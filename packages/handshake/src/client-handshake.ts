import type { AuthAnswer, ClientAuthExchange, ClientAuthMethod, ClientAuthStep } from "@sockskit/auth";
import {
  METHOD,
  REP,
  SOCKS4_CD,
  SOCKS4_REPLY_VERSION,
  SOCKS4_VERSION,
  SOCKS5_VERSION,
  WireError,
  decodeMethodReply,
  decodeSocks4Reply,
  decodeSocks5Reply,
  encodeMethodRequest,
  ipv4Address,
  type Address,
} from "@sockskit/wire";

import type { ClientEvent } from "./client-events.ts";
import { type ClientHandshakeOptions, earlyDataOf, encodeRequest, offeredMethods } from "./client-options.ts";
import { CLIENT_TRANSITIONS, type ClientState, type ClientTransition } from "./client-transitions.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { boundAddressOf, describeRefusal } from "./internal/client-reply.ts";
import { serverProtocol } from "./internal/foreign-protocol.ts";
import { nextState } from "./internal/next-state.ts";
import { requireTaken } from "./internal/require-taken.ts";
import { OctetQueue } from "./internal/octet-queue.ts";
import { formatMethod, formatMethods, formatOctet } from "./internal/octet-text.ts";
import { CLIENT_STAGES } from "./internal/stages.ts";
import { MAX_BUFFERED_LENGTH } from "./limits.ts";

const NO_EVENTS: readonly ClientEvent[] = [];

/**
 * The client side of one SOCKS 4, 4A or 5 handshake with one proxy (RFC 1928, RFC 1929), without I/O.
 *
 * Call `start`, feed it with `receive`, do what its events say, in their order. It never waits and
 * never calls back. Deadlines, and a proxy that closes in the middle, are the owner's business.
 */
export class ClientHandshake {
  readonly #version: 4 | 5;
  readonly #bind: boolean;
  readonly #udp: boolean;
  readonly #strict: boolean;
  readonly #lenientVersion: boolean;
  readonly #methods: readonly ClientAuthMethod[];
  readonly #request: Uint8Array;
  readonly #earlyData: Uint8Array | undefined;
  readonly #input = new OctetQueue();
  #state: ClientState = "start";
  #method: ClientAuthMethod | undefined;
  #exchange: ClientAuthExchange | undefined;
  #events: ClientEvent[] = [];

  /**
   * @param options - What to ask for.
   * @throws HandshakeError side `local`: `ERR_SOCKS_NOT_REPRESENTABLE` (IPv6, UDP or RESOLVE_PTR with SOCKS 4),
   * `ERR_SOCKS_BAD_PORT` (0), `ERR_SOCKS_BAD_ADDRESS` (RESOLVE_PTR of a name), `ERR_SOCKS_BAD_FIELD` (NUL in
   * `userId`), `ERR_SOCKS_OVERFLOW` (`userId` or `earlyData` too long), `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(options: ClientHandshakeOptions) {
    this.#version = options.version;
    this.#bind = options.command === "bind";
    this.#udp = options.command === "udp-associate";
    this.#strict = options.strict === true;
    this.#lenientVersion = options.lenientVersion === true;
    this.#methods = offeredMethods(options);
    this.#request = encodeRequest(options);
    this.#earlyData = earlyDataOf(options);
  }

  /** Where the handshake stands. */
  get state(): ClientState {
    return this.#state;
  }

  /** Octets received and not used yet; at most {@link MAX_BUFFERED_LENGTH}. */
  get bufferedLength(): number {
    return this.#input.length;
  }

  /**
   * Begins: gives the first octets to send.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when called again.
   */
  start(): readonly ClientEvent[] {
    if (this.#version === 4) {
      this.#move("request");
      this.#sendRequest();
    } else {
      this.#move("greet");
      const methods = new Uint8Array(this.#methods.length);
      for (let i = 0; i < methods.length; i++) methods[i] = (this.#methods[i] as ClientAuthMethod).method;
      this.#send(encodeMethodRequest({ methods }), false);
    }
    return this.#takeEvents();
  }

  /**
   * Takes octets of the proxy, in any portions. They may be overwritten after the call.
   *
   * It never throws for what a peer sends. After a failure octets are dropped.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` before `start`.
   */
  receive(bytes: Uint8Array): readonly ClientEvent[] {
    if (this.#state === "start") {
      throw new HandshakeError("ERR_SOCKS_STATE", "receive() was called before start()", {
        side: "local",
        stage: "negotiate",
      });
    }
    if (this.#state === "failed" || bytes.length === 0) return NO_EVENTS;
    this.#input.push(bytes);
    return this.#run();
  }

  /**
   * Goes on with the answer to the question of the last `question` event.
   *
   * After a failure (the proxy may have broken a limit meanwhile) the answer is dropped.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when no answer is awaited.
   */
  answer(answer: AuthAnswer): readonly ClientEvent[] {
    if (this.#state === "failed") return NO_EVENTS;
    this.#move("answer");
    const exchange = this.#exchange as Required<ClientAuthExchange>; // Whoever asks takes answers.
    this.#applyAuthStep(exchange.answer(answer));
    return this.#run();
  }

  /**
   * Goes on: the layer of the last `secure` event is in place.
   *
   * What the proxy sent behind the event must have been taken: read as if the layer had protected it, it would let
   * whoever sits in between speak for the proxy. After a failure nothing happens.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when no layer is awaited, or `takeTrailingData()` was left out.
   */
  secured(): readonly ClientEvent[] {
    if (this.#state === "failed") return NO_EVENTS;
    if (this.#state === "securing") requireTaken(this.#input.length);
    this.#move("secured");
    const exchange = this.#exchange as Required<ClientAuthExchange>; // Whoever protects goes on.
    this.#applyAuthStep(exchange.secured());
    return this.#run();
  }

  /**
   * Hands over what the proxy sent behind its last reply: the first octets of the tunnel.
   *
   * From the `established` event on; after a `secure` event it is the first octets of the layer. Each octet is given
   * once; `undefined` when there is none.
   */
  takeTrailingData(): Uint8Array | undefined {
    return this.#state === "established" || this.#state === "securing" ? this.#input.take() : undefined;
  }

  #run(): readonly ClientEvent[] {
    try {
      while (this.#advance());
    } catch (error) {
      // Decoders throw for octets that can never become valid; anything else is a defect.
      if (!(error instanceof WireError)) throw error;
      this.#fail(error.code, `broken answer of the proxy: ${error.message}`, { cause: error });
    }
    if (this.#input.length > MAX_BUFFERED_LENGTH) {
      this.#fail(
        "ERR_SOCKS_OVERFLOW",
        `proxy sent more than ${MAX_BUFFERED_LENGTH} octets while the handshake is in state "${this.#state}"`,
      );
    }
    this.#input.settle();
    return this.#takeEvents();
  }

  /** Makes one step; `false` when more octets are needed. */
  #advance(): boolean {
    switch (this.#state) {
      case "negotiating":
        return this.#readMethod();
      case "authenticating":
        return this.#authenticate();
      case "requesting":
      case "binding":
        return this.#version === 5 ? this.#readReply5() : this.#readReply4();
      default:
        return false;
    }
  }

  #readMethod(): boolean {
    const input = this.#input;
    const octet = input.peek();
    if (octet !== undefined && octet !== SOCKS5_VERSION) return this.#notSocks(octet, "0x05");
    const decoded = decodeMethodReply(input.bytes, input.offset);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    const chosen = decoded.value.method;
    const method = this.#methods.find((candidate) => candidate.method === chosen);
    if (method === undefined) {
      const offered = formatMethods(this.#methods.map((candidate) => candidate.method));
      if (chosen === METHOD.noAcceptableMethods) {
        this.#fail(
          "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
          `proxy takes none of the offered authentication methods: ${offered}`,
        );
      } else {
        this.#fail(
          "ERR_SOCKS_METHOD_NOT_OFFERED",
          `proxy chose authentication method ${formatMethod(chosen)}, but was offered: ${offered}`,
        );
      }
      return false;
    }
    this.#method = method;
    this.#move("selected");
    this.#progress("method-selected", method, undefined);
    if (method.immediate === true) {
      this.#finishAuthentication(undefined);
      return true;
    }
    this.#exchange = method.start();
    const first = this.#exchange.begin();
    if (first !== undefined) this.#send(first, true);
    return true;
  }

  #authenticate(): boolean {
    const exchange = this.#exchange as ClientAuthExchange;
    const step = exchange.receive(this.#input.rest());
    if (step.type === "incomplete" && this.#input.length > exchange.maxMessageLength) {
      this.#fail(
        "ERR_SOCKS_OVERFLOW",
        `answer of the proxy to ${this.#method?.name} has more than ${exchange.maxMessageLength} octets`,
      );
      return false;
    }
    return this.#applyAuthStep(step);
  }

  #applyAuthStep(step: ClientAuthStep): boolean {
    if (step.type === "incomplete") return false;
    this.#input.consume(step.consumed);
    const { method, name: methodName } = this.#method as ClientAuthMethod;
    switch (step.type) {
      case "continue":
        return true;
      case "ask":
        this.#move("ask");
        this.#events.push({ type: "question", method, methodName, question: step.question });
        return false;
      case "send":
        this.#send(step.data, true);
        return true;
      case "secure":
        if (step.send !== undefined) this.#send(step.send, true);
        this.#move("secure");
        this.#events.push({ type: "secure", method, methodName, layer: step.layer });
        return false;
      case "done":
        if (step.send !== undefined) this.#send(step.send, true);
        if (step.warning !== undefined && this.#strict) {
          this.#fail("ERR_SOCKS_AUTH_PROTOCOL", `strict: ${step.warning}`);
          return false;
        }
        if (step.withoutUdp === true && this.#udp) {
          const message = `method ${methodName} does not protect datagrams, and they were not to travel unprotected`;
          this.#fail("ERR_SOCKS_COMMAND_NOT_SUPPORTED", message, { side: "local" });
          return false;
        }
        this.#finishAuthentication(step.warning);
        return true;
      case "failed":
        if (step.send !== undefined) this.#send(step.send, true);
        this.#fail(step.error.code, step.error.message, { side: step.error.side, cause: step.error });
        return false;
    }
  }

  #finishAuthentication(warning: string | undefined): void {
    this.#exchange = undefined;
    this.#move("authenticated");
    this.#progress("authenticated", this.#method as ClientAuthMethod, warning);
    this.#sendRequest();
  }

  #readReply5(): boolean {
    const input = this.#input;
    const rep = input.bytes[input.offset + 1];
    // A refusal is known from two octets on. Proxies that refuse are careless with the rest of it.
    if (input.peek() === SOCKS5_VERSION && rep !== undefined && rep !== REP.succeeded) return this.#refused(rep);
    const decoded = decodeSocks5Reply(input.bytes, input.offset, this.#strict ? STRICT : undefined);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    return this.#granted(REP.succeeded, boundAddressOf(decoded.value));
  }

  #readReply4(): boolean {
    const input = this.#input;
    const octet = input.peek();
    if (octet === undefined) return false;
    const versionFits = octet === SOCKS4_REPLY_VERSION || (octet === SOCKS4_VERSION && this.#lenientVersion);
    if (!versionFits && octet !== SOCKS4_VERSION) return this.#notSocks(octet, "0x00");
    const cd = input.bytes[input.offset + 1];
    if (versionFits && cd !== undefined && cd !== SOCKS4_CD.requestGranted) return this.#refused(cd);
    const decoded = decodeSocks4Reply(input.bytes, input.offset, this.#lenientVersion ? LENIENT : undefined);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    const { dstIp, dstPort } = decoded.value;
    return this.#granted(SOCKS4_CD.requestGranted, ipv4Address(dstIp, dstPort));
  }

  #granted(reply: number, boundAddress: Address | undefined): boolean {
    if (this.#bind && this.#state === "requesting") {
      this.#move("listening");
      this.#events.push({ type: "listening", boundAddress, reply });
      return true;
    }
    this.#move("granted");
    this.#events.push({ type: "established", boundAddress, reply });
    return false;
  }

  #refused(reply: number): false {
    this.#fail("ERR_SOCKS_REQUEST_REFUSED", describeRefusal(this.#version, reply), { reply });
    return false;
  }

  #notSocks(octet: number, expected: string): false {
    const server = serverProtocol(octet);
    const guess = server === undefined ? "is it a SOCKS server?" : `that looks like ${server}`;
    this.#fail(
      "ERR_SOCKS_NOT_SOCKS",
      `proxy answered with ${formatOctet(octet)} where SOCKS ${this.#version} has ${expected}: ${guess}`,
    );
    return false;
  }

  #sendRequest(): void {
    this.#send(this.#request, false);
    const data = this.#earlyData;
    if (data !== undefined) this.#events.push({ type: "send", data, secret: true, early: true });
  }

  #send(data: Uint8Array, secret: boolean): void {
    this.#events.push({ type: "send", data, secret });
  }

  #progress(
    step: "method-selected" | "authenticated",
    { method, name: methodName }: ClientAuthMethod,
    warning: string | undefined,
  ): void {
    this.#events.push({ type: "progress", step, method, methodName, warning });
  }

  #fail(
    code: HandshakeErrorCode,
    message: string,
    details?: { readonly side?: "local" | "remote"; readonly reply?: number; readonly cause?: unknown },
  ): void {
    const stage = CLIENT_STAGES[this.#state];
    this.#move("fail");
    this.#input.clear();
    this.#exchange = undefined;
    const error = new HandshakeError(code, message, {
      side: details?.side ?? "remote",
      stage,
      version: this.#version,
      reply: details?.reply,
      cause: details?.cause,
    });
    this.#events.push({ type: "failed", error });
  }

  #move(transition: ClientTransition): void {
    this.#state = nextState(CLIENT_TRANSITIONS, this.#state, transition, CLIENT_STAGES[this.#state]);
  }

  #takeEvents(): readonly ClientEvent[] {
    const events = this.#events;
    if (events.length === 0) return NO_EVENTS;
    this.#events = [];
    return events;
  }
}

const STRICT = { strictReserved: true };
const LENIENT = { lenientVersion: true };
