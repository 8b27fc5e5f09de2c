import type { DatagramCounts, SessionIdent, SessionVia, SocksServer, UpstreamChanged } from "@sockskit/server";
import { type Address, formatAddress, formatHost } from "@sockskit/wire";
import type { Log } from "./log.ts";

/** Writes a line for each event of the server. What no level lets through is not listened to. */
export function logSessions(server: SocksServer, log: Log): void {
  server.removeAllListeners();
  server.on("error", (error) => log.write("error", error.message, { code: codeOf(error) }));
  if (log.isEnabled("debug")) {
    server.on("session", ({ id, client, user, listener, path }) =>
      log.write("debug", "client", {
        session: id,
        client: formatAddress(client),
        user,
        listener: path === undefined ? formatAddress(listener) : `unix:${path}`,
      }),
    );
    server.on("authenticated", ({ id, client, method, user, principal }) =>
      log.write("debug", "authenticated", { session: id, client: formatAddress(client), method, user, principal }),
    );
  }
  if (log.isEnabled("warn")) {
    server.on("denied", (event) =>
      log.write("warn", "denied", {
        session: event.id,
        client: formatAddress(event.client),
        user: event.user,
        principal: event.principal,
        ...identFields(event.ident),
        destination: addressText(event.destination),
        stage: event.stage,
        code: event.code,
        reason: event.reason,
        rule: position(event.rule),
        reply: event.rep,
      }),
    );
  }
  if (log.isEnabled("warn")) server.on("upstream", (event) => logUpstream(event, log));
  if (!log.isEnabled("info")) return;
  server.on("bound", (event) =>
    log.write("info", "bound", {
      session: event.id,
      client: formatAddress(event.client),
      user: event.user,
      principal: event.principal,
      userId: event.userId,
      ...identFields(event.ident),
      version: event.version,
      command: event.command,
      destination: formatAddress(event.destination),
      address: formatAddress(event.address),
      durationMs: Math.round(event.durationMs),
    }),
  );
  server.on("answered", (event) =>
    log.write("info", "answered", {
      session: event.id,
      client: formatAddress(event.client),
      user: event.user,
      principal: event.principal,
      userId: event.userId,
      ...identFields(event.ident),
      version: event.version,
      command: event.command,
      destination: formatHost(event.destination),
      answer: formatHost(event.answer),
      rule: position(event.rule),
      durationMs: Math.round(event.durationMs),
    }),
  );
  server.on("connected", (event) =>
    log.write("info", "connected", {
      session: event.id,
      client: formatAddress(event.client),
      user: event.user,
      principal: event.principal,
      userId: event.userId,
      ...identFields(event.ident),
      version: event.version,
      command: event.command,
      destination: formatAddress(event.destination),
      address: formatAddress(event.address),
      ...viaFields(event.via),
      rule: position(event.rule),
      durationMs: Math.round(event.durationMs),
    }),
  );
  server.on("closed", (event) =>
    log.write("info", "closed", {
      session: event.id,
      client: formatAddress(event.client),
      user: event.user,
      principal: event.principal,
      destination: addressText(event.destination),
      via: event.via?.upstream,
      bytesIn: event.bytesIn,
      bytesOut: event.bytesOut,
      ...datagramFields(event.datagrams),
      durationMs: Math.round(event.durationMs),
      reason: event.reason,
      code: event.code,
      reply: event.rep,
    }),
  );
}

function logUpstream({ state, ...event }: UpstreamChanged, log: Log): void {
  const { failures, retryMs, code, reason } = event;
  const fields = { ...viaFields(event), failures, retryMs, code, reason };
  if (state === "aside") log.write("warn", "upstream put aside", fields);
  else log.write("info", "upstream is back", fields);
}

/** Alternatives are counted from 1, as people do. */
function viaFields(via: SessionVia | undefined): Readonly<Record<string, string | number | undefined>> {
  if (via === undefined) return {};
  const { upstream, alternative, proxies } = via;
  return { via: upstream, alternative: position(alternative), proxies: proxies?.join(" ") };
}

/** What ident said: the user that it named, or why it named none. */
function identFields(ident: SessionIdent | undefined): { readonly ident?: string; readonly identError?: string } {
  if (ident === undefined) return {};
  return {
    ...(ident.userId === undefined ? {} : { ident: ident.userId }),
    ...(ident.error === undefined ? {} : { identError: ident.error }),
  };
}

function addressText(address: Address | undefined): string | undefined {
  return address === undefined ? undefined : formatAddress(address);
}

/** What became of datagrams; of those that were dropped each reason that there was. */
function datagramFields(datagrams: DatagramCounts | undefined): Record<string, number | string | undefined> {
  if (datagrams === undefined) return {};
  const dropped = Object.entries(datagrams.dropped).flatMap(([reason, count]) =>
    count > 0 ? [`${reason}=${count}`] : [],
  );
  return {
    datagramsIn: datagrams.in,
    datagramsOut: datagrams.out,
    ...(dropped.length === 0 ? {} : { dropped: dropped.join(" ") }),
    ...(datagrams.errors === 0 ? {} : { datagramErrors: datagrams.errors }),
  };
}

/** Rules are counted from 1, as `check` and `explain` print them. */
function position(rule: number | undefined): number | undefined {
  return rule === undefined ? undefined : rule + 1;
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
