import { mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../harness/port.ts";
import { runToEnd } from "../harness/process.ts";
import type { Scope } from "../harness/scope.ts";
import { nameServiceEnvironment } from "./names.ts";
import { programPath, startServer, type PeerOptions, type ServerPeer } from "./server-peer.ts";

/** An sshd of our own, with keys that live as long as it does. */
export interface SshServer extends ServerPeer {
  /** Arguments of `ssh` up to and including the host name, to log in at this server. */
  readonly login: readonly string[];
}

/** Starts sshd for the current user on a loopback port: own host key, own client key, no system file touched. */
export async function startSshd(scope: Scope, options: PeerOptions = {}): Promise<SshServer> {
  const folder = await scope.temporaryFolder();
  const port = await freePort();
  // Run by root, sshd insists on this empty folder; packages let the service manager make it.
  if (process.getuid?.() === 0 && !existsSync("/run/sshd")) await mkdir("/run/sshd", { mode: 0o755 });
  for (const name of ["host", "user"]) {
    await runToEnd({ argv: ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, name)] });
  }
  const settings = {
    ListenAddress: `127.0.0.1:${port}`,
    HostKey: join(folder, "host"),
    AuthorizedKeysFile: join(folder, "user.pub"),
    StrictModes: "no",
    UsePAM: "no",
    PidFile: "none",
    PermitRootLogin: "yes",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    AllowTcpForwarding: "yes",
    MaxStartups: "100",
    Subsystem: "sftp internal-sftp",
  };
  const file = join(folder, "sshd_config");
  await writeFile(
    file,
    `${Object.entries(settings)
      .map(([key, value]) => `${key} ${value}`)
      .join("\n")}\n`,
  );
  const env = options.targetName === true ? await nameServiceEnvironment(folder, { hosts: true }) : {};
  const peer = await startServer(scope, port, [programPath("sshd"), "-D", "-e", "-f", file], { env });
  const settingsOfClient = {
    Port: port,
    User: userInfo().username,
    IdentityFile: join(folder, "user"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: join(folder, "known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "no",
    BatchMode: "yes",
    LogLevel: "ERROR",
    ServerAliveInterval: 30,
  };
  const flags = Object.entries(settingsOfClient).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  return { ...peer, login: ["-F", "none", ...flags, "127.0.0.1"] };
}

/** `ssh -D`: OpenSSH's SOCKS server, forwarding through an sshd of our own. */
export async function startSshDynamic(scope: Scope, options: PeerOptions = {}): Promise<ServerPeer> {
  const server = await startSshd(scope, options);
  const port = await freePort();
  return startServer(scope, port, [
    "ssh",
    "-N",
    "-D",
    `127.0.0.1:${port}`,
    "-o",
    "ExitOnForwardFailure=yes",
    ...server.login,
  ]);
}
