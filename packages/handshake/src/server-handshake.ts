import type { AuthVerdict, ServerAuthExchange, ServerAuthMethod, ServerAuthStep } from "@sockskit/auth";
import {
  CMD,
  REP,
  SOCKS4_VERSION,
  SOCKS5_VERSION,
  WireError,
  decodeMethodRequest,
  decodeSocks4Request,
  decodeSocks5Request,
  encodeMethodReply,
} from "@sockskit/wire";

import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { clientProtocol } from "./internal/foreign-protocol.ts";
import { nextState } from "./internal/next-state.ts";
import { requireTaken } from "./internal/require-taken.ts";
import { OctetQueue } from "./internal/octet-queue.ts";
import { formatMethods, formatOctet } from "./internal/octet-text.ts";
import { SERVER_STAGES } from "./internal/stages.ts";
import { encodeFailure, encodeReply } from "./internal/server-reply.ts";
import { requestFrom4, requestFrom5 } from "./internal/server-request.ts";
import { MAX_BUFFERED_LENGTH } from "./limits.ts";
import type { HandshakeRequest, ServerEvent, ServerReply } from "./server-events.ts";
import { type ServerHandshakeOptions, type ServerSettings, serverSettings } from "./server-options.ts";
import { SERVER_TRANSITIONS, type ServerState, type ServerTransition } from "./server-transitions.ts";

const NO_EVENTS: readonly ServerEvent[] = [];

/** States in which what follows belongs to somebody else. */
const GIVES_OCTETS: ReadonlySet<ServerState> = new Set(["securing", "deciding", "binding", "established"]);

/** Commands that exist in SOCKS 4: its 03 is not UDP ASSOCIATE. */
const SOCKS4_COMMANDS: readonly number[] = [CMD.connect, CMD.bind, CMD.resolve];

/**
 * The server side of one SOCKS 4, 4A or 5 handshake (RFC 1928, RFC 1929), without I/O.
 *
 * Feed it with `receive`, do what its events say, in their order. It never waits and never calls
 * back. A client may send everything at once: nothing is lost, and nothing is acted upon before its
 * turn. Deadlines are the owner's business.
 */
export class ServerHandshake {
  readonly #settings: ServerSettings;
  readonly #input = new OctetQueue();
  #state: ServerState = "start";
  #version: 4 | 5 | undefined;
  #method: ServerAuthMethod | undefined;
  #exchange: ServerAuthExchange | undefined;
  #identity: string | undefined;
  /** Whether the method protects the connection and not datagrams. */
  #withoutUdp = false;
  #cmd = 0;
  #events: ServerEvent[] = [];

  /**
   * @param options - What to accept.
   * @throws HandshakeError `ERR_SOCKS_BAD_OPTION`.
   */
  constructor(options: ServerHandshakeOptions) {
    this.#settings = serverSettings(options);
  }

  /** Where the handshake stands. */
  get state(): ServerState {
    return this.#state;
  }

  /** Octets received and not used yet; at most {@link MAX_BUFFERED_LENGTH}. */
  get bufferedLength(): number {
    return this.#input.length;
  }

