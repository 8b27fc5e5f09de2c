// Rehearses a release in a copy of the manifests: `changeset version` must accept every changeset, give
// the libraries one version, leave the private packages alone and write a changelog for each release.
// `npm run release:check`.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
}

const root = resolve(import.meta.dirname, "../..");
const config = readJson(join(root, ".changeset/config.json")) as { fixed: string[][] };
const copy = mkdtempSync(join(tmpdir(), "sockskit-release-"));
const problems: string[] = [];

try {
  const before = copyManifests();
  if (globSync(".changeset/*.md", { cwd: copy }).length > 0) version();
  else console.log("no changeset: nothing to release");
  const after = manifests(before.map(({ path }) => path));
  for (const [index, { path, manifest }] of after.entries()) {
    const released = manifest.version !== before[index]?.manifest.version;
    if (manifest.private === true && released) problems.push(`${path}: a private package got a version`);
    if (released && !existsSync(join(copy, dirname(path), "CHANGELOG.md"))) problems.push(`${path}: no changelog`);
    if (released) console.log(`${manifest.name} ${manifest.version}`);
  }
  const libraries = after.filter(({ path, manifest }) => path.startsWith("packages/") && manifest.private !== true);
  const names = libraries.map(({ manifest }) => manifest.name).toSorted();
  if (names.join() !== config.fixed.flat().toSorted().join()) {
    problems.push(`.changeset/config.json: "fixed" must list exactly the libraries: ${names.join(", ")}`);
  }
  const versions = new Set(libraries.map(({ manifest }) => manifest.version));
  if (versions.size > 1) problems.push(`the libraries would get different versions: ${[...versions].join(", ")}`);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function copyManifests(): { path: string; manifest: Manifest }[] {
  const patterns = ["package.json", "*/*/package.json", "*/*/CHANGELOG.md", "pnpm-workspace.yaml", ".changeset/*"];
  const flags = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"];
  const listed = execFileSync("git", [...flags, ...patterns.map((pattern) => `:(glob)${pattern}`)], {
    encoding: "utf8",
  });
  const paths = listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  for (const path of paths) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  return manifests(paths.filter((path) => /^[^/]+\/[^/]+\/package\.json$/.test(path)));
}

function manifests(paths: readonly string[]): { path: string; manifest: Manifest }[] {
  return paths.map((path) => ({ path, manifest: readJson(join(copy, path)) as Manifest }));
}

// The changelog generator is found from the copy and reads commits: it gets our tools and one commit.
function version(): void {
  mkdirSync(join(copy, "node_modules"));
  symlinkSync(join(root, "node_modules/@changesets"), join(copy, "node_modules/@changesets"));
  const git = (...args: string[]): unknown =>
    execFileSync("git", ["-c", "user.name=release", "-c", "user.email=release@localhost", "-C", copy, ...args]);
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all", ".");
  git("commit", "--quiet", "--message=copy");
  execFileSync(join(root, "node_modules/.bin/changeset"), ["version"], {
    cwd: copy,
    stdio: "inherit",
    timeout: 60_000,
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
