import { createHash } from "node:crypto";

/** MD5 of Node. */
export function md5(data: Uint8Array): Uint8Array {
  return createHash("md5").update(data).digest();
}
