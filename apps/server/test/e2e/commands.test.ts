import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { verifyPassword } from "@sockskit/server";
import { expect, onTestFinished, test } from "vitest";
import { folder, runToEnd, Sockskitd } from "./sockskitd.ts";

const RULES = `
auth: { users: [{ name: alice, password: "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", groups: [staff] }] }
rules:
  - deny: { to: [private], reason: "internal" }
  - allow: { groups: [staff], to: ["*.example", localhost], ports: [443] }
`;

test("explain: which rule decides, and why the others do not", async () => {
  const cwd = folder({ "c.yaml": RULES });
  const words = ["explain", "--config", "c.yaml", "--from", "203.0.113.9", "--user", "alice"];
  const direct = await runToEnd([...words, "--to", "10.0.0.1:443"], { cwd });
  expect(direct).toMatchObject({ status: 0, stderr: "" });
  expect(direct.stdout).toBe(
    `user "alice" at 203.0.113.9 asks for connect to 10.0.0.1:443\n\n` +
      `the request: denied by rule 1\n` +
      `  1. deny: { to: [private], reason: "internal" }\n` +
      `     decides: every condition holds\n` +
      `  2. allow: { groups: [staff], to: ["*.example", localhost], ports: [443] }\n` +
      `     unreached: an earlier rule decides\n`,
  );
  const named = await runToEnd([...words, "--to", "localhost:443"], { cwd });
  expect(named.status).toBe(0);
  expect(named.stdout).toContain("the name: is looked up, and each address decided on");
  expect(named.stdout).toContain("127.0.0.1: denied (no rule opens the protected set that the address is in)");
  const stranger = await runToEnd([...words.slice(0, -2), "--user", "bob", "--to", "www.example:443"], { cwd });
  expect(stranger.stdout).toContain("the configuration has no such user");
  expect(stranger.stdout).toContain("groups: user bob is in none of them");
});

test("explain: look-ups have no port, and need a rule that names them", async () => {
  const cwd = folder({ "c.yaml": "rules: [allow: { commands: [resolve-ptr], to: [192.0.2.0/24] }, allow: {}]\n" });
  const ask = (command: string, to: string) =>
    runToEnd(["explain", "--config", "c.yaml", "--from", "127.0.0.1", "--command", command, "--to", to], { cwd });
  expect((await ask("resolve-ptr", "192.0.2.10")).stdout).toContain(
    "asks for resolve-ptr of 192.0.2.10\n\nthe request: allowed by rule 1\n",
  );
  expect((await ask("resolve", "localhost")).stdout).toContain("commands: resolve is allowed only where it is named");
  expect(await ask("resolve-ptr", "www.example")).toMatchObject({ status: 2, stdout: "" });
  expect((await ask("resolve", "www.example:80")).stderr).toContain("expected a host name or an IP address");
});

test("no file of the current folder is read that --config does not name", async () => {
  const broken = "listen: [";
  const names = ["sockskitd.yaml", "sockskit.yaml", "sockskitd.json", ".sockskitd.yaml", "users.txt", ".env"];
  const cwd = folder(Object.fromEntries(names.map((name) => [name, broken])));
  const here = await runToEnd(["check"], { cwd });
  expect(here).toMatchObject({ status: 0, stderr: "" });
  expect(here.stdout).toBe((await runToEnd(["check"], { cwd: folder({}) })).stdout);
});

test("explain knows the server's own listeners", async () => {
  const result = await runToEnd(["explain", "--from", "127.0.0.1", "--to", "127.0.0.1:1080"]);
  expect(result.stdout).toContain("the request: denied by default rule 1");
});

test("passwd: a hash of what it reads, and nothing else", async () => {
  for (const [input, password] of [
    ["secret\n", "secret"],
    ["sec ret", "sec ret"],
    ["pässword\r\nmore\n", "pässword"],
  ] as const) {
    const result = await runToEnd(["passwd"], { input });
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toMatch(/^\$scrypt\$ln=\d+,r=8,p=1\$[^$\n]+\$[^$\n]+\n$/u);
    expect(await verifyPassword(password, result.stdout.trimEnd())).toBe(true);
  }
});

test.each(["", "\n", `${"x".repeat(256)}\n`, "x".repeat(1_000_000)])(
  "passwd refuses what SOCKS cannot carry (%#)",
  async (input) => {
    const result = await runToEnd(["passwd"], { input });
    expect(result).toMatchObject({ status: 2, stdout: "" });
    expect(result.stderr).toMatch(/^sockskitd: the password is .*\n$/u);
  },
);

test("check prints what is in effect: defaults, rules with their numbers, the flags", async () => {
  const cwd = folder({ "c.yaml": RULES });
  const { status, stdout } = await runToEnd(
    ["check", "--config", "c.yaml", "--listen", "[::1]:0", "--log-level", "warn"],
    { cwd },
  );
  expect(status).toBe(0);
  expect(stdout).toContain('listen:\n  - "[::1]:0"\n');
  expect(stdout).toContain('  - deny: { to: [private], reason: "internal" } # rule 1\n');
  expect(stdout).toContain(
    "timeouts: { handshake: 10s, answer: 1m, connect: 30s, bind: 2m, idle: 1h, udp: 5m, linger: 5s }\n",
  );
  expect(stdout).toContain("log: { level: warn, format: auto }\n");
});

test("explain knows whose name ident gives: no log-in, no group", async () => {
  const config =
    "auth: { ident: { mode: require } }\nrules: [allow: { authenticated: true }, allow: { users: [fred] }]\n";
  const cwd = folder({ "c.yaml": config });
  const asked = ["--from", "192.0.2.1", "--user", "fred", "--to", "198.51.100.7:80"];
  const { status, stdout } = await runToEnd(["explain", "--config", "c.yaml", ...asked], { cwd });
  expect(status).toBe(0);
  expect(stdout).toContain("the configuration has no users, so this can only be a name that ident gave\n");
  expect(stdout).toContain("the request: allowed by rule 2\n");
  expect(stdout).toContain("authenticated: user fred is not: the name is no log-in\n");
});

test("it listens soon", async () => {
  const start = performance.now();
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  await server.port();
  // 190 ms where it was measured, under load; the bound only catches something that blocks.
  expect(performance.now() - start).toBeLessThan(3000);
  server.child.kill("SIGTERM");
  await server.finished;
});

// util-linux's script gives a terminal; without it there is none to type on.
const hasTerminal = process.platform === "linux" && existsSync("/usr/bin/script");
if (!hasTerminal) console.warn("skipped: passwd on a terminal needs /usr/bin/script");

test.skipIf(!hasTerminal)("passwd on a terminal: asks twice, shows nothing, knows the erase key", async () => {
  const command = `"${process.execPath}" "${resolve(import.meta.dirname, "../../bin/sockskitd.js")}" passwd`;
  const child = spawn("/usr/bin/script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    if (text.includes("Password: ")) child.stdin.write("canarx\u007Fy-1\r");
    if (text.includes("Again: ")) child.stdin.write("canary-1\r");
  });
  const [status] = (await once(child, "close")) as [number];
  expect(status).toBe(0);
  expect(shown).not.toContain("canar");
  expect(await verifyPassword("canary-1", /\$scrypt\S+/u.exec(shown)?.[0] ?? "")).toBe(true);
});
