import { type Address, domainAddress, type IpAddress, ipv4Address, parseIpAddress } from "@sockskit/wire";
import type { LoopCloseReason, LoopRefusal } from "../loop/host.ts";
import type { Report, ReportedSession } from "./protocol.ts";

/**
 * Reports on their way to another thread, one after the other: numbers in one array and, where they are needed, texts and
 * objects in another. To copy these two costs a tenth of what copying each report as an object costs.
 */
export type PackedReports = readonly [numbers: Float64Array, others: readonly unknown[]];

const KINDS = ["opened", "authenticated", "denied", "connected", "closed", "other"] as const;
const REASONS: readonly LoopCloseReason[] = [
  "finished",
  "client-reset",
  "target-reset",
  "idle",
  "handshake-timeout",
  "refused",
  "unreachable",
  "client-left",
  "evicted",
  "server-closed",
  "failed",
];
/** Stands for a number that is absent; where it stands no other one is below 0. */
const ABSENT = -1;
const ADDRESS = { ipv4: 0, ipv6: 1, domain: 2 } as const;

/** Collects reports. */
export class ReportWriter {
  #numbers: Float64Array = new Float64Array(256);
  #count = 0;
  #others: unknown[] = [];

  /** Whether nothing was collected. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Gives out what was collected, and begins anew. */
  take(): PackedReports {
    const packed = [this.#numbers.slice(0, this.#count), this.#others] as const;
    this.#count = 0;
    this.#others = [];
    return packed;
  }

  /** Adds a report. */
  add(report: Report): void {
    switch (report.type) {
      case "opened":
        this.#number(0);
        this.#session(report.who);
        return this.#number(report.listener);
      case "authenticated":
        this.#number(1);
        this.#session(report.who);
        return this.#other(report.method === "none" ? undefined : report.method);
      case "denied": {
        const { stage, code, reason, rep, rule } = report.refusal;
        this.#number(2);
        this.#session(report.who);
        for (const value of [report.tried, stage, code, reason]) this.#other(value);
        this.#number(rep ?? ABSENT);
        this.#number(rule ?? ABSENT);
        return this.#address(report.destination);
      }
      case "connected":
        this.#number(3);
        this.#session(report.who);
        this.#number(report.version);
        this.#other(report.userId);
        this.#number(report.rule);
        this.#number(report.durationMs);
        this.#address(report.destination);
        return this.#address(report.address);
      case "closed":
        this.#number(4);
        this.#session(report.who);
        this.#number(report.bytesIn);
        this.#number(report.bytesOut);
        this.#number(report.durationMs);
        this.#number(REASONS.indexOf(report.reason));
        this.#other(report.code);
        this.#number(report.rep ?? ABSENT);
        return this.#address(report.destination);
      default:
        this.#number(5);
        this.#other(report);
    }
  }

  #number(value: number): void {
    if (this.#count === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#count] = value;
    this.#count += 1;
  }

  #other(value: unknown): void {
    if (value === undefined) return this.#number(ABSENT);
    this.#number(this.#others.length);
    this.#others.push(value);
  }

  #session({ id, client, user }: ReportedSession): void {
    this.#number(id);
    this.#other(user);
    this.#address(client);
  }

  #address(address: Address | undefined): void {
    if (address === undefined) return this.#number(ABSENT);
    const { type, octets, host, port } = address;
    this.#number(ADDRESS[type]);
    if (type === "ipv4") this.#number(new DataView(octets.buffer, octets.byteOffset).getUint32(0));
    else this.#other(host);
    this.#number(port);
  }
}

/** The reports of a message, in order. */
export function* unpackReports(packed: PackedReports): Generator<Report> {
  const reader = new Reader(packed);
  while (reader.hasMore) yield unpackOne(reader);
}

function unpackOne(reader: Reader): Report {
  const type = KINDS[reader.number()];
  if (type === undefined || type === "other") return reader.other() as Report;
  const who = reader.session();
  switch (type) {
    case "opened":
      return { type, who, listener: reader.number() };
    case "authenticated":
      return { type, who, method: (reader.other() as string | undefined) ?? "none" };
    case "denied": {
      const tried = reader.other() as Uint8Array | undefined;
      const refusal = {
        stage: reader.other() as LoopRefusal["stage"],
        code: reader.other() as string,
        reason: reader.other() as string,
        rep: reader.optional(),
        rule: reader.optional(),
      };
      return { type, who, tried, refusal, destination: reader.address() };
    }
    case "connected":
      return {
        type,
        who,
        version: reader.number() as 4 | 5,
        userId: reader.other() as Uint8Array | undefined,
        rule: reader.number(),
        durationMs: reader.number(),
        destination: reader.address() as Address,
        address: reader.address() as IpAddress,
      };
    case "closed":
      return {
        type,
        who,
        bytesIn: reader.number(),
        bytesOut: reader.number(),
        durationMs: reader.number(),
        reason: REASONS[reader.number()] ?? "failed",
        code: reader.other() as string | undefined,
        rep: reader.optional(),
        destination: reader.address(),
      };
  }
}

class Reader {
  readonly #numbers: Float64Array;
  readonly #others: readonly unknown[];
  #position = 0;

  constructor([numbers, others]: PackedReports) {
    this.#numbers = numbers;
    this.#others = others;
  }

  get hasMore(): boolean {
    return this.#position < this.#numbers.length;
  }

  number(): number {
    this.#position += 1;
    return this.#numbers[this.#position - 1] as number;
  }

  optional(): number | undefined {
    const value = this.number();
    return value === ABSENT ? undefined : value;
  }

  other(): unknown {
    return this.#others[this.number()];
  }

  session(): ReportedSession {
    return { id: this.number(), user: this.other() as string | undefined, client: this.address() as IpAddress };
  }

  address(): Address | undefined {
    const type = this.number();
    if (type === ABSENT) return undefined;
    if (type === ADDRESS.ipv4) {
      const ip = this.number();
      return ipv4Address(Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip), this.number());
    }
    const host = this.other() as string;
    const port = this.number();
    return type === ADDRESS.domain ? domainAddress(host, port) : parseIpAddress(host, port);
  }
}
