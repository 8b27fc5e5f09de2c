import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A Kerberos realm for a test: a KDC on a free port of the loopback interface, and nothing of the system is touched. */
export interface KerberosRealm {
  /** Folder with everything that belongs to it. */
  readonly folder: string;
  /** What programs find it with; `useRealm` sets it for this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Keytab with the keys of `rcmd/localhost` and `socks/localhost`. */
  readonly serviceKeytab: string;
  /** Keytab with the key of `alice`, whose password is `alicepw`. */
  readonly aliceKeytab: string;
  /** Cache with a ticket of `alice`. */
  readonly ccache: string;
  /** Gives lines to `kadmin.local`. */
  admin(...lines: readonly string[]): Promise<void>;
  /** Runs a program of Kerberos in this realm; gives what it writes. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Ends it, and removes the folder. */
  stop(): Promise<void>;
}

const REALM = "TEST.LOCAL";
const READY_TIMEOUT_MS = 20_000;
const PROGRAMS = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit"];

/** Why no realm can be started here; `undefined` when one can. */
export async function realmProblem(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    const found = await execute("sh", ["-c", `command -v ${program}`], searchPath()).then(
      () => true,
      () => false,
    );
    if (!found) return `${program} is not installed (Debian: krb5-kdc, krb5-admin-server, krb5-user)`;
  }
  return undefined;
}

/** Starts a realm; takes less than a second. */
export async function startRealm(): Promise<KerberosRealm> {
  const folder = await mkdtemp(join(tmpdir(), "sockskit-realm-"));
  const at = (name: string): string => join(folder, name);
  const port = await freePort();
  const env = {
    ...searchPath(),
    KRB5_CONFIG: at("krb5.conf"),
    KRB5_KDC_PROFILE: at("kdc.conf"),
    KRB5CCNAME: `FILE:${at("ccache")}`,
    KRB5_KTNAME: `FILE:${at("service.keytab")}`,
    KRB5RCACHEDIR: folder,
  };
  await writeFile(at("krb5.conf"), clientConfig(port));
  await writeFile(at("kdc.conf"), kdcConfig(folder, port));
  await execute("kdb5_util", ["-r", REALM, "create", "-s", "-P", "masterpw"], env);
  const admin = async (...lines: readonly string[]): Promise<void> => {
    await execute("kadmin.local", ["-r", REALM], env, `${lines.join("\n")}\n`);
  };
  await admin(
    "addprinc -pw alicepw alice",
    "addprinc -randkey rcmd/localhost",
    "addprinc -randkey socks/localhost",
    `ktadd -norandkey -k ${at("alice.keytab")} alice`,
    `ktadd -k ${at("service.keytab")} rcmd/localhost`,
    `ktadd -k ${at("service.keytab")} socks/localhost`,
  );
  const kdc = spawn("krb5kdc", ["-n", "-r", REALM, "-P", at("kdc.pid")], { env, stdio: "ignore" });
  try {
    await ready(kdc, () => execute("kinit", ["-k", "-t", at("alice.keytab"), "alice"], env));
  } catch (error) {
    await end(kdc);
    throw error;
  }
  return {
    folder,
    env,
    serviceKeytab: at("service.keytab"),
    aliceKeytab: at("alice.keytab"),
    ccache: `FILE:${at("ccache")}`,
    admin,
    run: (program, ...args) => execute(program, args, env),
    async stop() {
      await end(kdc);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes a realm that of this process, for libraries that read its environment; gives how to undo that. */
export function useRealm({ env }: Pick<KerberosRealm, "env">): () => void {
  const before = { ...process.env };
  Object.assign(process.env, env);
  return () => {
    for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  };
}

function clientConfig(port: number): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  qualify_shortname = ""
  rdns = false
  udp_preference_limit = 1
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${REALM}
`;
}

function kdcConfig(folder: string, port: number): string {
  return `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${folder}/principal
    key_stash_file = ${folder}/stash
    acl_file = ${folder}/acl
    master_key_type = aes256-cts-hmac-sha1-96
    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
  }
[logging]
  kdc = FILE:${folder}/kdc.log
`;
}

function searchPath(): { readonly PATH: string } {
  return { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function ready(kdc: ChildProcess, attempt: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (kdc.exitCode !== null || performance.now() > until) throw error;
    }
    await delay(30);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

function execute(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { env: { ...process.env, ...env }, timeout: 30_000 },
      (error, out, err) => {
        if (error === null) resolve(`${out}${err}`);
        else reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${out}${err}`));
      },
    );
    // A program that wants nothing may have ended already.
    child.stdin?.on("error", () => undefined).end(input);
  });
}
