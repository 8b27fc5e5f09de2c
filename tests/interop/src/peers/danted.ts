import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import type { Scope } from "../harness/scope.ts";
import { nameServiceEnvironment } from "./names.ts";
import { programPath, startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

/** What a Dante server of the suite lets through. */
export interface DantedOptions extends PeerOptions {
  /** Loopback port that its rules deny. */
  readonly deniedPort?: number;
  /** It takes BIND. */
  readonly bind?: boolean;
}

/** Dante's server, with a generated configuration. */
export async function startDanted(scope: Scope, options: DantedOptions = {}): Promise<ServerPeer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  const method = options.password === true ? "username" : "none";
  const file = join(folder, "danted.conf");
  const bind = options.bind === true ? "bind " : "";
  const rules = [
    ...(options.deniedPort === undefined
      ? []
      : [`socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = ${options.deniedPort} }`]),
    `socks pass {\n from: 127.0.0.0/8 to: 0.0.0.0/0\n command: connect ${bind}udpassociate\n socksmethod: ${method}\n}`,
    `socks pass {\n from: 127.0.0.0/8 to: ::/0\n command: connect\n socksmethod: ${method}\n}`,
    `socks pass {\n from: 0.0.0.0/0 to: 127.0.0.0/8\n command: ${bind === "" ? "" : "bindreply "}udpreply\n}`,
  ];
  await writeFile(
    file,
    [
      "logoutput: stderr",
      `internal: 127.0.0.1 port = ${port}`,
      "external: lo",
      `socksmethod: ${method}`,
      "clientmethod: none",
      "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }",
      ...rules,
      "",
    ].join("\n"),
  );
  const wrapped = options.password === true || options.targetName === true;
  const service = { hosts: options.targetName === true, account: options.password === true };
  const env = wrapped ? await nameServiceEnvironment(folder, service) : {};
  return startServer(scope, port, [programPath("danted"), "-f", file, "-p", join(folder, "pid"), "-N", "1"], { env });
}