  /**
   * Takes octets of the client, in any portions. They may be overwritten after the call.
   *
   * It never throws for what a peer sends. After a failure octets are dropped.
   */
  receive(bytes: Uint8Array): readonly ServerEvent[] {
    if (this.#state === "failed" || bytes.length === 0) return NO_EVENTS;
    this.#input.push(bytes);
    return this.#run();
  }

  /**
   * Goes on with the verdict on the evidence of the last `authenticate` event.
   *
   * After a failure (the client may have broken a limit meanwhile) the verdict is dropped.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when no verdict is awaited.
   */
  authenticated(verdict: AuthVerdict): readonly ServerEvent[] {
    if (this.#state === "failed") return NO_EVENTS;
    this.#move("verdict");
    const exchange = this.#exchange as ServerAuthExchange;
    this.#applyAuthStep(exchange.resolve(verdict));
    return this.#run();
  }

  /**
   * Answers the request: once, or twice for a BIND whose first reply says success.
   *
   * After a failure (the client may have broken a limit meanwhile) the reply is dropped.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when no reply is awaited.
   * @throws WireError `ERR_SOCKS_BAD_FIELD` when `rep` is no octet.
   */
  reply(reply: ServerReply): readonly ServerEvent[] {
    if (this.#state === "failed") return NO_EVENTS;
    const granted = reply.rep === REP.succeeded;
    const first = this.#state === "deciding" && this.#cmd === CMD.bind;
    const next = this.#next(granted ? (first ? "listen" : "grant") : "refuse");
    const version = this.#version as 4 | 5;
    const data = encodeReply(version, reply);
    this.#state = next;
    this.#events.push({ type: "send", data });
    if (!granted) {
      this.#input.clear();
      const rep = data[1] as number;
      const error = new HandshakeError(
        "ERR_SOCKS_REQUEST_REFUSED",
        `the request was refused with ${formatOctet(rep)}`,
        {
          side: "local",
          stage: "request",
          version,
          rep,
        },
      );
      this.#events.push({ type: "failed", error });
    }
    return this.#takeEvents();
  }

  /**
   * Goes on: the layer of the last `secure` event is in place.
   *
   * What the client sent behind the event must have been taken: read as if the layer had protected it, it would let
   * whoever sits in between speak for the client. After a failure nothing happens.
   *
   * @throws HandshakeError `ERR_SOCKS_STATE` when no layer is awaited, or `takeTrailingData()` was left out.
   */
  secured(): readonly ServerEvent[] {
    if (this.#state === "failed") return NO_EVENTS;
    if (this.#state === "securing") requireTaken(this.#input.length);
    this.#move("secured");
    const exchange = this.#exchange as Required<ServerAuthExchange>; // Whoever protects goes on.
    this.#applyAuthStep(exchange.secured());
    return this.#run();
  }

  /**
   * Hands over what the client sent behind its request: the first octets of the relayed stream.
   *
   * From the `request` event on; after a `secure` event it is the first octets of the layer. Each octet is given once;
   * `undefined` when there is none.
   */
  takeTrailingData(): Uint8Array | undefined {
    return GIVES_OCTETS.has(this.#state) ? this.#input.take() : undefined;
  }

  #run(): readonly ServerEvent[] {
    try {
      while (this.#advance());
    } catch (error) {
      // Decoders throw for octets that can never become valid; anything else is a defect.
      if (!(error instanceof WireError)) throw error;
      this.#fail(error.code, error.message, { rep: error.rep, cause: error });
    }
    if (this.#input.length > MAX_BUFFERED_LENGTH) {
      this.#fail(
        "ERR_SOCKS_OVERFLOW",
        `client sent more than ${MAX_BUFFERED_LENGTH} octets while the handshake is in state "${this.#state}"`,
      );
    }
    this.#input.settle();
    return this.#takeEvents();
  }

  /** Makes one step; `false` when more octets or a verb of the owner are needed. */
  #advance(): boolean {
    switch (this.#state) {
      case "start":
        return this.#readVersion();
      case "greeting":
        return this.#readGreeting();
      case "authenticating":
        return this.#authenticate();
      case "requesting":
        return this.#readRequest();
      case "requesting4":
        return this.#readRequest4();
      default:
        return false;
    }
  }

  #readVersion(): boolean {
    const octet = this.#input.peek();
    if (octet === SOCKS5_VERSION) {
      this.#version = 5;
      this.#move("socks5");
      return true;
    }
    if (octet === SOCKS4_VERSION) {
      this.#version = 4;
      this.#move("socks4");
      return true;
    }
    if (octet !== undefined) {
      const protocol = clientProtocol(octet);
      const guess = protocol === undefined ? "" : `: the client seems to speak ${protocol}`;
      this.#fail("ERR_SOCKS_NOT_SOCKS", `first octet is ${formatOctet(octet)}, expected 0x04 or 0x05${guess}`);
    }
    return false;
  }

  #readGreeting(): boolean {
    const input = this.#input;
    const decoded = decodeMethodRequest(input.bytes, input.offset);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    if (!this.#settings.socks5) {
      this.#fail("ERR_SOCKS_VERSION_REFUSED", "client speaks SOCKS 5, which is not taken here");
      return false;
    }
    const offered = decoded.value.methods;
    const method = this.#settings.authMethods.find((candidate) => offered.includes(candidate.method));
    if (method === undefined) {
      const wanted = formatMethods(this.#settings.authMethods.map((candidate) => candidate.method));
      this.#fail(
        "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
        `client offers ${formatMethods(offered)}, expected one of: ${wanted}`,
      );
      return false;
    }
    this.#method = method;
    this.#move("select");
    this.#send(encodeMethodReply({ method: method.method }));
    if (method.immediate === true) this.#finishAuthentication(undefined);
    else this.#exchange = method.start();
    return true;
  }

  #authenticate(): boolean {
    const exchange = this.#exchange as ServerAuthExchange;
    const step = exchange.receive(this.#input.rest());
    if (step.type === "incomplete" && this.#input.length > exchange.maxMessageLength) {
      this.#fail(
        "ERR_SOCKS_OVERFLOW",
        `message of method ${this.#method?.name} has more than ${exchange.maxMessageLength} octets`,
      );
      return false;
    }
    return this.#applyAuthStep(step);
  }

  #applyAuthStep(step: ServerAuthStep): boolean {
    if (step.type === "incomplete") return false;
    this.#input.consume(step.consumed);
    const { method, name: methodName } = this.#method as ServerAuthMethod;
    switch (step.type) {
      case "verify":
        this.#move("verify");
        this.#events.push({ type: "authenticate", method, methodName, evidence: step.evidence });
        return false;
      case "continue":
        return true;
      case "send":
        this.#send(step.data);
        return true;
      case "secure":
        if (step.send !== undefined) this.#send(step.send);
        this.#move("secure");
        this.#events.push({ type: "secure", method, methodName, layer: step.layer });
        return false;
      case "done":
        if (step.send !== undefined) this.#send(step.send);
        this.#withoutUdp = step.withoutUdp === true;
        this.#finishAuthentication(step.identity);
        return true;
      case "failed":
        if (step.send !== undefined) this.#send(step.send);
        this.#fail(step.error.code, step.error.message, { cause: step.error });
        return false;
    }
  }

