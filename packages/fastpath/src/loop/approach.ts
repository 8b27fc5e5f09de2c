import type { HandshakeRequest } from "@sockskit/handshake";
import { type Command, type Question, repForError } from "@sockskit/policy";
import type { IpAddress } from "@sockskit/wire";
import { Dialer, type DialerOwner } from "./dialer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LoopSettings, LookupAnswer } from "./host.ts";
import type { Loop } from "./loop.ts";
import { type Choice, chooseAddresses, needsOwner } from "./route.ts";
import type { Session } from "./session.ts";

/** What an {@link Approach} tells its session, once. */
export interface ApproachOwner {
  /** The rules deny it. */
  denied(reason: string, rule: number | undefined): void;
  /** The destination cannot be reached. */
  unreachable(code: string | undefined, rep: number): void;
  /** It is one that the owner of the loop serves. */
  handOver(): void;
  /** A connection stands; its endpoint is the session's now. */
  reached(target: Endpoint, address: IpAddress, rule: number): void;
}

/**
 * The way from a request to a connection: the rules decide on what was asked, and again on each address before it is dialled.
 * Only an address that was decided on is dialled, so a name that changes its address in between finds no gap.
 */
export class Approach implements DialerOwner {
  readonly #loop: Loop;
  readonly #session: Session;
  readonly #request: HandshakeRequest;
  /** The settings at the time of the request. */
  readonly #settings: LoopSettings;
  #isAsking = false;
  #choice: Choice | undefined;
  #dialer: Dialer | undefined;

  constructor(loop: Loop, session: Session, request: HandshakeRequest) {
    this.#loop = loop;
    this.#session = session;
    this.#request = request;
    this.#settings = loop.settings;
  }

  /** Begins. */
  start(): void {
    const { destination } = this.#request;
    if (needsOwner(this.#request, this.#settings)) return this.#session.handOver();
    if (destination.type !== "domain") return this.#choose([destination]);
    const choice = chooseAddresses(this.#settings, this.#question(), undefined);
    if (choice.type === "denied") return this.#session.denied(choice.reason, choice.rule);
    if (choice.type === "owner") return this.#session.handOver();
    this.#isAsking = true;
    this.#loop.host.resolve(this.#session, destination.host);
  }

  /** What the look-up found. */
  resolved(answer: LookupAnswer): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    if ("addresses" in answer) this.#choose(answer.addresses);
    else this.#session.unreachable(answer.code, answer.rep);
  }

  /** Gives up; everything that was opened is closed. */
  stop(): void {
    this.#dialer?.stop();
    this.#dialer = undefined;
    if (this.#isAsking) this.#loop.host.cancel(this.#session);
    this.#isAsking = false;
  }

  dialled(target: Endpoint, address: IpAddress): void {
    this.#dialer = undefined;
    const choice = this.#choice;
    const found = choice?.type === "dial" ? choice.addresses.find((one) => one.address === address) : undefined;
    if (found !== undefined) this.#session.reached(target, address, found.decision.rule.index);
  }

  undialled(code: string): void {
    this.#dialer = undefined;
    this.#session.unreachable(code, repForError({ code }));
  }

  #choose(found: readonly IpAddress[]): void {
    const { port } = this.#request.destination;
    const addresses = found.map((address) => (address.port === port ? address : { ...address, port }));
    const choice = chooseAddresses(this.#settings, this.#question(), addresses);
    if (choice.type === "denied") return this.#session.denied(choice.reason, choice.rule);
    if (choice.type === "owner") return this.#session.handOver();
    this.#choice = choice;
    this.#dialer = new Dialer(this.#loop, this);
    this.#dialer.start(choice.addresses.map(({ address }) => address));
  }

  #question(): Question {
    const { command, destination } = this.#request;
    const { client, user } = this.#session;
    const asked = { client, command: command as Command, destination };
    return user === undefined ? asked : { ...asked, user };
  }
}
