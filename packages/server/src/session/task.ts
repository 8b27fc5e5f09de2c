import type { Socket } from "node:net";
import type { HandshakeRequest } from "@sockskit/handshake";
import type { Policy, Question } from "@sockskit/policy";
import type { Address, IpAddress } from "@sockskit/wire";
import { AssociateTask } from "../associate/associate-task.ts";
import type { DatagramProtection } from "../associate/protected-datagrams.ts";
import { BindTask } from "../bind/bind-task.ts";
import type { CloseReason, SessionVia } from "../events.ts";
import type { RateBucket } from "../limits/rate-bucket.ts";
import { LookUpTask } from "../look-up/look-up-task.ts";
import { ConnectTask } from "./connect-task.ts";
import type { Traffic } from "../relay/relay.ts";
import type { ClientCredentials } from "../upstream/client-credentials.ts";
import type { SessionHost } from "./host.ts";
import type { Denial } from "./rule-share.ts";
import type { Settings } from "./settings.ts";

/** What a session does for its client once it knows what that wants. There is one kind for each command. */
export interface Task {
  /** Begins. What it throws ends the session. */
  start(): void;
  /**
   * Takes what the client sends while there is no tunnel, and says whether it takes more. Absent: the session keeps the
   * first of it for the tunnel, and reads no more.
   */
  receive?(chunk: Uint8Array): boolean;
  /** The client has ended its side. Absent: that changes nothing before there is a tunnel. */
  clientEnded?(): void;
  /** The session is over: whatever the task has opened or taken is given back. Called once. */
  stop(): void;
}

/** What a {@link Task} knows of its session, and what it may have it do. */
export interface TaskContext {
  readonly host: SessionHost;
  /** The settings at the time of the request. */
  readonly settings: Settings;
  /** The rules at the time of the request. */
  readonly policy: Policy;
  /** What the client asked for. */
  readonly request: HandshakeRequest;
  /** The same, as the rules are asked. */
  readonly question: Question;
  /** The address of this host that the client came to. */
  readonly localAddress: IpAddress;
  /**
   * Runs a step that something outside the session brings about. What it throws ends this session and nothing else.
   * When the session is over, nothing is run.
   *
   * @returns Whether it was run.
   */
  run(step: () => void): boolean;
  /** What the client logged in with, when an upstream may get it; it is given once. */
  takeCredentials(): ClientCredentials | undefined;
  /** Says which upstream the session goes by. */
  goesVia(via: SessionVia): void;
  /** Protects the client's datagrams; `undefined` when nothing does. */
  readonly datagrams: DatagramProtection | undefined;
  /** What the client sent behind its request; each octet is given once. */
  takeEarly(): Uint8Array | undefined;
  /**
   * Answers that there is a socket now for what the client awaits: for a peer, or for its datagrams. The address of one
   * of our own stands in the reply as others know it.
   */
  listening(address: IpAddress, phase: "binding" | "association", isOurs: boolean): void;
  /** Counts what is moved for the client without a tunnel. */
  carry(traffic: Traffic): void;
  /** Answers with what was looked up, allowed by the rule at that position, and ends the session. */
  answer(answer: Address, rule: number): void;
  /** Answers that the request is not allowed, and ends the session. */
  deny(denial: Denial): void;
  /** Answers that the request failed, and ends the session. */
  fail(error: Error): void;
  /** Answers with success, and relays between the client and a target from then on. */
  openTunnel(tunnel: TaskTunnel): void;
  /** Ends the session without a further word. */
  close(reason: CloseReason): void;
}

/** The far end of a tunnel. */
export interface TaskTunnel {
  /** The connection; it belongs to the tunnel from here on, also when opening it throws. */
  readonly target: Socket;
  /** What goes to it first. */
  readonly early: Uint8Array | undefined;
  /** What the reply names. */
  readonly boundAddress: IpAddress | undefined;
  /** Where `target` leads. */
  readonly address: IpAddress;
  /** Position of the rule that allowed it. */
  readonly rule: number;
  /** Limits its rate. */
  readonly bucket: RateBucket | undefined;
}

/** The task for a request. The handshake lets through only commands that there is one for. */
export function taskFor(context: TaskContext): Task {
  switch (context.question.command) {
    case "bind":
      return new BindTask(context);
    case "udp-associate":
      return new AssociateTask(context);
    case "resolve":
    case "resolve-ptr":
      return new LookUpTask(context);
    default:
      return new ConnectTask(context);
  }
}
