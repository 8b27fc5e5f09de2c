import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// The runner in a repository of its own whose tools are small shell scripts. Its path has a space in it.
let root = "";

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "sockskit-run-")), "a clone");
  for (const folder of ["tooling/scripts", "node_modules/.bin", "path", "packages/wire"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  const runner = resolve(import.meta.dirname, "../run.mjs");
  cpSync(runner, join(root, "tooling/scripts/run.mjs"));
  write("package.json", '{ "packageManager": "pnpm@1.2.3" }');
  write("packages/wire/package.json", "{}");
  tool("path/npx", 'echo "npx $*"; echo x >> npx-calls; exit "${NPX_STATUS:-0}"');
  tool("node_modules/.bin/turbo", 'echo "turbo $*"; exit "${TURBO_STATUS:-0}"');
  tool("node_modules/.bin/job", 'echo "job $*"');
});

afterEach(() => rmSync(join(root, ".."), { recursive: true, force: true }));

describe("a fresh clone", () => {
  test("is installed once, and again when a manifest changed", async () => {
    await run(["job"]);
    await run(["job"]);
    expect(calls()).toBe(1);
    write("packages/wire/package.json", '{ "version": "1.0.0" }');
    await run(["job"]);
    expect(calls()).toBe(2);
  });

  test("asks for the pinned pnpm and the locked versions", async () => {
    const { stderr } = await run(["job"]);
    expect(stderr).toMatch(/^npx --yes .*pnpm@1\.2\.3 install --frozen-lockfile /m);
  });

  test("says what to do when the install fails, and tries again next time", async () => {
    const first = await run(["job"], { NPX_STATUS: "7" });
    expect(first).toMatchObject({ status: 1, stdout: "" });
    expect(first.stderr).toContain("the dependencies could not be installed (exit status 7)");
    expect(first.stderr).toContain("npm config get registry");
    await run(["job"]);
    expect(calls()).toBe(2);
  });

  test("says so when npx is missing", async () => {
    rmSync(join(root, "path/npx"));
    const { status, stderr } = await run(["job"], { PATH: join(root, "path") });
    expect(status).toBe(1);
    expect(stderr).toContain("cannot start npx");
  });
});

describe("the command", () => {
  test("gets its arguments and owns standard output", async () => {
    expect(await run(["job", "--listen", "127.0.0.1:0", "two words", "$HOME"])).toMatchObject({
      status: 0,
      stdout: "job --listen 127.0.0.1:0 two words $HOME\n",
    });
  });

  test("finds the repository's own tools first", async () => {
    tool("path/job-tool", "echo outside");
    tool("node_modules/.bin/job-tool", "echo own");
    tool("node_modules/.bin/job", "job-tool");
    expect(await run(["job"])).toMatchObject({ stdout: "own\n" });
  });

  test("is not run when the build failed, whose output is shown", async () => {
    const { status, stdout, stderr } = await run(["job"], { TURBO_STATUS: "3" });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("turbo run build");
    expect(stderr).toContain("the build failed (exit status 3)");
  });

  test("runs without a build when asked to", async () => {
    expect(await run(["--no-build", "job"], { TURBO_STATUS: "3" })).toMatchObject({ status: 0, stdout: "job \n" });
  });

  test("decides the exit status", async () => {
    tool("node_modules/.bin/job", "exit 42");
    expect(await run(["job"])).toMatchObject({ status: 42 });
    tool("node_modules/.bin/job", "kill -9 $$");
    expect(await run(["job"])).toMatchObject({ status: 137 });
  });

  test("that does not exist is named", async () => {
    const { status, stderr } = await run(["nothing"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot start .*nothing/);
  });

  // Not on a terminal, so that no signal reaches the command by itself.
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("is told of %s, and its status counts", async (signal) => {
    tool(
      "node_modules/.bin/job",
      `trap 'echo got; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`,
    );
    const child = start(["job"]);
    const result = collect(child);
    await once(child.stdout ?? child, "data");
    child.kill(signal);
    expect(await result).toMatchObject({ status: 5, stdout: "ready\ngot\n" });
  });
});

test("the command ends with npm, whose end reaches no script", async () => {
  tool("node_modules/.bin/job", "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
  write(
    "npm.mjs",
    `
    import { spawn } from "node:child_process";
    spawn("sh", ["-c", '"$NODE" tooling/scripts/run.mjs job; exit $?'], { stdio: "inherit" });
  `,
  );
  const child = start([], { NODE: process.execPath, npm_lifecycle_event: "start" }, "npm.mjs");
  const result = collect(child);
  await once(child.stdout ?? child, "data");
  // npm and its shell die; the runner hears nothing of it.
  const shells = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
  for (const pid of [...shells, child.pid]) process.kill(Number(pid), "SIGKILL");
  expect(await result).toMatchObject({ stdout: "ready\ngot\n" });
});

test("a signal during the install stops everything", async () => {
  tool("path/npx", "echo installing; exec sleep 30");
  const child = start(["job"]);
  const result = collect(child);
  await once(child.stderr ?? child, "data");
  child.kill("SIGTERM");
  expect(await result).toMatchObject({ status: 143, stdout: "" });
  expect(existsSync(join(root, "node_modules/.sockskit-install"))).toBe(false);
});

function start(args: string[], changes: Record<string, string> = {}, script = "tooling/scripts/run.mjs"): ChildProcess {
  const { npm_execpath: _, npm_lifecycle_event: __, ...inherited } = process.env;
  const env = { ...inherited, PATH: `${join(root, "path")}:${process.env["PATH"]}`, ...changes };
  // A session of its own: the tests may run on a terminal.
  return spawn(process.execPath, [script, ...args], { cwd: root, env, detached: true });
}

async function collect(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => (text.stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (text.stderr += String(chunk)));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...text };
}

function run(args: string[], changes?: Record<string, string>): ReturnType<typeof collect> {
  return collect(start(args, changes));
}

function calls(): number {
  return readFileSync(join(root, "npx-calls"), "utf8").trim().split("\n").length;
}

function tool(path: string, script: string): void {
  write(path, `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, path), 0o755);
}

function write(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}
