import { open } from "node:fs/promises";

/** Largest file of users that is read; in a larger one users have numbers only. */
const MAX_USERS_FILE_BYTES = 16 * 1024 * 1024;

/** Names of users by their number, from a file like `/etc/passwd`, read again when it has changed. */
export class UserNames {
  readonly #path: string;
  #names: ReadonlyMap<number, string> = new Map();
  #version = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** Name of a user, or `undefined` when the file has none. */
  async nameOf(uid: number): Promise<string | undefined> {
    await this.#refresh();
    return this.#names.get(uid);
  }

  async #refresh(): Promise<void> {
    let file;
    try {
      file = await open(this.#path);
      const { ino, size, mtimeMs } = await file.stat();
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === this.#version) return;
      this.#names = size > MAX_USERS_FILE_BYTES ? new Map() : parseUsers(await file.readFile("utf8"));
      this.#version = version;
    } catch {
      // Without the file there are numbers; a file that comes later is read then.
      this.#names = new Map();
      this.#version = "";
    } finally {
      await file?.close();
    }
  }
}

/** `name:password:uid:...` on each line; the first name of a number is its name. */
function parseUsers(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name = "", , uid = ""] = line.split(":", 3);
    if (name !== "" && /^\d{1,10}$/.test(uid) && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
