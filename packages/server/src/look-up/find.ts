import { type Resolver, SocksError } from "@sockskit/dial";
import {
  type AllowDecision,
  decideAddress,
  decideRequest,
  type DenyDecision,
  type Policy,
  type Question,
  type ResolveDecision,
} from "@sockskit/policy";
import { type Address, formatHost, type IpAddress, parseAddress, unmapAddress, WireError } from "@sockskit/wire";
import { type Denial, denialOf } from "../session/rule-share.ts";
import type { Settings } from "../session/settings.ts";
import { addressThrough, nameThrough } from "../upstream/look-up-through.ts";
import type { UpstreamUse } from "../upstream/through-upstream.ts";

/** What is looked up, and by what. */
export interface LookUp {
  readonly question: Question;
  readonly policy: Policy;
  readonly resolver: Resolver;
  /** The IP version that an answer can have. */
  readonly family: "auto" | 4 | 6;
  readonly signal: AbortSignal;
  /** For whom upstreams are asked, where the rules name one. */
  readonly use: UpstreamUse & { readonly settings: Settings };
}

/** An answer that the rules let out. */
export interface Found {
  readonly answer: Address;
  readonly allowed: AllowDecision;
}

/**
 * Finds the address of a name for a client. The rules decide on what was asked, and again on each address, as if it were
 * to be dialled: a look-up tells nobody an address that the rules keep from him.
 *
 * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED` and what else the resolver throws.
 */
export async function findAddress(look: LookUp): Promise<Found | Denial> {
  const { question, policy, family } = look;
  const { destination } = question;
  const asked = decideRequest(policy, question);
  if (asked.outcome === "deny") return denialOf(asked);
  let denial: DenyDecision | undefined;
  const found = await addressesOf(destination, asked, look);
  for (const candidate of found) {
    const answer = unmapAddress(candidate);
    if (!fits(answer, family)) continue;
    const decision = decideAddress(policy, question, answer);
    if (decision.outcome === "allow") return { answer, allowed: decision };
    denial ??= decision;
  }
  if (denial !== undefined) return denialOf(denial);
  throw notFound(`${formatHost(destination)} has no address that the answer has room for`);
}

/** A literal is its own answer. A name that the rules pass on to an upstream is not looked up here. */
async function addressesOf(
  destination: Address,
  asked: AllowDecision | ResolveDecision,
  { resolver, family, signal, use }: LookUp,
): Promise<readonly IpAddress[]> {
  if (destination.type !== "domain") return [destination];
  if (asked.outcome === "allow" && asked.via !== undefined) return [await addressThrough(asked.via, destination, use)];
  return resolver.resolve(destination.host, { family, signal });
}

/**
 * Finds the name of an address for a client. The rules decide on the address, and again on it with each name, so that a
 * rule on names holds for what is told as well.
 *
 * @throws SocksError `ERR_SOCKS_RESOLVE_FAILED` and what else the resolver throws.
 */
export async function findName({ question, policy, resolver, signal, use }: LookUp): Promise<Found | Denial> {
  const address = question.destination as IpAddress; // The handshake lets nothing else through.
  const asked = decideAddress(policy, question, address);
  if (asked.outcome === "deny") return denialOf(asked);
  const { via } = asked;
  if (via === undefined && resolver.reverse === undefined) throw notFound("the resolver of this server finds no names");
  const subject = unmapAddress(address);
  const names = via === undefined ? resolver.reverse?.(subject, { signal }) : [await nameThrough(via, subject, use)];
  let denial: DenyDecision | undefined;
  for (const name of (await names) ?? []) {
    const answer = parseName(name);
    if (answer === undefined) continue;
    const decision = decideAddress(policy, { ...question, destination: answer }, address);
    if (decision.outcome === "allow") return { answer, allowed: decision };
    denial ??= decision;
  }
  if (denial !== undefined) return denialOf(denial);
  throw notFound(`${formatHost(address)} has no name`);
}

/** Whoever owns an address decides what its name is: what is no host name, or the text of an address, is none. */
function parseName(text: string): Address | undefined {
  try {
    const name = parseAddress(text, 0);
    return name.type === "domain" ? name : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function fits({ type }: IpAddress, family: "auto" | 4 | 6): boolean {
  return family === "auto" || type === (family === 4 ? "ipv4" : "ipv6");
}

function notFound(message: string): SocksError {
  return new SocksError("ERR_SOCKS_RESOLVE_FAILED", message, { side: "remote", stage: "resolve" });
}
