// Packs every published package and looks at the tarball the way npm, bundlers, compilers and users
// will. `npm run publish:check`.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { manifestProblems, type Manifest } from "./publish/manifest-rules.ts";
import { compareFiles, expectedFiles } from "./publish/packed-files.ts";

interface Packed {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly tarball: string;
}

const root = resolve(import.meta.dirname, "../..");
const bin = join(root, "node_modules/.bin");
const scratch = mkdtempSync(join(tmpdir(), "sockskit-publish-"));
let failures = 0;

try {
  const packages = publishedPackages();
  for (const found of packages) {
    report(found.manifest.name, [
      ...manifestProblems(found.manifest, found.directory),
      ...pack(found),
      ...(await lintPackage(found)),
      ...resolveTypes(found),
    ]);
  }
  report("installed from the tarballs", install(packages));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;

function publishedPackages(): Packed[] {
  return globSync(["packages/*/package.json", "apps/*/package.json"], { cwd: root })
    .toSorted()
    .map((path) => {
      const directory = path.replace(/\/package\.json$/, "");
      const manifest = JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
      return { directory, manifest, tarball: join(scratch, `${manifest.name.replace("/", "-")}.tgz`) };
    })
    .filter(({ manifest }) => manifest.private !== true);
}

function report(subject: string, problems: readonly string[]): void {
  failures += problems.length;
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${subject}`);
  for (const problem of problems) console.log(`       ${problem}`);
}

function pack({ directory, manifest, tarball }: Packed): string[] {
  const folder = join(root, directory);
  const packed = run("pnpm", ["pack", "--json", "--out", tarball], folder);
  if (packed.status !== 0) return [`pnpm pack failed: ${packed.output}`];
  const listed = JSON.parse(packed.stdout) as { files: readonly { path: string }[] };
  const programs = Object.values(manifest.bin ?? {}).map((path) => path.replace(/^\.\//, ""));
  // Entries of "files" that are files, and the changelog, which exists from the first release on.
  const named = ["CHANGELOG.md", ...(manifest.files ?? [])].filter((file) => isFile(join(folder, file)));
  const expected = expectedFiles(globSync("src/**/*.ts", { cwd: folder }), [
    "LICENSE",
    "README.md",
    "package.json",
    ...named,
    ...programs,
  ]);
  return compareFiles(
    listed.files.map((file) => file.path),
    expected,
  );
}

async function lintPackage({ tarball }: Packed): Promise<string[]> {
  const bytes = readFileSync(tarball);
  const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: content } });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

function resolveTypes({ tarball }: Packed): string[] {
  const { status, output } = run(
    "attw",
    ["--profile", "esm-only", "--format", "ascii", "--no-color", tarball],
    scratch,
  );
  return status === 0 ? [] : [`attw: ${output}`];
}

// A user's project: every tarball installed by npm, every package loaded both ways, every program started.
function install(packages: readonly Packed[]): string[] {
  const project = join(scratch, "project");
  mkdirSync(project);
  const dependencies = Object.fromEntries(packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]));
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module", dependencies }),
  );
  const installed = run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], project);
  if (installed.status !== 0) return [`npm install failed: ${installed.output}`];
  return packages.flatMap(({ manifest }) => {
    const names = manifest.exports === undefined ? [] : [manifest.name];
    const loads = names.flatMap((name) => [
      `await import("${name}")`,
      `process.getBuiltinModule("module").createRequire(process.cwd() + "/a.js")("${name}")`,
    ]);
    const results = [
      ...loads.map((code) => run("node", ["--input-type=module", "-e", code], project)),
      ...Object.keys(manifest.bin ?? {}).map((name) =>
        run(join(project, "node_modules/.bin", name), ["--version"], project),
      ),
    ];
    return results.filter(({ status }) => status !== 0).map(({ output }) => `${manifest.name}: ${output}`);
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function run(command: string, args: string[], cwd: string): { status: number | null; stdout: string; output: string } {
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: 120_000 });
  return { status, stdout: stdout ?? "", output: `${stdout ?? ""}${stderr ?? ""}`.trim() };
}
