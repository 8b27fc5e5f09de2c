import { chmodSync, chownSync, lstatSync, mkdtempSync, renameSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import net from "node:net";
import { dirname, join } from "node:path";
import { ServerError } from "../errors.ts";

/** A Unix socket as it is meant to be. */
export interface UnixSocketPlan {
  readonly path: string;
  readonly mode: number;
  readonly group: number | undefined;
}

/** Octets of a path: `sun_path` of Linux without the NUL behind it. */
const MAX_UNIX_PATH_LENGTH = 107;
/** A socket is made in a folder of this name beside its place; six letters are added. */
const WORKSHOP = ".socks-";
const WORKPIECE = "s";
/** Octets of the folder that a socket is in: what `/.socks-XXXXXX/s` leaves of a path. */
const MAX_UNIX_FOLDER_LENGTH = 91;

/** Says what is wrong with a path; `undefined` for nothing. */
export function unixPathProblem(path: unknown): string | undefined {
  if (typeof path !== "string" || path === "" || path.endsWith("/")) return "expected the path of a socket";
  if (path.includes("\0")) return "there is a NUL in the path; expected that of a file";
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_LENGTH) {
    return `the path is longer than the ${MAX_UNIX_PATH_LENGTH} octets that a socket can have; choose a shorter one`;
  }
  if (Buffer.byteLength(dirname(path)) <= MAX_UNIX_FOLDER_LENGTH) return undefined;
  return `the folder is longer than the ${MAX_UNIX_FOLDER_LENGTH} octets that are left for it; choose one with a shorter path`;
}

/**
 * Has a server listen on a Unix socket. The socket is made where nobody else can reach it, gets its group and permissions
 * there, and then takes its place: at no time it is open to more than it should be, or there without being listened on.
 *
 * @returns What removes it, unless somebody else has taken the place meanwhile.
 * @throws ServerError `ERR_SOCKS_LISTEN_FAILED`.
 */
export async function listenOnUnixSocket(
  server: net.Server,
  plan: UnixSocketPlan,
  backlog: number,
): Promise<() => void> {
  const { path } = plan;
  await requireFree(path);
  let workshop: string | undefined;
  try {
    workshop = mkdtempSync(join(dirname(path), WORKSHOP));
    const workpiece = join(workshop, WORKPIECE);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: workpiece, backlog }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    setAccess(workpiece, plan);
    renameSync(workpiece, path);
    const made = lstatSync(path);
    return () => remove(path, made);
  } catch (cause) {
    server.close();
    throw listenFailed(path, cause as NodeJS.ErrnoException);
  } finally {
    if (workshop !== undefined) rmdirSync(workshop);
  }
}

/** Gives a socket its group and permissions; the group first, which is not to have those of another. */
export function setAccess(path: string, { mode, group }: Pick<UnixSocketPlan, "mode" | "group">): void {
  chmodSync(path, 0o600);
  if (group !== undefined) chownSync(path, -1, group);
  chmodSync(path, mode);
}

/** A socket that is left over may be replaced; everything else is somebody's. */
async function requireFree(path: string): Promise<void> {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw failed(path, "there is a file that is no socket; remove it or choose another path", "EEXIST");
  }
  const code = await codeOfConnecting(path);
  if (code === "ECONNREFUSED" || code === "ENOENT") return;
  const advice = "another program listens there already; stop it or choose another path";
  throw failed(path, code === undefined ? advice : `there is a socket that may be in use (${code})`, "EADDRINUSE");
}

/** The error of connecting to a socket; `undefined` when somebody listens there. */
function codeOfConnecting(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "no code"));
  });
}

function remove(path: string, made: Stats): void {
  const found = statOf(path);
  if (found?.ino === made.ino && found.dev === made.dev) unlinkSync(path);
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: "the folder does not exist; make it first",
  EACCES: "this user may not make files in that folder; choose another one, or give the program the right to",
  EPERM: "this user may not give the socket that group; expected one that the user is in",
  EROFS: "that folder cannot be written to",
};

function listenFailed(path: string, cause: NodeJS.ErrnoException): ServerError {
  return failed(path, ADVICE[cause.code ?? ""] ?? cause.message, cause.code ?? "no code", cause);
}

function failed(path: string, problem: string, code: string, cause?: Error): ServerError {
  const message = `cannot listen on unix:${path}: ${problem} (${code})`;
  return new ServerError("ERR_SOCKS_LISTEN_FAILED", message, cause === undefined ? {} : { cause });
}
