/**
 * Entry point of a hashing thread: one job at a time, one answer for each.
 */
import { timingSafeEqual } from "node:crypto";
import { type MessagePort, parentPort } from "node:worker_threads";
import { deriveSync, isAmbiguous } from "./derive.ts";
import type { PasswordHash } from "./password-hash.ts";

/** What a hashing thread is asked. */
export interface HashRequest {
  readonly hash: PasswordHash;
  readonly password: Uint8Array;
}

const port = parentPort as MessagePort;

port.on("message", ({ hash, password }: HashRequest) => {
  const { parameters, salt, digest } = hash;
  const derived = deriveSync(parameters, salt, digest.length, password);
  const matched = timingSafeEqual(derived, digest) && !isAmbiguous(parameters.algorithm, password);
  password.fill(0);
  port.postMessage(matched);
});
