import type { Report, ReportedSession } from "@sockskit/fastpath";
import type { Address, IpAddress } from "@sockskit/wire";
import type { Announcer } from "../events.ts";
import { printable } from "../printable.ts";

/** What a thread says of its sessions. */
export type SessionReport = Extract<Report, { readonly who: ReportedSession }>;

/** Makes the event of a report, the same as a session of this thread makes it. An event that nobody hears is not made. */
export function announceReport(report: SessionReport, announcer: Announcer, listener: IpAddress | undefined): void {
  const name = report.type === "opened" ? "session" : report.type;
  if (!announcer.isHeard(name)) return;
  const { id, client, user } = report.who;
  const who = { id, client, ...(user === undefined ? {} : { user }) };
  switch (report.type) {
    case "opened":
      return listener === undefined ? undefined : announcer.announce("session", { ...who, listener });
    case "authenticated":
      return announcer.announce("authenticated", { ...who, method: report.method });
    case "denied": {
      const { stage, code, reason, rep, rule } = report.refusal;
      return announcer.announce("denied", {
        ...who,
        ...(report.tried === undefined ? {} : { user: printable(report.tried) }),
        stage,
        code,
        reason,
        ...(rep === undefined ? {} : { rep }),
        ...destinationOf(report.destination),
        ...(rule === undefined ? {} : { rule }),
      });
    }
    case "connected": {
      const { version, userId, destination, address, rule, durationMs } = report;
      return announcer.announce("connected", {
        ...who,
        ...(userId === undefined ? {} : { userId: printable(userId) }),
        version,
        command: "connect",
        destination,
        address,
        rule,
        durationMs,
      });
    }
    case "closed": {
      const { destination, bytesIn, bytesOut, durationMs, reason, code, rep } = report;
      return announcer.announce("closed", {
        ...who,
        ...destinationOf(destination),
        bytesIn,
        bytesOut,
        durationMs,
        reason,
        ...(code === undefined ? {} : { code }),
        ...(rep === undefined ? {} : { rep }),
      });
    }
  }
}

function destinationOf(destination: Address | undefined): { readonly destination?: Address } {
  return destination === undefined ? {} : { destination };
}
