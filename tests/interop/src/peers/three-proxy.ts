import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { programPath, startServer, type ServerPeer } from "./server-peer.ts";

/** 3proxy's SOCKS server. */
export async function startThreeProxy(scope: Scope): Promise<ServerPeer> {
  const port = await freePort();
  const file = join(await scope.temporaryFolder(), "3proxy.cfg");
  await writeFile(file, `maxconn 10000\nauth none\nallow *\nsocks -i127.0.0.1 -p${port}\n`);
  return startServer(scope, port, [programPath("3proxy"), file]);
}
