import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { ACCOUNT } from "./account.ts";
import { programPath, startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

/** Tinyproxy: an HTTP proxy. */
export async function startTinyproxy(scope: Scope, options: PeerOptions = {}): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const file = join(folder, "tinyproxy.conf");
  const account = options.password === true ? `BasicAuth ${ACCOUNT.username} ${ACCOUNT.password}\n` : "";
  await writeFile(file, `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\n${account}`);
  return startServer(scope, port, [programPath("tinyproxy"), "-d", "-c", file]);
}

/** Ncat as an HTTP proxy. */
export async function startNcatProxy(scope: Scope): Promise<ServerPeer> {
  const port = await freePort();
  const argv = [programPath("ncat"), "-l", "-k", "127.0.0.1", String(port), "--proxy-type", "http"];
  return startServer(scope, port, argv);
}

/** Squid, and the port where it wants TLS. */
export interface SquidPeer extends ServerPeer {
  /** Loopback port of its listener with TLS. */
  readonly tlsPort: number;
}

/** Squid, which asks for the account, with a listener that has TLS. It denies port 1. */
export async function startSquid(scope: Scope, certificate: { cert: string; key: string }): Promise<SquidPeer> {
  const folder = await scope.temporaryFolder();
  // Started by an administrator it becomes another user, who has to read all of this.
  await chmod(folder, 0o755);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const at = (name: string): string => join(folder, name);
  await writeFile(at("cert.pem"), certificate.cert);
  await writeFile(at("key.pem"), certificate.key);
  // Speaks the protocol of Squid's helpers: a line with name and password in, OK or ERR out.
  const helper = `#!/bin/sh
while read -r line; do
  if [ "$line" = "${ACCOUNT.username} ${ACCOUNT.password}" ]; then echo OK; else echo ERR; fi
done
`;
  await writeFile(at("account"), helper, { mode: 0o755 });
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `https_port 127.0.0.1:${tlsPort} tls-cert=${at("cert.pem")} tls-key=${at("key.pem")}`,
    `auth_param basic program ${at("account")}`,
    "auth_param basic children 1 startup=1",
    "auth_param basic realm interop",
    "acl account proxy_auth REQUIRED",
    "acl denied port 1",
    "http_access deny denied",
    "http_access allow account",
    "http_access deny all",
    "cache deny all",
    "access_log none",
    "cache_log /dev/stderr",
    "cache_store_log none",
    "pinger_enable off",
    "pid_filename none",
    `coredump_dir ${folder}`,
    "shutdown_lifetime 0 seconds",
  ];
  await writeFile(at("squid.conf"), `${lines.join("\n")}\n`);
  const peer = await startServer(scope, port, [programPath("squid"), "-N", "-f", at("squid.conf")]);
  return { ...peer, tlsPort };
}
