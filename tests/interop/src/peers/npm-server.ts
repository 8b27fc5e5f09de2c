import { createRequire } from "node:module";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { ACCOUNT } from "./account.ts";
import { lookUpOnce, nameServiceEnvironment } from "./names.ts";
import { startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

const require = createRequire(import.meta.url);

/** The npm package `@pondwader/socks5-server`, in a process of its own. */
export async function startNpmServer(scope: Scope, options: PeerOptions = {}): Promise<ServerPeer> {
  const env =
    options.targetName === true ? await nameServiceEnvironment(await scope.temporaryFolder(), { hosts: true }) : {};
  const port = await freePort();
  const settings = { port, hostname: "127.0.0.1", ...(options.password === true ? { auth: ACCOUNT } : {}) };
  const source = `require(${JSON.stringify(require.resolve("@pondwader/socks5-server"))}).createServer(${JSON.stringify(settings)});`;
  const peer = await startServer(scope, port, [process.execPath, "--input-type=commonjs", "--eval", source], { env });
  if (options.targetName === true) await lookUpOnce(port, options.password === true);
  return peer;
}
