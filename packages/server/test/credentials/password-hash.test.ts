import { describe, expect, test } from "vitest";
import { canDerive, deriveSync } from "../../src/credentials/derive.ts";
import { formatPasswordHash, parsePasswordHash } from "../../src/credentials/password-hash.ts";
import { hashPassword, verifyPassword } from "../../src/credentials/passwords.ts";

/** From the documentation of passlib 1.7 (`passlib.hash.scrypt`), made by another implementation. */
const PASSLIB = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";
/** From `src/test.c` of the reference implementation of Argon2: `password`, salt `somesalt`, 2 passes, 64 MiB. */
const ARGON2_REFERENCE = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const SALT = "c29tZXNhbHQ";
const HASH = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

describe("PHC strings of others", () => {
  test("scrypt", async () => {
    expect(await verifyPassword("password", PASSLIB)).toBe(true);
    expect(await verifyPassword("passwore", PASSLIB)).toBe(false);
  });

  test("scrypt, the second vector of RFC 7914 section 12", () => {
    const parameters = { algorithm: "scrypt", costLog2: 10, blockSize: 8, parallelism: 16 } as const;
    const derived = deriveSync(parameters, Buffer.from("NaCl"), 64, Buffer.from("password"));
    expect(derived.toString("hex")).toBe(
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162" +
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    );
  });

  test.runIf(canDerive("argon2id"))("argon2id", async () => {
    expect(await verifyPassword("password", ARGON2_REFERENCE)).toBe(true);
    expect(await verifyPassword("passwore", ARGON2_REFERENCE)).toBe(false);
  });

  test.runIf(!canDerive("argon2id"))("argon2id on a Node without it says what it needs", async () => {
    await expect(verifyPassword("password", ARGON2_REFERENCE)).rejects.toMatchObject({
      code: "ERR_SOCKS_HASH_NOT_SUPPORTED",
      message: expect.stringContaining("24.7") as string,
    });
  });
});

describe("own hashes", () => {
  test("are scrypt with ln=15 and a salt of their own", async () => {
    const [first, second] = [await hashPassword("secret"), await hashPassword("secret")];
    expect(first).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(second).not.toBe(first);
    expect(await verifyPassword("secret", first)).toBe(true);
  });

  test.runIf(canDerive("argon2id"))("or Argon2id", async () => {
    const hash = await hashPassword("secret", { algorithm: "argon2id" });
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
    expect(await verifyPassword("secret", hash)).toBe(true);
  });

  test("an octet 00 does not end a password", async () => {
    const hash = await hashPassword("root\0x");
    expect(await verifyPassword("root\0x", hash)).toBe(true);
    expect(await verifyPassword("root", hash)).toBe(false);
    expect(await verifyPassword("root\0y", hash)).toBe(false);
  });

  test("nor is it lost at the end, which scrypt alone does not see", async () => {
    const hash = await hashPassword("root");
    expect(await verifyPassword("root\0", hash)).toBe(false);
    await expect(hashPassword("root\0")).rejects.toMatchObject({ code: "ERR_SOCKS_BAD_OPTION" });
  });

  test("the empty password is a password", async () => {
    const hash = await hashPassword("");
    expect(await verifyPassword("", hash)).toBe(true);
    expect(await verifyPassword("\0", hash)).toBe(false);
  });
});

describe("parsePasswordHash", () => {
  test("keeps what it reads", () => {
    for (const text of [PASSLIB, ARGON2_REFERENCE]) expect(formatPasswordHash(parsePasswordHash(text))).toBe(text);
  });

  test.each([
    ["a password instead of a hash", "hunter2hunter2", "is not a password hash"],
    ["another algorithm", `$2b$12$${HASH}`, "is not a password hash"],
    ["an older Argon2", `$argon2id$v=16$m=65536,t=2,p=1$${SALT}$${HASH}`, "is not a password hash"],
    ["argon2i", `$argon2i$v=19$m=65536,t=2,p=1$${SALT}$${HASH}`, "is not a password hash"],
    ["N of 1", `$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`, "has ln 0; expected 1 to 24"],
    ["too much memory", `$scrypt$ln=24,r=8,p=1$${SALT}$${HASH}`, "octets of memory"],
    ["r of 0", `$scrypt$ln=15,r=0,p=1$${SALT}$${HASH}`, "has r 0"],
    ["p of 17", `$scrypt$ln=15,r=8,p=17$${SALT}$${HASH}`, "has p 17; expected 1 to 16"],
    ["too little memory", `$argon2id$v=19$m=7,t=1,p=1$${SALT}$${HASH}`, "has m 7; expected 8 to"],
    ["a short salt", `$scrypt$ln=15,r=8,p=1$AAAA$${HASH}`, "has length of its salt 3; expected 8 to 64"],
    ["a short hash", `$scrypt$ln=15,r=8,p=1$${SALT}$AAAA`, "has length of its hash 3; expected 16 to 64"],
    ["base64 with spare bits", `$scrypt$ln=15,r=8,p=1$c29tZXNhbHR$${HASH}`, "has a salt that is not base64"],
    ["padding", `$scrypt$ln=15,r=8,p=1$${SALT}=$${HASH}`, "is not a password hash"],
    ["something behind it", `${PASSLIB}\n`, "is not a password hash"],
  ])("refuses %s", (_what, text, problem) => {
    expect(() => parsePasswordHash(text)).toThrow(
      expect.objectContaining({
        code: "ERR_SOCKS_BAD_PASSWORD_HASH",
        message: expect.stringContaining(problem) as string,
      }),
    );
  });

  test("does not repeat what may be a password", () => {
    expect(() => parsePasswordHash("hunter2hunter2")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") as string }),
    );
  });
});
