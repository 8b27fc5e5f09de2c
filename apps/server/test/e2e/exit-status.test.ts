import { createServer } from "node:net";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { folder, runToEnd, Sockskitd, unprivilegedUser } from "./sockskitd.ts";

const user = unprivilegedUser();
const privileged = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
const hasPrivilegedPorts = !existsSync(privileged) || Number(readFileSync(privileged, "utf8")) > 1;
if (!hasPrivilegedPorts) console.warn("skipped: no port is privileged on this host");

/** An error for a person: one line, no stack. */
function expectOneLine(text: string): void {
  expect(text).toMatch(/^[^\n]+\n$/u);
  expect(text).not.toMatch(/\n\s+at /u);
}

describe("status 0", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("asked to stop by %s", async (signal) => {
    const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
    await server.port();
    server.child.kill(signal);
    expect(await server.finished).toMatchObject({ status: 0, stderr: "" });
    expect(server.lines().map(({ msg }) => msg)).toEqual(["listening", "engine", "stopping", "stopped"]);
  });

  test("help, with examples, and the version", async () => {
    const help = await runToEnd(["--help"]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toContain("Examples:");
    expect(await runToEnd(["--version"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+/u) as string,
    });
  });
});

describe("status 1: it failed while running", () => {
  test("the port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const result = await runToEnd(["--listen", `127.0.0.1:${port}`]);
    expect(result).toMatchObject({ status: 1, stdout: "" });
    expectOneLine(result.stderr);
    expect(result.stderr).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(result.stderr).toContain("choose another port");
  });

  test("this host does not have the address", async () => {
    const result = await runToEnd(["--listen", "192.0.2.1:0", "--user", "a:b"]);
    expect(result.status).toBe(1);
    expectOneLine(result.stderr);
    expect(result.stderr).toContain("this host does not have that address");
  });

  test.skipIf(user === undefined || !hasPrivilegedPorts)("the port is privileged", async () => {
    const result = await runToEnd(["--listen", "127.0.0.1:1"], { user: user ?? {} });
    expect(result.status).toBe(1);
    expectOneLine(result.stderr);
    expect(result.stderr).toContain("choose one above 1023");
  });
});

describe("status 2: bad usage or configuration", () => {
  test.each<[string, readonly string[], string]>([
    ["unknown flag", ["--listn", "x"], "Did you mean --listen?"],
    ["unknown command", ["bogus"], 'unknown command "bogus"; expected check, explain, passwd, or none to serve'],
    ["mistyped command with options", ["chek", "--from", "x"], 'unknown command "chek" (did you mean check?)'],
    ["flag without its value", ["--listen"], "--listen"],
    ["empty flag", ["--listen", ""], "--listen"],
    ["bad address", ["--listen", "1080x"], '--listen "1080x": expected an IP address with a port'],
    ["every address", ["--listen", ":1080"], "every address of this host is 0.0.0.0:1080, which needs users"],
    ["bad drain", ["--drain", "soon"], '--drain "soon": expected a duration'],
    ["unknown method", ["--auth", "basic"], "expected one of none, userpass"],
    ["unknown engine", ["--engine", "fast"], '--engine "fast": expected one of auto, portable, fastpath'],
    ["workers", ["--workers", "4"], '--workers "4": not supported yet'],
    ["user without password", ["--user", "alice"], "--user: expected NAME:PASSWORD"],
    ["user with an empty password", ["--user", "alice:"], "--user: expected NAME:PASSWORD"],
    ["the same user twice", ["--user", "a:b", "--user", "a:c"], 'the user "a" is there twice'],
    ["methods without users", ["--auth", "userpass"], '"userpass" needs users'],
    [
      "the same listener twice",
      ["--listen", "127.0.0.1:1080", "--listen", "127.0.0.1"],
      "--listen: 127.0.0.1:1080 is there already\n",
    ],
    ["level", ["--log-level", "loud"], "expected one of error, warn, info, debug, silent"],
    ["missing file", ["--config", "/nonexistent/sockskit.yaml"], "/nonexistent/sockskit.yaml: there is no such file"],
    ["missing users file", ["--users-file", "/nonexistent/users"], "/nonexistent/users: there is no such file"],
    ["a folder", ["--config", "/"], "/: this is a folder"],
    ["explain without a question", ["explain"], "--from"],
    ["explain with a bad client", ["explain", "--from", "laptop", "--to", "a:1"], "expected an IP address"],
    ["explain with a bad destination", ["explain", "--from", "127.0.0.1", "--to", "a"], "expected HOST:PORT"],
    ["explain with a numeric name", ["explain", "--from", "127.0.0.1", "--to", "0x7f.1:80"], "expected HOST:PORT"],
    [
      "explain with a bad command",
      ["explain", "--from", "127.0.0.1", "--to", "a:1", "--command", "get"],
      "expected one of connect",
    ],
    ["flag in front of a command", ["--listen", "127.0.0.1:0", "check"], "expected after the command"],
    ["algorithm", ["passwd", "--algorithm", "md5"], "expected scrypt or argon2id"],
  ])("%s", async (_, words, message) => {
    const result = await runToEnd(words, { input: "x\n" });
    expect(result).toMatchObject({ status: 2, stdout: "" });
    expectOneLine(result.stderr);
    expect(result.stderr).toContain(message);
    expect(result.stderr.startsWith("sockskitd: ")).toBe(true);
  });

  test("a listener beyond loopback without passwords; the error explains the two ways out", async () => {
    for (const address of ["0.0.0.0:0", "[::]:0"]) {
      const refused = await runToEnd(["--listen", address]);
      expect(refused).toMatchObject({ status: 2, stdout: "" });
      expectOneLine(refused.stderr);
      for (const way of ["--user NAME:PASSWORD", "auth.usersFile", "allowOpenProxy: true", "--allow-open-proxy"]) {
        expect(refused.stderr).toContain(way);
      }
    }
    for (const way of [["--user", "alice:x"], ["--allow-open-proxy"]]) {
      const server = new Sockskitd(["--listen", "0.0.0.0:0", ...way]);
      expect(await server.line("listening")).toMatchObject({ address: "0.0.0.0" });
      server.child.kill("SIGTERM");
      expect((await server.finished).status).toBe(0);
    }
  });

  test("a method list of one listener opens it as well", async () => {
    const cwd = folder({
      "c.yaml": `listen:\n  - { address: "0.0.0.0:0", auth: [userpass, none] }\nauth: { usersFile: users }\n`,
      users: "",
    });
    const result = await runToEnd(["--config", "c.yaml"], { cwd });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("c.yaml:2:5 listen[0]: other hosts can reach 0.0.0.0:0");
  });

  test.skipIf(user === undefined)("a file that may not be read", async () => {
    const cwd = folder({ "c.yaml": "" });
    chmodSync(cwd, 0o755);
    chmodSync(join(cwd, "c.yaml"), 0);
    const result = await runToEnd(["--config", join(cwd, "c.yaml")], { user: user ?? {} });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("may not be read");
  });

  test("every mistake of a file at once, each on its line", async () => {
    const cwd = folder({ "c.yaml": "rules:\n  - allow: { port: 80 }\nengine: fast\n" });
    for (const command of [[], ["check"]]) {
      const result = await runToEnd([...command, "--config", "c.yaml"], { cwd });
      expect(result).toEqual({
        status: 2,
        stdout: "",
        stderr:
          'c.yaml:2:14 rules[0].allow.port: unknown key; did you mean "ports"?\n' +
          'c.yaml:3:9 engine: found "fast", expected one of auto, portable, fastpath\n',
      });
    }
  });
});
