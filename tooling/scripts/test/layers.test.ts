import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const scratch: string[] = [];

afterEach(() => {
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("layers", () => {
  test("every workspace package has one layer, every library its own rule", () => {
    const { boundaries: rules } = readJson(join(root, "turbo.json")) as { boundaries: { tags: object } };
    for (const manifest of trackedFiles("*/*/package.json")) {
      const { tags } = readJson(join(root, dirname(manifest), "turbo.json")) as { tags: string[] };
      expect.soft(tags.filter((tag) => tag.startsWith("layer:")).length, manifest).toBe(1);
      const isLibrary = manifest.startsWith("packages/") && !tags.includes("layer:test");
      const own = `pkg:${manifest.split("/")[1]}`;
      if (isLibrary) expect.soft(Object.keys(rules.tags), manifest).toContain(own);
      if (isLibrary) expect.soft(tags, manifest).toContain(own);
    }
  });

  test("an untouched copy passes", () => {
    expect(boundaries(copyOfWorkspace())).toEqual({ status: 0, output: expect.stringContaining("no issues found") });
  });

  test.each([
    ["client", "@sockskit/server"],
    ["server", "@sockskit/client"],
    ["dial", "@sockskit/client"],
    ["dial", "@sockskit/policy"],
    ["identd", "@sockskit/dial"],
    ["auth-gssapi", "@sockskit/dial"],
    ["policy", "@sockskit/auth"],
    ["auth", "@sockskit/url"],
    ["wire", "@sockskit/auth"],
    ["testing", "@sockskit/wire"],
  ])("%s may not depend on %s", (name, dependency) => {
    const copy = copyOfWorkspace();
    const path = join(copy, "packages", name, "package.json");
    const manifest = readJson(path) as { dependencies?: Record<string, string> };
    writeFileSync(
      path,
      JSON.stringify({ ...manifest, dependencies: { ...manifest.dependencies, [dependency]: "workspace:^" } }),
    );
    const { status, output } = boundaries(copy);
    expect(output).toMatch(
      new RegExp(
        `Package \`${dependency}\` found without any tag listed in allowlist for\\s+\\| \`@sockskit/${name}\``,
      ),
    );
    expect(status).toBe(1);
  });

  test("an import needs a declared dependency and stays inside its package", () => {
    const copy = copyOfWorkspace();
    mkdirSync(join(copy, "packages/client/src"), { recursive: true });
    writeFileSync(
      join(copy, "packages/client/src/planted.ts"),
      'import "@sockskit/policy";\nimport "../../server/src/index.ts";\n',
    );
    const { status, output } = boundaries(copy);
    expect(output).toContain("cannot import package `@sockskit/policy` because it is not a dependency");
    expect(output).toContain("import `../../server/src/index.ts` leaves the package");
    expect(status).toBe(1);
  });
});

// The manifests and layer rules without the sources: enough for the checker, and quick to copy.
function copyOfWorkspace(): string {
  const copy = mkdtempSync(join(tmpdir(), "sockskit-layers-"));
  scratch.push(copy);
  for (const file of ["turbo.json", "*/*/turbo.json", "package.json", "*/*/package.json", "pnpm-*.yaml"].flatMap(
    trackedFiles,
  )) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  execFileSync("git", ["init", "--quiet", copy]);
  return copy;
}

function trackedFiles(pattern: string): string[] {
  const flags = ["-C", root, "ls-files", "-z", "--", `:(glob)${pattern}`];
  return execFileSync("git", flags, { encoding: "utf8" }).split("\0").filter(Boolean);
}

function boundaries(folder: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/turbo"), ["boundaries"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", TURBO_TELEMETRY_DISABLED: "1" },
    timeout: 15_000,
  });
  return { status, output: stdout + stderr };
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
