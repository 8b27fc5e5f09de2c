// Rules about files as such: their names, their length, what no file may mention.
import ts from "typescript";
import { lineAt, type Files, type Problem, type Rule } from "./problem.ts";

const LONGEST_FILE = 400;
const CODE = /(\.(ts|mjs|js|c|h|sh|py)|^\.ci\/run)$/;
const VAGUE_NAME = /(^|[-.])(utils?|helpers?|common|misc|manager|stuff|data2)([-.]|$)/i;
const PLAIN_NAME = /^[a-z0-9]+([-.][a-z0-9]+)*$/;
const USUAL_CAPITALS = /^(README|CHANGELOG|CONTRIBUTING|SECURITY|LICENSE)(\.md)?$/;
const MACHINE_PATH = /(?<![\w.~-])\/(?:work|root|Users|home)\/[\w.-]+|\.\.\/shared\//g;
const WIRE_MESSAGE = /^packages\/wire\/src\/(socks4|socks5|udp|attributes|maf|proxy-protocol|http-connect)\/.+\.ts$/;
const SPECIFICATION = /RFC \d{4}|SOCKS ?4A?\b|draft-ietf-aft-socks-|PROXY protocol/;
const CORE_BUILD = /^packages\/(wire|url|auth|handshake|policy)\/dist\/.+\.js$/;
const CORE_IMPORT = /^(\.\.?\/|@sockskit\/(wire|url|auth|handshake|policy)$)/;

/** File names say what is inside: kebab-case, after the concept. */
export const fileNames: Rule = function* (files: Files) {
  for (const path of files.keys()) {
    if (isBuilt(path)) continue;
    const name = path.split("/").at(-1) ?? "";
    if (VAGUE_NAME.test(name)) yield problem(path, 1, "vague-name", "name the file after the concept it holds");
    if (name.startsWith(".") || PLAIN_NAME.test(name) || USUAL_CAPITALS.test(name)) continue;
    yield problem(path, 1, "kebab-case", "write the file name in kebab-case");
  }
};

/** No source is so long that one cannot keep it in mind. */
export const fileLength: Rule = function* (files: Files) {
  for (const [path, text] of files) {
    if (isBuilt(path) || !CODE.test(path)) continue;
    const lines = text.trimEnd().split("\n").length;
    if (lines > LONGEST_FILE) yield problem(path, lines, "long-file", `${lines} lines; at most ${LONGEST_FILE}`);
  }
};

/** Nothing names a place that exists on one machine only. */
export const machinePaths: Rule = function* (files: Files) {
  for (const [path, text] of files) {
    if (isBuilt(path)) continue;
    for (const match of text.matchAll(MACHINE_PATH)) {
      yield problem(path, lineAt(text, match.index), "machine-path", `"${match[0]}" exists on one machine only`);
    }
  }
};

/** Every message file of `wire` says where its octets are specified. */
export const wireReferences: Rule = function* (files: Files) {
  for (const [path, text] of files) {
    if (WIRE_MESSAGE.test(path) && !SPECIFICATION.test(text)) {
      yield problem(path, 1, "rfc-reference", "name the document and section that specify this message");
    }
  }
};

/** What is published of the core and protocol layers runs without Node. */
export const builtCore: Rule = function* (files: Files) {
  let built = 0;
  for (const [path, text] of files) {
    if (!CORE_BUILD.test(path)) continue;
    built += 1;
    for (const { fileName, pos } of ts.preProcessFile(text, true, true).importedFiles) {
      if (CORE_IMPORT.test(fileName)) continue;
      yield problem(path, lineAt(text, pos), "core-import", `the built file imports "${fileName}"`);
    }
  }
  if (built === 0) yield problem("packages", 1, "core-import", "nothing is built yet; run npm run build");
};

function isBuilt(path: string): boolean {
  return path.includes("/dist/");
}

function problem(file: string, line: number, rule: string, message: string): Problem {
  return { file, line, rule, message };
}
