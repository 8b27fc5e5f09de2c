import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@sockskit/client";
import { ACCOUNT } from "./account.ts";

/**
 * A name that leads to 127.0.0.1 for the servers of the suite and for nobody else: a client that resolves it
 * by itself fails.
 */
export const TARGET_NAME = "target.test";

/** What a server gets to see instead of the system's databases. */
export interface NameService {
  /** {@link TARGET_NAME} resolves. */
  readonly hosts?: boolean;
  /** {@link ACCOUNT} exists: Dante checks the passwords of system accounts. */
  readonly account?: boolean;
}

/** SHA-512 crypt, as in shadow(5), of the account's password. */
const PASSWORD_HASH =
  "$6$sockskit$AUSvAg.PBHIP7RfIQEk8kF..VbEjfZAE3BIGE7BYJENTH8dx6HGQKdz.eW2zs0/EVES6pLAMLyESmlRHZhzfI/";

/** Environment of a process that asks nss_wrapper for names and accounts; its files are put into `folder`. */
export async function nameServiceEnvironment(folder: string, service: NameService): Promise<Record<string, string>> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const files: Record<string, string> = {};
  if (service.hosts === true) files["NSS_WRAPPER_HOSTS"] = `127.0.0.1 ${TARGET_NAME}\n127.0.0.1 localhost\n`;
  if (service.account === true) {
    files["NSS_WRAPPER_PASSWD"] =
      `${ACCOUNT.username}:x:${uid}:${gid}::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n`;
    files["NSS_WRAPPER_SHADOW"] = `${ACCOUNT.username}:${PASSWORD_HASH}:19000:0:99999:7:::\n`;
    files["NSS_WRAPPER_GROUP"] = "root:x:0:\nnogroup:x:65534:\n";
  }
  const env: Record<string, string> = { LD_PRELOAD: "libnss_wrapper.so" };
  for (const [variable, text] of Object.entries(files)) {
    const path = join(folder, variable);
    await writeFile(path, text, { mode: 0o600 });
    env[variable] = path;
  }
  return env;
}

/**
 * Lets a server look {@link TARGET_NAME} up once. nss_wrapper loads its files at the first look-up, and when two
 * threads are first together one of them now and then finds nothing.
 */
export async function lookUpOnce(proxyPort: number, password: boolean): Promise<void> {
  const userinfo = password ? `${ACCOUNT.username}:${ACCOUNT.password}@` : "";
  const attempt = connect({
    proxy: `socks5h://${userinfo}127.0.0.1:${proxyPort}`,
    target: { host: TARGET_NAME, port: 1 },
  });
  await attempt.then(
    (socket) => socket.destroy(),
    () => {}, // nobody listens on port 1; the name was looked up all the same
  );
}
