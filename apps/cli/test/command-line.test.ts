import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, describe, expect, test } from "vitest";

import * as cli from "../src/index.ts";
import { run, stopAll } from "./run-sockskit.ts";

const EXECUTABLE = fileURLToPath(new URL("../bin/sockskit.js", import.meta.url));
/** The program of util-linux that runs a command on a terminal of its own. */
const TERMINAL_MAKER = "script";
const COMMANDS = ["connect", "fetch", "probe", "forward", "bind", "udp", "resolve", "serve", "identd"];

afterAll(stopAll);

test("the public surface", () => {
  expect(Object.keys(cli).toSorted()).toEqual(["EXIT_STATUS", "run"]);
});

describe("the command line", () => {
  test("--version is that of the package", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    for (const flag of ["--version", "-V"]) {
      expect(await run([flag])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: "" });
    }
  });

  test("--version starts at once, because it loads next to nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sockskit-"));
    try {
      const hook = join(folder, "hook.mjs");
      writeFileSync(
        hook,
        `import { registerHooks } from "node:module";
         registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context); } });`,
      );
      const { stderr } = await run(["--version"], { env: { NODE_OPTIONS: `--import ${hook}` } });
      const loaded = stderr.split("\n").filter((url) => url.startsWith("file:"));
      expect(loaded.length).toBeGreaterThan(2);
      expect(loaded.filter((url) => !url.includes("/apps/cli/"))).toEqual([]);
      expect(loaded.filter((url) => url.includes("/commands/") || url.includes("program"))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      spawnSync(process.execPath, [EXECUTABLE, "--version"]);
      return performance.now() - start;
    });
    // It takes about 40 ms; the limit only notices that the design broke.
    expect(Math.min(...times)).toBeLessThan(500);
  });

  test.each(["22.17.1", "23.11.0", "24.10.0", "25.1.0"])(
    "Node %s is refused before anything is loaded",
    async (node) => {
      const folder = mkdtempSync(join(tmpdir(), "sockskit-"));
      try {
        const hook = join(folder, "hook.mjs");
        writeFileSync(
          hook,
          `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${node}" } });`,
        );
        expect(await run(["--version"], { env: { NODE_OPTIONS: `--import ${hook}` } })).toEqual({
          status: 2,
          stdout: "",
          stderr: `sockskit: this is Node ${node}; expected 22.18, 24.11, 26 or newer\n`,
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  test("--help lists the commands, examples and statuses", async () => {
    const { status, stdout, stderr } = await run(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(stdout).toContain("Examples:\n");
    expect(stdout).toContain("Exit status:");
  });

  test.each(COMMANDS)("%s --help has examples", async (command) => {
    const { status, stdout, stderr } = await run([command, "--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect((await run(["help", command])).stdout).toBe(stdout);
    expect(stdout).toContain("Examples:\n");
    expect(stdout.split("Examples:\n")[1]).toContain(`sockskit ${command}`);
  });

  test.each(COMMANDS)("an error of %s begins with its name", async (command) => {
    const { status, stderr } = await run([command, "--no-such-option"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(`^sockskit ${command}: unknown option`));
  });

  test.each(["run", "gateway", "decode", "check", "explain"])(
    "%s is not supported yet, and says so",
    async (command) => {
      expect(await run([command, "x"])).toEqual({
        status: 2,
        stdout: "",
        stderr: `sockskit ${command}: the command "${command}" is not supported yet [ERR_SOCKS_NOT_SUPPORTED_YET]\n`,
      });
    },
  );

  test.each([
    [[], "no command given"],
    [["conect"], "Did you mean connect?"],
    [["connect"], "missing required argument"],
    [["connect", "-x"], "argument missing"],
    [["connect", "a:1", "b:1"], "too many arguments"],
    [["connect", "--no-such-option", "a:1"], "unknown option"],
    [["connect", "--timeout", "30", "a:1"], "is no duration"],
    [["connect", "--timeout", "0s", "a:1"], "is no duration"],
    [["connect", "--timeout", "1000h", "a:1"], "is no duration"],
    [["fetch", "--max-redirs", "-1", "http://h"], "is no number"],
    [["fetch", "-x", "socks5h://h", "ftp://h/"], "only http and https"],
    [["fetch", "-x", "socks5h://h", "http://"], "is no URL"],
    [["fetch", "-x", "socks5h://h", "http://0x7f.1/"], "neither a host name nor an IP address"],
    [["fetch", "-x", "socks5h://h", "http://2130706433/"], "neither a host name nor an IP address"],
    [["fetch", "-x", "socks5h://h", "http://u:%zz@h/"], "hexadecimal digits"],
    [["fetch", "-x", "socks5h://h", "-X", "GET /", "http://h"], "is no method"],
    [["fetch", "-x", "socks5h://h", "-X", "CONNECT", "http://h"], "is no method"],
    [["fetch", "-x", "socks5h://h", "-H", "nothing", "http://h"], "is no header"],
    [["fetch", "-x", "socks5h://h", "-H", "A: b\r\nC: d", "http://h"], "is no header"],
    [["fetch", "-x", "socks5h://h", "-I", "-d", "x", "http://h"], "takes no -d"],
    [["forward", "-x", "socks5h://h", "elsewhere.example:1", "h:1"], "no address of this host"],
    [["forward", "-x", "socks5h://h", "x", "h:1"], "has no port"],
    [["serve", "127.0.0.1:65536"], "not a number from 0 to 65535"],
    [["serve", "--user", "alice", "0"], "NAME:PASSWORD"],
    [["serve", "0.0.0.0:0"], "--user NAME:PASSWORD, or --open"],
    [["probe"], "no proxy given"],
    [["probe", "socks6://h"], "unknown scheme"],
    [["probe", "--target", "h", "socks5://h"], "has no port"],
  ])("%j is refused", async (args, problem) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^sockskit[^\n]*\]\n$/);
    expect(stderr).toContain(problem);
  });

  test("a mistake is JSON when JSON was asked for, wherever it is made", async () => {
    for (const args of [
      ["connect", "--json"],
      ["conect", "--json"],
      ["connect", "--json", "--no-such-option"],
    ]) {
      const { status, stderr } = await run(args);
      expect(status).toBe(2);
      expect(JSON.parse(stderr)).toMatchObject({ type: "error", code: "ERR_SOCKS_USAGE", exitStatus: 2 });
    }
  });

  test("what comes from elsewhere cannot forge lines of the log or repaint the terminal", async () => {
    const { stderr } = await run(["connect", "-x", "socks5h://h\u001b[2J", "a:1\nsockskit: all is well\u202e"]);
    expect(stderr.split("\n")).toHaveLength(2);
    for (const character of ["\u001b", "\u202e"]) expect(stderr).not.toContain(character);
  });

  test("colours appear on a terminal only, and not with NO_COLOR", async (context) => {
    const isThere = spawnSync(TERMINAL_MAKER, ["--version"]).status === 0;
    if (!isThere) console.log("not run: the program script, which makes a terminal, is not installed");
    context.skip(!isThere);
    const onTerminal = (env: Record<string, string>): string => {
      const command = `'${process.execPath}' '${EXECUTABLE}' connect a:1`;
      const options = { env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...env }, encoding: "utf8" } as const;
      return spawnSync(TERMINAL_MAKER, ["-qec", command, "/dev/null"], options).stdout;
    };
    expect(onTerminal({})).toContain("\u001b[31m");
    expect(onTerminal({})).toContain("ERR_SOCKS_NO_PROXY");
    expect(onTerminal({ NO_COLOR: "1" })).not.toContain("\u001b");
    expect((await run(["connect", "a:1"])).stderr).not.toContain("\u001b");
  });
});
