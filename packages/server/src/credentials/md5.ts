import { createHash } from "node:crypto";

/** MD5, which CHAP is made of. */
export function md5(data: Uint8Array): Uint8Array {
  return createHash("md5").update(data).digest();
}