  #finishAuthentication(identity: string | undefined): void {
    const { method, name: methodName } = this.#method as ServerAuthMethod;
    this.#exchange = undefined;
    this.#identity = identity;
    this.#move("authenticated");
    this.#events.push({ type: "authenticated", method, methodName, identity });
  }

  #readRequest(): boolean {
    const input = this.#input;
    const decoded = decodeSocks5Request(input.bytes, input.offset);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    const message = decoded.value;
    if (this.#takesCommand(message.cmd, true)) {
      this.#request(requestFrom5(message, this.#method as ServerAuthMethod, this.#identity));
    }
    return false;
  }

  #readRequest4(): boolean {
    const input = this.#input;
    const decoded = decodeSocks4Request(input.bytes, input.offset, this.#settings.limits);
    if (decoded === undefined) return false;
    input.consume(decoded.byteLength);
    const message = decoded.value;
    const { socks4 } = this.#settings;
    if (socks4 === "version-refused") {
      this.#fail("ERR_SOCKS_VERSION_REFUSED", "client speaks SOCKS 4, which is not taken here");
    } else if (socks4 === "auth-required") {
      this.#fail(
        "ERR_SOCKS_AUTH_REQUIRED",
        "client speaks SOCKS 4, which cannot authenticate; SOCKS 5 is required here",
      );
    } else if (this.#takesCommand(message.cd, SOCKS4_COMMANDS.includes(message.cd))) {
      this.#request(requestFrom4(message));
    }
    return false;
  }

  #takesCommand(cmd: number, exists: boolean): boolean {
    const unprotected = this.#withoutUdp && cmd === CMD.udpAssociate;
    if (exists && !unprotected && this.#settings.commands.includes(cmd)) return true;
    const why = unprotected ? `: method ${this.#method?.name} does not protect datagrams` : ", which is not taken here";
    this.#fail("ERR_SOCKS_COMMAND_NOT_SUPPORTED", `client asks for command ${formatOctet(cmd)}${why}`, {
      rep: REP.commandNotSupported,
    });
    return false;
  }

  #request(request: HandshakeRequest): void {
    this.#cmd = request.cmd;
    this.#move("request");
    this.#events.push({ type: "request", request });
  }

  #send(data: Uint8Array): void {
    this.#events.push({ type: "send", data });
  }

  /** Ends the handshake with the answer that the protocol has at this point, if it has one. */
  #fail(
    code: HandshakeErrorCode,
    message: string,
    details?: { readonly rep?: number | undefined; readonly cause?: unknown },
  ): void {
    const answer = encodeFailure(this.#state, this.#version, details?.rep ?? REP.generalSocksServerFailure);
    const stage = SERVER_STAGES[this.#state];
    this.#move("fail");
    this.#input.clear();
    this.#exchange = undefined;
    if (answer !== undefined) this.#send(answer);
    const error = new HandshakeError(code, message, {
      side: "remote",
      stage,
      version: this.#version,
      rep: stage === "request" ? answer?.[1] : undefined,
      cause: details?.cause,
    });
    this.#events.push({ type: "failed", error });
  }

  #move(transition: ServerTransition): void {
    this.#state = this.#next(transition);
  }

  #next(transition: ServerTransition): ServerState {
    return nextState(SERVER_TRANSITIONS, this.#state, transition, SERVER_STAGES[this.#state]);
  }

  #takeEvents(): readonly ServerEvent[] {
    const events = this.#events;
    if (events.length === 0) return NO_EVENTS;
    this.#events = [];
    return events;
  }
}
