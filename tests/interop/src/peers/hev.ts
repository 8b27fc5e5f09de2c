import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { programPath, startServer, type ServerPeer } from "./server-peer.ts";

/** hev-socks5-server without a password, with one worker. */
export async function startHev(scope: Scope): Promise<ServerPeer> {
  const port = await freePort();
  const file = join(await scope.temporaryFolder(), "hev.yml");
  await writeFile(
    file,
    `main: { workers: 1, port: ${port}, listen-address: '127.0.0.1' }\nmisc: { limit-nofile: 20000 }\n`,
  );
  return startServer(scope, port, [programPath("hev-socks5-server"), file]);
}
