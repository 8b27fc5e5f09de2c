import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { ACCOUNT } from "./account.ts";
import { lookUpOnce, nameServiceEnvironment } from "./names.ts";
import { programPath, startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

/** microsocks, with or without a password. */
export async function startMicrosocks(scope: Scope, options: PeerOptions = {}): Promise<ServerPeer> {
  const env =
    options.targetName === true ? await nameServiceEnvironment(await scope.temporaryFolder(), { hosts: true }) : {};
  const port = await freePort();
  const account = options.password === true ? ["-u", ACCOUNT.username, "-P", ACCOUNT.password] : [];
  const argv = [programPath("microsocks"), "-i", "127.0.0.1", "-p", String(port), ...account];
  const peer = await startServer(scope, port, argv, { env });
  if (options.targetName === true) await lookUpOnce(port, options.password === true);
  return peer;
}
