import type { LoopRefusal } from "../loop/host.ts";
import type { PlainAddress, Report, ReportedSession } from "./protocol.ts";

/**
 * Reports on their way to another thread, one after the other in one flat list: copying a list of numbers and texts costs a
 * fifth of what copying objects in objects costs.
 */
export type FlatReports = unknown[];

const KINDS = ["opened", "authenticated", "denied", "connected", "closed", "other"] as const;
const FAMILIES = ["ipv4", "ipv6", "domain"] as const;

/** Appends a report. */
export function packReport(report: Report, flat: FlatReports): void {
  switch (report.type) {
    case "opened":
      flat.push(0);
      packSession(report.who, flat);
      flat.push(report.listener);
      return;
    case "authenticated":
      flat.push(1);
      packSession(report.who, flat);
      flat.push(report.method);
      return;
    case "denied": {
      const { stage, code, reason, rep, rule } = report.refusal;
      flat.push(2);
      packSession(report.who, flat);
      flat.push(report.tried, stage, code, reason, rep, rule);
      packAddress(report.destination, flat);
      return;
    }
    case "connected":
      flat.push(3);
      packSession(report.who, flat);
      flat.push(report.version, report.userId, report.rule, report.durationMs);
      packAddress(report.destination, flat);
      packAddress(report.address, flat);
      return;
    case "closed":
      flat.push(4);
      packSession(report.who, flat);
      flat.push(report.bytesIn, report.bytesOut, report.durationMs, report.reason, report.code, report.rep);
      packAddress(report.destination, flat);
      return;
    default:
      flat.push(5, report);
  }
}

/** The reports of a list, in order. */
export function* unpackReports(flat: FlatReports): Generator<Report> {
  const reader = new Reader(flat);
  while (reader.hasMore) yield unpackOne(reader);
}

function unpackOne(reader: Reader): Report {
  const type = KINDS[reader.next() as number];
  if (type === undefined || type === "other") return reader.next() as Report;
  const who = reader.session();
  switch (type) {
    case "opened":
      return { type, who, listener: reader.next() as number };
    case "authenticated":
      return { type, who, method: reader.next() as string };
    case "denied": {
      const tried = reader.next() as Uint8Array | undefined;
      const refusal = {
        stage: reader.next() as LoopRefusal["stage"],
        code: reader.next() as string,
        reason: reader.next() as string,
        rep: reader.next() as number | undefined,
        rule: reader.next() as number | undefined,
      };
      return { type, who, tried, refusal, destination: reader.address() };
    }
    case "connected":
      return {
        type,
        who,
        version: reader.next() as 4 | 5,
        userId: reader.next() as Uint8Array | undefined,
        rule: reader.next() as number,
        durationMs: reader.next() as number,
        destination: reader.address() as PlainAddress,
        address: reader.address() as PlainAddress,
      };
    case "closed":
      return {
        type,
        who,
        bytesIn: reader.next() as number,
        bytesOut: reader.next() as number,
        durationMs: reader.next() as number,
        reason: reader.next() as Extract<Report, { readonly type: "closed" }>["reason"],
        code: reader.next() as string | undefined,
        rep: reader.next() as number | undefined,
        destination: reader.address(),
      };
  }
}

function packSession({ id, client, user }: ReportedSession, flat: FlatReports): void {
  flat.push(id, user);
  packAddress(client, flat);
}

function packAddress(address: PlainAddress | undefined, flat: FlatReports): void {
  if (address === undefined) flat.push(-1);
  else flat.push(FAMILIES.indexOf(address.type), address.host, address.port);
}

class Reader {
  readonly #flat: FlatReports;
  #position = 0;

  constructor(flat: FlatReports) {
    this.#flat = flat;
  }

  get hasMore(): boolean {
    return this.#position < this.#flat.length;
  }

  next(): unknown {
    const value = this.#flat[this.#position];
    this.#position += 1;
    return value;
  }

  session(): ReportedSession {
    return {
      id: this.next() as number,
      user: this.next() as string | undefined,
      client: this.address() as PlainAddress,
    };
  }

  address(): PlainAddress | undefined {
    const type = FAMILIES[this.next() as number];
    return type === undefined ? undefined : { type, host: this.next() as string, port: this.next() as number };
  }
}
