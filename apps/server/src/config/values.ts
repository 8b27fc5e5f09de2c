import {
  type Address,
  type IpAddress,
  parseAddress,
  parseHostPort,
  parseIpAddress,
  parseNetwork,
} from "@sockskit/wire";
import { parseUsersFile, type PortRange, ServerError } from "@sockskit/server";
import { parseProxyUrl, type ProxyUrl, ProxyUrlError } from "@sockskit/url";
import * as z from "zod";
import type { ListenAddress } from "./config.ts";

/*
 * The kinds of values that the configuration knows. Each is a text (or a number)
 * with one way to read it, one sentence that says what is expected, and its own
 * part of the JSON Schema.
 */

/** What a value turns out to be, or what was expected instead. */
type Reading<T> = { readonly value: T } | { readonly expected: string } | { readonly toCome: true };

/** What an issue says of a value that later work brings: refused with its place, never ignored. */
const TO_COME = { message: "not supported yet", params: { toCome: "value" } };

/** A value that is read by `read`. `json` describes what may be written. */
function valueOf<T>(json: Record<string, unknown>, read: (written: unknown) => Reading<T>): z.ZodType<T> {
  return z
    .unknown()
    .transform((written, context) => {
      const reading = read(written);
      if ("value" in reading) return reading.value;
      context.addIssue({ code: "custom", ...("toCome" in reading ? TO_COME : { message: reading.expected }) });
      return z.NEVER;
    })
    .meta(json);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The longest time that a timer takes. */
const MAX_DURATION_MS = 0x7f_ff_ff_ff;
/** Number and unit. Fifteen digits are what a number holds exactly. */
const DURATION = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/u;
const RATE = /^(\d{1,15}(?:\.\d{1,6})?)(B|[kKMG]B|[KMG]iB)\/s$/u;

/** Milliseconds of `500ms`, `10s`, `2m`, `1h`, `1d`; `undefined` when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const milliseconds = Math.round(Number(match[1]) * (UNIT_MS[match[2] as string] as number));
  return milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
}

/** Text of a number of milliseconds that {@link parseDuration} reads back. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  const unit = ["d", "h", "m", "s"].find((name) => milliseconds % (UNIT_MS[name] as number) === 0) ?? "ms";
  return `${milliseconds / (UNIT_MS[unit] as number)}${unit}`;
}

/** A duration between two others; in milliseconds. */
export function duration(least: string, most: string): z.ZodType<number> {
  const expected = `a duration from ${least} to ${most}, such as 500ms, 10s, 2m or 1h`;
  const min = parseDuration(least) ?? 0;
  const max = parseDuration(most) ?? MAX_DURATION_MS;
  return valueOf({ title: "duration", type: "string", pattern: DURATION.source }, (written) => {
    const value = typeof written === "string" ? parseDuration(written) : undefined;
    return value !== undefined && value >= min && value <= max ? { value } : { expected };
  });
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Bytes per second of `10MB/s`, `64KiB/s`; `undefined` when the text is no rate. */
export function parseRate(text: string): number | undefined {
  const match = RATE.exec(text);
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * (UNIT_BYTES[match[2] as string] as number));
  return value >= 1 && Number.isSafeInteger(value) ? value : undefined;
}

/** A rate; in bytes per second. */
export function rate(): z.ZodType<number> {
  return valueOf({ title: "rate", type: "string", pattern: RATE.source }, (written) => {
    const value = typeof written === "string" ? parseRate(written) : undefined;
    return value === undefined ? { expected: "a rate such as 10MB/s, 500kB/s or 64KiB/s" } : { value };
  });
}

/** A whole number, 1 or more. */
export function count(): z.ZodType<number> {
  return valueOf({ title: "count", type: "integer", minimum: 1 }, (written) =>
    typeof written === "number" && Number.isSafeInteger(written) && written >= 1
      ? { value: written }
      : { expected: "a whole number, 1 or more" },
  );
}

/** One TCP port. */
export function tcpPort(): z.ZodType<number> {
  return valueOf({ title: "port", type: "integer", minimum: 1, maximum: 0xffff }, (written) =>
    typeof written === "number" && Number.isInteger(written) && written >= 1 && written <= 0xffff
      ? { value: written }
      : { expected: "a port from 1 to 65535" },
  );
}

/** One of a few words or numbers; those of `toCome` are known, but not supported yet. */
export function oneOf<const T extends string | number>(
  choices: readonly T[],
  toCome: readonly unknown[] = [],
): z.ZodType<T> {
  return valueOf({ enum: [...choices] }, (written) => {
    const value = choices.find((choice) => choice === written);
    if (value !== undefined) return { value };
    return toCome.includes(written) ? { toCome: true } : { expected: `one of ${choices.join(", ")}` };
  });
}

/** Text with something in it. */
export function text(what: string): z.ZodType<string> {
  return valueOf({ title: "text", type: "string", minLength: 1 }, (written) =>
    typeof written === "string" && written !== "" ? { value: written } : { expected: `${what}, as text` },
  );
}

/** True or false. */
export function flag(): z.ZodType<boolean> {
  return valueOf({ title: "true or false", type: "boolean" }, (written) =>
    typeof written === "boolean" ? { value: written } : { expected: "true or false" },
  );
}

/** A port or a range of ports; the rules check it. */
export function port(): z.ZodType<number | string> {
  return valueOf({ title: "port or range", type: ["integer", "string"] }, (written) =>
    typeof written === "number" || typeof written === "string"
      ? { value: written }
      : { expected: 'a port from 1 to 65535, or a range such as "8000-8999"' },
  );
}

/** A port or a range of ports. */
export function portRange(): z.ZodType<PortRange> {
  const expected = 'ports from 1 to 65535, such as "40000-40999"';
  return valueOf({ title: "range of ports", type: ["string", "integer"] }, (written) => {
    const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/u.exec(String(written)) ?? [];
    const range = { from: Number(first), to: Number(last) };
    return range.from >= 1 && range.from <= range.to && range.to <= 0xff_ff ? { value: range } : { expected };
  });
}

/** An address of this host with a port, `127.0.0.1:1080` or `[::1]:1080`, or a Unix socket, `unix:/run/socks`. */
export function listenAddress(): z.ZodType<ListenAddress> {
  const expected = "an IP address with a port, such as 127.0.0.1:1080 or [::1]:1080";
  return valueOf<ListenAddress>({ title: "address:port", type: "string" }, (written) => {
    if (typeof written !== "string") return { expected };
    if (written.startsWith("unix:")) {
      const path = written.slice("unix:".length);
      return path === "" ? { expected: "the path of a socket behind unix:" } : { value: { type: "unix", path } };
    }
    const address = attempt(() => parseHostPort(written, 1080));
    if (address?.type === "domain") {
      const local = address.host === "localhost" ? parseIpAddress("127.0.0.1", address.port) : undefined;
      return local === undefined ? { expected: `${expected}; a name is not enough` } : { value: local };
    }
    const everywhere = /^\*?:(\d+)$/u.exec(written)?.[1];
    if (everywhere !== undefined) {
      return { expected: `${expected}; every address of this host is 0.0.0.0:${everywhere}, which needs users` };
    }
    return address === undefined ? { expected } : { value: address };
  });
}

/** Permissions of a file. */
export function fileMode(): z.ZodType<number> {
  return valueOf({ title: "permissions", type: "string", pattern: "^0?[0-7]{3}$" }, (written) =>
    typeof written === "string" && /^0?[0-7]{3}$/u.test(written)
      ? { value: Number.parseInt(written, 8) }
      : { expected: 'permissions in octal, as text such as "0660"' },
  );
}

/** A group of this system. */
export function groupName(): z.ZodType<string | number> {
  return valueOf({ title: "group", type: ["string", "integer"] }, (written) =>
    (typeof written === "string" && written !== "") || (Number.isSafeInteger(written) && (written as number) >= 0)
      ? { value: written as string | number }
      : { expected: "the name or number of a group" },
  );
}

/** An address or a network: `192.0.2.1`, `10.0.0.0/8`. */
export function network(): z.ZodType<string> {
  return valueOf({ title: "address or network", type: "string" }, (written) =>
    typeof written === "string" && attempt(() => parseNetwork(written)) !== undefined
      ? { value: written }
      : { expected: "an IP address or a network, such as 192.0.2.1 or 10.0.0.0/8" },
  );
}

/** An IP address of this host, without a port. */
export function ipAddress(): z.ZodType<IpAddress> {
  return valueOf({ title: "IP address", type: "string" }, (written) => {
    const value = typeof written === "string" ? parseIpAddress(written) : undefined;
    return value === undefined ? { expected: "an IP address such as 192.0.2.10 or 2001:db8::10" } : { value };
  });
}

/** The URL of a proxy. What was written is never shown, but for its place of the mistake. */
export function proxyUrl(): z.ZodType<ProxyUrl> {
  const expected = "the URL of a proxy, such as socks5h://10.1.1.1:1080";
  return valueOf({ title: "proxy URL", type: "string" }, (written) => {
    if (typeof written !== "string") return { expected };
    try {
      const value = parseProxyUrl(written);
      if (value.direct !== undefined) return { expected: `${expected}; what is reached directly is a matter of rules` };
      return { value };
    } catch (error) {
      if (error instanceof ProxyUrlError) return { expected: `${expected} (${error.message})` };
      throw error;
    }
  });
}

/** A password hash as `sockskitd passwd` prints it. What was written is never shown. */
export function passwordHash(): z.ZodType<string> {
  const expected = "a password hash; make one with sockskitd passwd";
  return valueOf({ title: "hash", type: "string", pattern: String.raw`^\$(scrypt|argon2id)\$` }, (written) => {
    if (typeof written !== "string" || !written.startsWith("$")) return { expected };
    const problem = hashProblem(written);
    return problem === undefined ? { value: written } : { expected: `${expected} (${problem})` };
  });
}

function hashProblem(written: string): string | undefined {
  try {
    parseUsersFile(`user:${written}`);
    return undefined;
  } catch (error) {
    if (error instanceof ServerError) return error.problems?.[0]?.message ?? error.message;
    throw error;
  }
}

/** A key that later work brings. */
export function notYet(): z.ZodOptional<z.ZodType<undefined>> {
  return z
    .unknown()
    .transform((written, context) => {
      if (written !== undefined) context.addIssue({ code: "custom", ...TO_COME, params: { toCome: "key" } });
      return undefined;
    })
    .optional()
    .meta({ toCome: true });
}

/** A destination on the command line: `host:port`. */
export function parseDestination(written: string): Address | undefined {
  return attempt(() => parseHostPort(written));
}

/** What a look-up on the command line is about: a name or an address. */
export function parseSubject(written: string): Address | undefined {
  return attempt(() => parseAddress(written, 0));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
