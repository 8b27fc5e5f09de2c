import { existsSync, readFileSync } from "node:fs";
import { hashPassword } from "@sockskit/server";
import { readOctets } from "@sockskit/testing";
import { expect, test } from "vitest";
import { connectTo, folder, logIn, runToEnd, Sockskitd } from "./sockskitd.ts";

const CANARY = "canary-7f3a-password";

test("a password of the command line appears nowhere: not in the log, not in check, not in the process list", async () => {
  const words = [
    "--listen",
    "127.0.0.1:0",
    "--user",
    `alice:${CANARY}`,
    `--user=bob:${CANARY}`,
    "--log-level",
    "debug",
  ];
  const server = new Sockskitd(words);
  const port = await server.port();
  expect((await logIn(port, "alice", CANARY)).status).toBe(0x00);
  expect((await logIn(port, "alice", `${CANARY}x`)).status).not.toBe(0x00);
  expect((await logIn(port, CANARY, "x")).status).not.toBe(0x00);
  // The name of a failed log-in may be shown: it helps, and it is no password. So this looks at other lines.
  const lines = (): string =>
    server.stdout
      .split("\n")
      .filter((line) => !line.includes(`"user":"${CANARY}"`))
      .join("\n");
  await server.line("denied");
  expect(lines()).not.toContain(CANARY);
  const list = `/proc/${server.child.pid}/cmdline`;
  if (existsSync(list)) {
    const title = readFileSync(list, "utf8");
    expect(title).not.toContain(CANARY);
    expect(title).toContain("--user alice:(hidden) --user=bob:(hidden) --log-level debug");
  }
  server.child.kill("SIGTERM");
  const { stdout, stderr } = await server.finished;
  expect(stdout.replaceAll(`"user":"${CANARY}"`, "") + stderr).not.toContain(CANARY);

  const check = await runToEnd(["check", ...words.slice(2)]);
  expect(check.status).toBe(0);
  expect(check.stdout).toContain('{ name: "alice", password: (hidden), groups: [] }');
  expect(check.stdout + check.stderr).not.toContain(CANARY);
});

test("a mistake beside a password does not show it", async () => {
  const hash = await hashPassword(CANARY);
  const digest = hash.split("$").at(-1) as string;
  const files = [
    `auth: { users: [{ name: alice, password: ${CANARY} }] }`,
    `auth:\n  users:\n    - name: alice\n      password: "${CANARY}\n`,
    `auth:\n  users:\n    - { name: alice, password: ${CANARY}: x }`,
    `auth: { users: [{ name: alice, password: "${hash}!" }] }`,
    `auth: { users: [{ name: alice, password: ["${CANARY}"] }] }`,
    `auth: { users: [{ name: alice, pasword: "${CANARY}" }] }`,
    `auth: { users: ["alice:${CANARY}"] }`,
    `auth: { users: { alice: ${CANARY} } }`,
    `auth: { users: "alice:${CANARY}" }`,
    `upstreams: { office: ["socks5h://gw:${CANARY}@10.1.1.1"] }`,
    `upstreams: "socks5h://gw:${CANARY}@10.1.1.1"`,
    `upstreams: { office: [["ftp://gw:${CANARY}@10.1.1.1"]] }`,
    `upstreams: { office: [["socks5h://gw:${CANARY}@@10.1.1.1"]] }`,
    `upstreams: { office: [[{ url: "socks5h://gw:${CANARY}@10.1.1.1", passwordEnv: PATH }]] }`,
    `upstreams: { office: [["socks5h://gw:${CANARY}@127.0.0.1:1080"]] }`,
    `upstreams: { office: [["auto://gw:${CANARY}@10.1.1.1"]] }`,
  ];
  const cwd = folder(Object.fromEntries(files.map((text, index) => [`${index}.yaml`, text])));
  for (const [index, text] of files.entries()) {
    const result = await runToEnd(["check", "--config", `${index}.yaml`], { cwd });
    expect([text, result.status]).toEqual([text, 2]);
    expect(result.stdout + result.stderr).not.toContain(CANARY);
    expect(result.stdout + result.stderr).not.toContain(digest);
  }
});

test("a users file with a password in it does not show it", async () => {
  const cwd = folder({ users: `alice:${CANARY}\n${CANARY}\n` });
  const result = await runToEnd(["check", "--users-file", "users"], { cwd });
  expect(result.status).toBe(2);
  expect(result.stderr).toMatch(/users:1:7 .*\n.*users:2:1 /u);
  expect(result.stderr).not.toContain(CANARY);
});

test("names cannot forge a line of the log, nor turn a terminal round", async () => {
  const nasty = 'x\r\n{"level":"info","msg":"forged"}\u001b[2J\u202Edlog\u2028\u200b';
  for (const format of ["json", "pretty"]) {
    const server = new Sockskitd([
      "--listen",
      "127.0.0.1:0",
      "--user",
      "a:b",
      "--log-level",
      "debug",
      "--log-format",
      format,
    ]);
    while (!server.stdout.includes("listening")) await new Promise((wake) => setTimeout(wake, 10));
    const port = Number(/port"?[=:](\d+)/u.exec(server.stdout)?.[1]);
    expect((await logIn(port, nasty, "b")).status).not.toBe(0x00);
    await sayUserId(port, nasty);
    server.child.kill("SIGTERM");
    const { stdout } = await server.finished;
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028\u200b]/u);
    expect(stdout).toContain("dlog");
    for (const line of stdout.trimEnd().split("\n"))
      expect(line).toMatch(format === "json" ? /^\{"level":/u : /^\d\d:\d\d:\d\d /u);
  }
});

/** SOCKS 4 with a user id; refused here, because a password is required. */
async function sayUserId(port: number, userId: string): Promise<void> {
  const socket = await connectTo(port);
  const head = Uint8Array.of(0x04, 0x01, 0x00, 0x50, 127, 0, 0, 1);
  socket.write(Buffer.concat([head, Buffer.from(userId), Uint8Array.of(0x00)]));
  expect((await readOctets(socket, 8))[1]).toBe(0x5b);
  socket.destroy();
}
