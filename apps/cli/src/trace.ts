import type { ObserverOptions, OctetsEvent, ProgressEvent, VersionFailedStep } from "@sockskit/dial";
import { type Address, formatAddress, formatHost, formatNetwork, METHOD } from "@sockskit/wire";

import { reasonOf } from "./cli-error.ts";
import type { Reporter } from "./reporter.ts";
import { peerName } from "./target.ts";

/** Most octets of one message that are shown: whole handshake messages, but not what the destination sends at once. */
const MAX_SHOWN_OCTETS = 560;

const WHY_NOT: Readonly<Record<VersionFailedStep["reason"], string>> = {
  closed: "closed the connection instead of answering",
  silent: "no answer",
  "other-version": "answered in another version",
  "no-method": "takes no method that is offered",
  "name-refused": "refused the name, it may take addresses only",
};

/** What `-v` and `-vv` watch. Nothing is watched that nobody reads. */
export function observe(reporter: Reporter): ObserverOptions {
  const { verbose } = reporter.options;
  return {
    ...(verbose >= 1 && { onProgress: (event) => reportProgress(reporter, event) }),
    ...(verbose >= 2 && { onOctets: (event) => reportOctets(reporter, event) }),
  };
}

function reportProgress(reporter: Reporter, event: ProgressEvent): void {
  const { hop, elapsedMs, step, ...details } = event;
  const prefix = hop === undefined ? "" : `${hop.proxy}: `;
  const data = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, plain(value)]));
  reporter.step(elapsedMs, prefix + describe(event), { ...data, type: "step", step, ...(hop && { hop }) });
}

function describe(event: ProgressEvent): string {
  switch (event.step) {
    case "resolved":
      return `${event.name} is ${event.addresses.map(formatHost).join(", ")}`;
    case "direct":
      return `left out, ${formatAddress(event.address)} is listed as directly connected`;
    case "dialling":
      return `dialling ${formatAddress(event.address)}`;
    case "connected":
      return `connected to ${formatAddress(event.address)}`;
    case "attempt-failed":
      return `${formatAddress(event.address)} failed: ${reasonOf(event.error)}`;
    case "version-found":
      return `speaks SOCKS ${event.version.toUpperCase()}${event.remembered ? " (remembered)" : ""}`;
    case "version-failed":
      return `SOCKS ${event.version.toUpperCase()}: ${WHY_NOT[event.reason]}`;
    case "method-selected":
      return `chose the method ${event.methodName}${warned(event.warning)}`;
    case "authenticated":
      return `${event.method === METHOD.noAuthenticationRequired ? "asks for no credentials" : "accepted the credentials"}${warned(event.warning)}`;
    case "proxy-header":
      return `told by a PROXY header, version ${event.version}, that ${formatAddress(event.source)} connects to ${formatAddress(event.destination)}`;
    case "secured":
      return describeSecured(event);
    case "http-answer":
      return `answered ${event.status} ${event.reason}`.trimEnd();
    case "listening":
      return `listens on ${told(event.boundAddress)} for ${peerName(event.destination)}`;
    case "established":
      return describeEstablished(event);
  }
}

function describeSecured(event: Extract<ProgressEvent, { step: "secured" }>): string {
  const { protocol, cipher, subject, issuer, validTo, problem } = event;
  const whose = `certificate of "${subject}" by "${issuer}", valid until ${validTo}`;
  return `${protocol}, ${cipher}; ${whose}, ${problem === undefined ? "verified" : `not verified: ${problem}`}`;
}

function describeEstablished({
  command,
  destination,
  boundAddress,
}: Extract<ProgressEvent, { command: unknown }>): string {
  switch (command) {
    case "connect":
      return `connected to ${formatAddress(destination)}${boundAddress === undefined ? "" : `, from ${told(boundAddress)}`}`;
    case "bind":
      return `passes on the connection of ${told(boundAddress)}`;
    case "udp-associate":
      return `relays datagrams at ${told(boundAddress)}`;
    case "resolve":
    case "resolve-ptr":
      return `answered that ${peerName(destination)} is ${boundAddress === undefined ? "something that cannot be read" : peerName(boundAddress)}`;
  }
}

function told(address: Address | undefined): string {
  return address === undefined ? "an address that cannot be read" : formatAddress(address);
}

function warned(warning: string | undefined): string {
  return warning === undefined ? "" : ` (${warning})`;
}

function reportOctets(reporter: Reporter, event: OctetsEvent): void {
  const { elapsedMs, hop, direction, stage, octets, maskedFrom } = event;
  const shown = octets.subarray(0, Math.min(maskedFrom ?? octets.length, MAX_SHOWN_OCTETS));
  const hidden =
    maskedFrom !== undefined ? " [secret]" : octets.length > shown.length ? ` ... ${octets.length} in all` : "";
  const hex = Buffer.from(shown).toString("hex");
  const text = `${direction === "sent" ? ">" : "<"} ${hex.replaceAll(/..(?=.)/g, "$& ")}${hidden}`;
  reporter.step(elapsedMs, text, { type: "octets", direction, stage, hop, hex, masked: maskedFrom !== undefined });
}

/** A value as JSON shows it: addresses and networks as text, errors by their code. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Error) return reasonOf(value);
  if (typeof value !== "object" || value === null) return value;
  if ("prefixLength" in value) return formatNetwork(value as Parameters<typeof formatNetwork>[0]);
  if ("port" in value) return formatAddress(value as Parameters<typeof formatAddress>[0]);
  return value;
}
