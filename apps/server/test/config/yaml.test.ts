import { describe, expect, test } from "vitest";
import { loadText, problemsOf } from "./load-text.ts";

describe("broken and hostile files end in a line each, soon", () => {
  const bomb = (levels: number): string => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < levels; level++) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(", ")}]`);
    }
    return lines.join("\n");
  };
  test.each<[string, string | Uint8Array, string]>([
    ["an open bracket", "listen: [1,\n", "c.yaml:2:1 broken YAML: "],
    ["a tab", "log:\n\tlevel: info\n", "c.yaml:2:1 a tab is used for indentation; expected spaces"],
    ["a key twice", "log: {}\nlog: {}\n", "c.yaml:2:1 this key is in the map twice; expected each key once"],
    ["a key twice, in flow style", "log: { level: info, level: warn }", "c.yaml:1:21 this key is in the map twice"],
    ["a second document", "log: {}\n---\nlog: {}\n", "c.yaml:2:1 a second document begins here; expected one"],
    ["a tag", "engine: !!js/function x", "c.yaml:1:9 a tag; expected plain values"],
    ["a tag of YAML's own", "engine: !!binary eA==", "c.yaml:1:9 a tag; expected plain values"],
    ["YAML 1.1", "%YAML 1.1\n---\nallowOpenProxy: yes\n", "c.yaml:1:1 YAML 1.1 is asked for; expected YAML 1.2"],
    [
      "merge keys",
      "log: &a { level: info }\nlimits: { <<: *a }\n",
      "c.yaml:2:11 limits: merge keys (<<) are not part of YAML 1.2",
    ],
    ["an alias without an anchor", "log: *x", "c.yaml:1:6 log: *x has no anchor &x before it"],
    ["an anchor inside itself", "listen: &a [*a]", "c.yaml:1:12 listen[0]: the anchor is inside itself"],
    ["a list as a key", "? [a]\n: b\n", "c.yaml:1:3 a list, a map or an alias is used as a key; expected a word"],
    ["__proto__", "__proto__: { allowOpenProxy: true }", 'c.yaml:1:1 the key "__proto__" is refused'],
    [
      "constructor",
      "log: { constructor: { prototype: { level: x } } }",
      'c.yaml:1:8 log: the key "constructor" is refused',
    ],
    ["an alias bomb", bomb(30), "too many values; expected at most 100000, each use of an anchor counted"],
    ["dashes", "- ".repeat(100_000), "c.yaml:1:129 too deep; expected at most 64 lists and maps inside each other"],
    ["brackets", "[".repeat(100_000), "c.yaml:1:65 too deep"],
    ["braces over lines", "{a: \n".repeat(10_000), "too deep"],
    ["question marks", "? ".repeat(10_000), "too deep"],
    ["indentation", Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"), "too deep"],
    ["CRLF and a mistake", "log:\r\n  level: x\r\n", 'c.yaml:2:10 log.level: found "x"'],
    ["a BOM and a mistake", "\uFEFFlog: { level: x }", 'c.yaml:1:15 log.level: found "x"'],
    [
      "Latin-1",
      Buffer.from("log:\n  # café\n  level: info\n", "latin1"),
      "c.yaml:2:8 here is something that is not UTF-8",
    ],
    ["UTF-16", Buffer.from("\uFEFFlog: {}", "utf16le"), "c.yaml:1:1 the file is UTF-16; expected UTF-8"],
    ["a cut character", Buffer.from([0x23, 0xe2, 0x82]), "c.yaml:1:2 here is something that is not UTF-8"],
    ["2 MB of nothing", "#".repeat(2_000_000), "c.yaml: the file is longer than 1048576 bytes"],
    ["NUL", "log: { level: \0 }", "c.yaml:1:"],
  ])("%s", async (_, text, expected) => {
    const start = performance.now();
    const problems = await problemsOf(text);
    expect(problems.join("\n")).toContain(expected);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(({} as { allowOpenProxy?: unknown }).allowOpenProxy).toBeUndefined();
  });
});

test.each([
  ["a BOM", "\uFEFFlog: { level: warn }\n"],
  ["CRLF", "log:\r\n  level: warn\r\n"],
  ["JSON", '{"log": {"level": "warn"}}'],
  ["no end of line", "log: {level: warn}"],
  ["a comment with brackets", `# ${"[".repeat(500)}\nlog: { level: warn }`],
  ["an anchor used many times", `limits: { sessions: &n 5, perClient: *n, handshakes: *n }\nlog: { level: warn }`],
  [
    "an anchor that is defined anew",
    `limits: { sessions: &n 6, perClient: &n 5, handshakes: *n }\nlog: { level: warn }`,
  ],
  ["a document mark", "---\nlog: { level: warn }\n...\n"],
])("%s is fine", async (_, text) => {
  const { config } = await loadText(text);
  expect(config.log.level).toBe("warn");
  if (text.includes("*n")) expect(config.limits.handshakes).toBe(5);
});
