import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { programPath, startServer, type ServerPeer } from "./server-peer.ts";

/** Tor without a network: its only way out is a proxy that does not exist, so every circuit fails. */
export async function startTor(scope: Scope): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const nowhere = await freePort();
  const file = join(folder, "torrc");
  const settings = [
    `DataDirectory ${folder}/data`,
    `SocksPort 127.0.0.1:${port} ExtendedErrors`,
    `Socks5Proxy 127.0.0.1:${nowhere}`,
    "SocksTimeout 2",
    // What it can look up without a network.
    "MapAddress mapped.example 192.0.2.77",
    "MapAddress six.example [2001:db8::7]",
    "Log notice stderr",
  ];
  await writeFile(file, `${settings.join("\n")}\n`);
  return startServer(scope, port, [programPath("tor"), "--defaults-torrc", "/dev/null", "-f", file]);
}
