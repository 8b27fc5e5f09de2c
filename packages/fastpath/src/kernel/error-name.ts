import { getSystemErrorName } from "node:util";

/** @internal The name of an error number of this system, such as `ECONNREFUSED`. */
export function errorName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : "UNKNOWN";
}
