import {
  type Address,
  type Network,
  WireError,
  parseAddress,
  parseIpAddress,
  parseNetwork,
  parsePort,
} from "@sockskit/wire";

import type { ProxyUrlErrorCode } from "./errors.ts";
import { type Slice, type TextSource, mistake } from "./text-source.ts";

/** How {@link readHostPort} complains and what it adds. */
interface HostPortRules {
  readonly code: ProxyUrlErrorCode;
  readonly defaultPort: number;
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`; an IPv6 zone is written `%25zone` or `%zone`. Port 0 is refused. */
export function readHostPort(source: TextSource, slice: Slice, rules: HostPortRules): Address {
  const { code } = rules;
  const { text, start } = slice;
  const closing = text.startsWith("[") ? text.indexOf("]") : -1;
  const colon = text.indexOf(":", closing + 1);
  const host = { text: colon === -1 ? text : text.slice(0, colon), start };
  if (host.text === "") throw mistake(source, code, "there is no host", start);
  if (colon !== -1 && text.includes(":", colon + 1)) {
    const problem = 'more than one ":" after the host; an IPv6 address is written in brackets, "[2001:db8::1]:1080"';
    throw mistake(source, code, problem, start);
  }
  const port =
    colon === -1
      ? rules.defaultPort
      : readPort(source, { text: text.slice(colon + 1), start: start + colon + 1 }, code);
  return text.startsWith("[") ? readBracketed(source, host, port, code) : readHost(source, host, port, code);
}

/** Reads a port from 1 to 65535. The problem does not quote it: with the host forgotten, a password stands here. */
export function readPort(source: TextSource, slice: Slice, code: ProxyUrlErrorCode): number {
  const port = attempt(() => parsePort(slice.text)) ?? 0;
  if (port !== 0) return port;
  throw mistake(source, code, "the port must be a decimal number from 1 to 65535", slice.start);
}

/** An address or network; `undefined` when the text is neither. */
export function readNetwork(text: string): Network | undefined {
  return attempt(() => parseNetwork(text));
}

/** The value, or `undefined` where `wire` refuses the text. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function readBracketed(source: TextSource, host: Slice, port: number, code: ProxyUrlErrorCode): Address {
  const literal = host.text.endsWith("]") ? host.text.slice(1, -1).replace("%25", "%") : "";
  const address = parseIpAddress(literal, port);
  if (address?.type === "ipv6") return address;
  throw mistake(source, code, "brackets must hold an IPv6 address, and only a port may follow them", host.start);
}

function readHost(source: TextSource, host: Slice, port: number, code: ProxyUrlErrorCode): Address {
  try {
    return parseAddress(host.text, port);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw mistake(source, code, "this is neither a host name nor an IP address", host.start, error);
  }
}
