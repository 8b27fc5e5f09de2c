// The stand-in for a mechanism that the vectors have: wrapping puts 77 and the confidentiality flag before the message.
import { octets } from "@sockskit/testing";
import type {
  AuthVerdict,
  ClientAuthExchange,
  ClientAuthStep,
  GssapiEvidence,
  GssapiQuestion,
  ServerAuthExchange,
  ServerAuthStep,
} from "../src/index.ts";

export const CLIENT_TOKEN = "60 0c 06 06 2b 06 01 05 05 02 41 50 2d 31";
export const SERVER_TOKEN = "60 0c 06 06 2b 06 01 05 05 02 41 50 2d 32";
export const CONTEXT_FRAME = `01 01 00 0e ${CLIENT_TOKEN}`;
export const REPLY_FRAME = `01 01 00 0e ${SERVER_TOKEN}`;
export const ABORT = octets("01 ff");

/** A verdict on a context token. */
export function goOn(token = SERVER_TOKEN, complete = true): AuthVerdict {
  return { accepted: false, token: octets(token), complete };
}

/** The evidence that octets lead to. */
export function evidence(exchange: ServerAuthExchange, hex: string): GssapiEvidence | ServerAuthStep {
  const step = exchange.receive(octets(hex));
  return step.type === "verify" && step.evidence.type === "gssapi" ? step.evidence : step;
}

/** The question that octets lead to. */
export function question(exchange: ClientAuthExchange, hex: string): GssapiQuestion | ClientAuthStep {
  const step = exchange.receive(octets(hex));
  return step.type === "ask" && step.question.type === "gssapi" ? step.question : step;
}
