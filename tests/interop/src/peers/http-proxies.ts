import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { programPath, startServer, type ServerPeer } from "./server-peer.ts";

/** Tinyproxy: an HTTP proxy, for what must not be taken for a SOCKS proxy. */
export async function startTinyproxy(scope: Scope): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const file = join(folder, "tinyproxy.conf");
  await writeFile(file, `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\n`);
  return startServer(scope, port, [programPath("tinyproxy"), "-d", "-c", file]);
}

/** Ncat as an HTTP proxy. */
export async function startNcatProxy(scope: Scope): Promise<ServerPeer> {
  const port = await freePort();
  const argv = [programPath("ncat"), "-l", "-k", "127.0.0.1", String(port), "--proxy-type", "http"];
  return startServer(scope, port, argv);
}
