import { readdirSync } from "node:fs";

/** Number of open file descriptors of a process, by default this one; `undefined` where the system does not tell. */
export function openDescriptors(pid: number = process.pid): number | undefined {
  try {
    const count = readdirSync(`/proc/${pid}/fd`).length;
    // Reading the directory takes a descriptor itself.
    return pid === process.pid ? count - 1 : count;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && process.platform !== "linux") return undefined;
    throw error;
  }
}
