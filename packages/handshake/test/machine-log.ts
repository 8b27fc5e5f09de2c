// Drives a machine with octets and writes down what it says, one line per event.
import type { AuthAnswer, AuthEvidence, AuthQuestion, AuthVerdict } from "@sockskit/auth";
import { hex } from "@sockskit/testing";
import { formatAddress } from "@sockskit/wire";
import type {
  AddressRaceEvent,
  ClientEvent,
  ClientHandshake,
  ServerEvent,
  ServerHandshake,
  ServerReply,
} from "../src/index.ts";

/** What the owner of a server machine answers. */
export interface ServerOwner {
  /** Whether credentials are accepted; the identity is the user name. */
  readonly accept?: boolean;
  /** Finds the verdict, where a method needs more than that. */
  readonly judge?: (evidence: AuthEvidence) => AuthVerdict;
  /** Replies to the request, in their order. */
  readonly replies?: readonly ServerReply[];
  /** Whether it answers before it feeds the next octets, or only when everything was fed. Default at once. */
  readonly late?: boolean;
}

/** Feeds chunks to a server machine and answers as its owner; the last line is what is left for the application. */
export function runServer(machine: ServerHandshake, chunks: Iterable<Uint8Array>, owner: ServerOwner = {}): string[] {
  const log: string[] = [];
  const questions: (() => readonly ServerEvent[])[] = [];
  const replies = [...(owner.replies ?? [])];
  for (const chunk of chunks) {
    take(machine.receive(chunk));
    if (owner.late !== true) answer();
  }
  answer();
  const trailing = machine.takeTrailingData();
  if (trailing !== undefined) log.push(`trailing ${hex(trailing)}`);
  return log;

  function take(events: readonly ServerEvent[]): void {
    for (const event of events) {
      log.push(serverLine(event));
      if (event.type === "authenticate") {
        const identity = "username" in event.evidence ? text(event.evidence.username) : undefined;
        const accepted =
          owner.accept === true ? ({ accepted: true, identity } as const) : ({ accepted: false } as const);
        const verdict = owner.judge?.(event.evidence) ?? accepted;
        questions.push(() => machine.authenticated(verdict));
      }
      if (event.type === "request") for (const reply of replies) questions.push(() => machine.reply(reply));
    }
  }

  function answer(): void {
    for (let ask = questions.shift(); ask !== undefined; ask = questions.shift()) take(ask());
  }
}

/**
 * Starts a client machine, feeds chunks to it and answers its questions at once; the last line is what is left for
 * the application.
 */
export function runClient(
  machine: ClientHandshake,
  chunks: Iterable<Uint8Array>,
  answer?: (question: AuthQuestion) => AuthAnswer,
): string[] {
  const log: string[] = [];
  take(machine.start());
  for (const chunk of chunks) take(machine.receive(chunk));
  const trailing = machine.takeTrailingData();
  if (trailing !== undefined) log.push(`trailing ${hex(trailing)}`);
  return log;

  function take(events: readonly ClientEvent[]): void {
    for (const event of events) {
      log.push(clientLine(event));
      if (event.type === "question" && answer !== undefined) take(machine.answer(answer(event.question)));
    }
  }
}

/** An event of a server machine as a line. */
export function serverLine(event: ServerEvent): string {
  switch (event.type) {
    case "send":
      return `send ${hex(event.data)}`;
    case "authenticate":
      return `authenticate ${event.methodName} ${evidenceText(event.evidence)}`;
    case "secure":
      return `secure ${event.methodName} ${event.layer.type}`;
    case "authenticated":
      return `authenticated ${event.methodName} as ${event.identity ?? "nobody"}`;
    case "request": {
      const { variant, command, cmd, destination, userId, identity, methodName } = event.request;
      const user = userId === undefined ? `${methodName} ${identity ?? "nobody"}` : `userid "${text(userId)}"`;
      return `request ${variant} ${command ?? cmd.toString(16)} ${formatAddress(destination)} ${user}`;
    }
    case "failed": {
      const { code, side, stage, rep } = event.error;
      return `failed ${code} ${side} ${stage}${rep === undefined ? "" : ` answered ${hex(Uint8Array.of(rep))}`}`;
    }
  }
}

/** An event of a client machine as a line. */
export function clientLine(event: ClientEvent): string {
  switch (event.type) {
    case "send":
      return `send ${hex(event.data)}${event.secret ? " (secret)" : ""}`;
    case "progress":
      return `${event.step} ${event.methodName}${event.warning === undefined ? "" : ` (${event.warning})`}`;
    case "secure":
      return `secure ${event.methodName} ${event.layer.type}`;
    case "question":
      return `question ${event.methodName} ${questionText(event.question)}`;
    case "listening":
    case "established": {
      const bound = event.boundAddress === undefined ? "nowhere" : formatAddress(event.boundAddress);
      return `${event.type} ${bound} ${hex(Uint8Array.of(event.reply))}`;
    }
    case "failed": {
      const { code, side, stage, reply } = event.error;
      return `failed ${code} ${side} ${stage}${reply === undefined ? "" : ` reply ${hex(Uint8Array.of(reply))}`}`;
    }
  }
}

/** An event of a race as a line. */
export function raceLine(event: AddressRaceEvent): string {
  switch (event.type) {
    case "attempt":
    case "won":
      return `${event.type} ${event.id} ${event.address.host}`;
    case "cancel":
      return `cancel ${event.id}`;
    case "exhausted":
      return `exhausted ${event.errors.map((error) => error.message).join(", ")}`;
  }
}

function evidenceText(evidence: AuthEvidence): string {
  switch (evidence.type) {
    case "userpass":
      return `"${text(evidence.username)}" "${text(evidence.password)}"`;
    case "chap":
      return `"${text(evidence.username)}" ${hex(Uint8Array.of(evidence.algorithm))} ${hex(evidence.response)}`;
    case "cram":
      return `"${text(evidence.username)}" ${evidence.round} "${text(evidence.response ?? new Uint8Array(0))}"`;
    case "gssapi":
      return `${evidence.step} ${hex(evidence.token)}`;
  }
}

function questionText(question: AuthQuestion): string {
  if (question.type === "gssapi") return `${question.step} ${hex(question.token ?? new Uint8Array(0))}`;
  return `${question.round} "${question.prompt}" "${question.text}"`;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
