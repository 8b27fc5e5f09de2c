import { hashPassword } from "@sockskit/server";
import { UsageError } from "../errors.ts";
import { readHidden, readStandardInput } from "./password-input.ts";

/** Longest password: PLEN is one octet, RFC 1929 section 2. */
const MAX_PASSWORD_BYTES = 255;

/** `sockskitd passwd`: reads a password and prints its hash. */
export async function passwd(algorithm: string): Promise<void> {
  if (algorithm !== "scrypt" && algorithm !== "argon2id") {
    throw new UsageError(`--algorithm ${JSON.stringify(algorithm)}: expected scrypt or argon2id`);
  }
  const password = process.stdin.isTTY ? await readTwice() : await readStandardInput(MAX_PASSWORD_BYTES + 2);
  if (password.length === 0) throw new UsageError("the password is empty; expected 1 to 255 bytes");
  if (password.length > MAX_PASSWORD_BYTES)
    throw new UsageError("the password is longer than 255 bytes; SOCKS cannot carry it");
  process.stdout.write(`${await hashPassword(password, { algorithm })}\n`);
}

async function readTwice(): Promise<Buffer> {
  const [password, again] = (await readHidden(["Password: ", "Again: "])) as [Buffer, Buffer];
  if (!password.equals(again)) throw new UsageError("the two passwords differ; nothing was hashed");
  return password;
}
