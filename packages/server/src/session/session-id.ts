/** The number that the last session of this process got; other threads count in it as well. */
export const lastSessionId: BigInt64Array = new BigInt64Array(new SharedArrayBuffer(8));

/** A number for a new session. */
export function nextSessionId(): number {
  return Number(Atomics.add(lastSessionId, 0, 1n) + 1n);
}
