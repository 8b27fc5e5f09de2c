import { readFileSync, readdirSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { decodeSocks5Request } from "@sockskit/wire";

const DIST = new URL("../dist/", import.meta.url);

const built = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));

test("the package is built", () => {
  expect(built).toContain("index.js");
  expect(decodeSocks5Request(Uint8Array.of(0x05))).toBeUndefined();
});

test.each(built)("%s uses nothing that only one platform has", (name) => {
  const code = readFileSync(new URL(name, DIST), "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
  expect(code).not.toMatch(/\b(?:node:|require\(|process\.|Buffer[.(]|setTimeout|setInterval|queueMicrotask)/);
  expect(code).not.toMatch(/\b(?:Date\.now|new Date|performance\.|Math\.random|crypto\.|console\.|fetch\()/);
  for (const [, from] of code.matchAll(/\bfrom "([^"]+)"/g)) expect(from).toMatch(/^\.{1,2}\/.+\.js$/);
});

test("octets of another realm are octets", async () => {
  const { encodeMethodRequest } = await import("@sockskit/wire");
  const methods = runInNewContext("Uint8Array.of(0x00)") as Uint8Array;
  expect(methods instanceof Uint8Array).toBe(false);
  expect(encodeMethodRequest({ methods })).toEqual(Uint8Array.of(0x05, 0x01, 0x00));
});
