import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { programPath, startServer, type ServerPeer } from "./server-peer.ts";

/** What a stunnel is set up with. */
export interface StunnelOptions {
  /** Its certificate and key, in PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Authority of the certificates that it wants from clients. Default: it wants none. */
  readonly clientCa?: string;
}

/** stunnel: TLS in front of a server that has none. */
export async function startStunnel(scope: Scope, backendPort: number, options: StunnelOptions): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const at = (name: string): string => join(folder, name);
  await writeFile(at("cert.pem"), options.certificate.cert);
  await writeFile(at("key.pem"), options.certificate.key);
  await writeFile(at("ca.pem"), options.clientCa ?? "");
  const lines = [
    "foreground = yes",
    "pid =",
    "syslog = no",
    "[proxy]",
    `accept = 127.0.0.1:${port}`,
    `connect = 127.0.0.1:${backendPort}`,
    `cert = ${at("cert.pem")}`,
    `key = ${at("key.pem")}`,
    ...(options.clientCa === undefined ? [] : [`CAfile = ${at("ca.pem")}`, "verifyChain = yes", "requireCert = yes"]),
  ];
  await writeFile(at("stunnel.conf"), `${lines.join("\n")}\n`);
  return startServer(scope, port, [programPath("stunnel4"), at("stunnel.conf")]);
}
