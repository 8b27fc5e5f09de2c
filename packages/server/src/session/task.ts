import type { Socket } from "node:net";
import type { HandshakeRequest, ServerReply } from "@sockskit/handshake";
import type { Policy, Question } from "@sockskit/policy";
import type { IpAddress } from "@sockskit/wire";
import type { RateBucket } from "../limits/rate-bucket.ts";
import { ConnectTask } from "./connect-task.ts";
import type { SessionHost } from "./host.ts";
import type { Denial } from "./rule-share.ts";
import type { Settings } from "./settings.ts";

/** What a session does for its client once it knows what that wants. There is one kind for each command. */
export interface Task {
  /** Begins. What it throws ends the session. */
  start(): void;
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
  /**
   * Runs a step that something outside the session brings about. What it throws ends this session and nothing else.
   * When the session is over, nothing is run.
   *
   * @returns Whether it was run.
   */
  run(step: () => void): boolean;
  /** Sends a reply of success; a tunnel has its own, see `openTunnel`. */
  grant(reply: ServerReply): void;
  /** Answers that the request is not allowed, and ends the session. */
  deny(denial: Denial): void;
  /** Answers that the request failed, and ends the session. */
  fail(error: Error): void;
  /** Answers with success, and relays between the client and a target from then on. */
  openTunnel(tunnel: TaskTunnel): void;
}

/** The far end of a tunnel. */
export interface TaskTunnel {
  /** The connection; it belongs to the tunnel from here on, also when opening it throws. */
  readonly target: Socket;
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
  return new ConnectTask(context);
}
