import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Owns what was started; gives it back in reverse order, on every path. */
export class Scope {
  readonly #cleanups: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Calls `cleanup` when the scope closes; at once when it is closed already. */
  defer(cleanup: () => unknown): void {
    if (this.#closed === undefined) this.#cleanups.push(cleanup);
    else void cleanup();
  }

  /** A fresh folder that goes away with the scope. */
  async temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "sockskit-"));
    this.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    return folder;
  }

  /** Gives everything back. One failing cleanup does not stop the others. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  async #drain(): Promise<void> {
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        console.error(`clean-up failed: ${String(error)}`);
      }
    }
  }
}
