import type { IdentLookup } from "./lookup.ts";
import { SocketTable } from "./socket-table.ts";
import { UserNames } from "./user-names.ts";

/** Where {@link createLinuxLookup} looks. */
export interface LinuxLookupOptions {
  /** Folder with the kernel's files `tcp` and `tcp6`. Default `"/proc/net"`. */
  readonly procNet?: string;
  /** File with the names of users. Default `"/etc/passwd"`. */
  readonly passwd?: string;
}

/**
 * Looks connections up in the socket table of the Linux kernel, and users in `/etc/passwd`. It needs no privilege. It
 * knows the connections of its own network namespace; users that the file does not list have a number only.
 */
export function createLinuxLookup(options: LinuxLookupOptions = {}): IdentLookup {
  const { procNet = "/proc/net", passwd = "/etc/passwd" } = options;
  const table = new SocketTable(procNet);
  const names = new UserNames(passwd);
  return async (connection) => {
    // The kernel gives the table out in pieces, and may skip a line when others come and go in between.
    const uid = (await table.uidOf(connection)) ?? (await table.uidOf(connection));
    if (uid === undefined) return undefined;
    const name = await names.nameOf(uid);
    return name === undefined ? { uid } : { uid, name };
  };
}
