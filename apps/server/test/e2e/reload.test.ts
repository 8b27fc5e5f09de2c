import { once } from "node:events";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashPassword } from "@sockskit/server";
import { listenEcho, readOctets } from "@sockskit/testing";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, folder, logIn, openTunnel, Sockskitd } from "./sockskitd.ts";

async function echo(): Promise<number> {
  const server = await listenEcho();
  onTestFinished(() => server.close());
  return server.port;
}

test("SIGHUP under load: open tunnels carry on, new clients get the new rules, nothing in between", async () => {
  const target = await echo();
  const cwd = folder({ "c.yaml": "listen: [127.0.0.1:0]\n" });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const port = await server.port();
  const { socket: tunnel } = await openTunnel(port, target);

  // Clients that come and go all the time, and a tunnel that never rests.
  let isLoaded = true;
  const reps = new Set<number>();
  const load = async (): Promise<void> => {
    while (isLoaded) {
      const { socket, rep } = await openTunnel(port, target);
      reps.add(rep);
      socket.destroy();
    }
  };
  const sent: number[] = [];
  const talk = async (): Promise<void> => {
    for (let value = 0; isLoaded; value = (value + 1) & 0xff) {
      tunnel.write(Uint8Array.of(value));
      const [answer] = await readOctets(tunnel, 1);
      expect(answer).toBe(value);
      sent.push(value);
    }
  };
  const working = [load(), load(), talk()];

  for (let round = 0; round < 5; round++) {
    const count = server.lines().length;
    writeFileSync(join(cwd, "c.yaml"), "listen: [127.0.0.1:0]\nrules: [{ allow: {} }]\n");
    server.child.kill("SIGHUP");
    expect(await server.line("reloaded", count)).toMatchObject({ cause: "SIGHUP" });
  }
  expect([...reps]).toEqual([0x00]);
  const before = server.lines().length;
  writeFileSync(join(cwd, "c.yaml"), "listen: [127.0.0.1:0]\nrules: [{ deny: {} }]\n");
  server.child.kill("SIGHUP");
  await server.line("reloaded", before);
  isLoaded = false;
  await Promise.all(working);

  expect((await openTunnel(port, target)).rep).toBe(0x02);
  tunnel.write(Uint8Array.of(0x77));
  expect((await readOctets(tunnel, 1))[0]).toBe(0x77);
  expect(sent.length).toBeGreaterThan(0);
  expect(server.lines().filter(({ msg }) => msg === "listening")).toHaveLength(1);
});

test("a broken file changes nothing, and the log says what is wrong with it", async () => {
  const target = await echo();
  const cwd = folder({ "c.yaml": "listen: [127.0.0.1:0]\nrules: [{ allow: {} }]\n" });
  const server = new Sockskitd(["--config", "c.yaml", "--drain", "0s"], { cwd });
  const port = await server.port();
  const broken = [
    "rules: [{ deny: {}, x: 1 }]\nengine: no\n",
    "listen: [127.0.0.1:0\n",
    "listen: [0.0.0.0:0]\n",
    "- ".repeat(50_000),
    // Valid, but the second listener cannot be opened: then the first one stays as it is, too.
    "listen: [127.0.0.1:0, 192.0.2.1:0]\nrules: [{ deny: {} }]\nauth: { usersFile: users }\n",
  ];
  writeFileSync(join(cwd, "users"), "");
  for (const text of broken) {
    const count = server.lines().length;
    writeFileSync(join(cwd, "c.yaml"), text);
    server.child.kill("SIGHUP");
    expect(await server.line("not reloaded; everything stays as it was", count)).toMatchObject({
      level: "error",
      cause: "SIGHUP",
    });
    expect((await openTunnel(port, target)).rep).toBe(0x00);
  }
  const refused = server.lines().filter(({ msg }) => msg === "configuration refused");
  expect(refused.map(({ problem }) => problem).slice(0, 3)).toEqual([
    expect.stringContaining("c.yaml:1:21 rules[0].x: unknown key") as string,
    expect.stringContaining('c.yaml:2:9 engine: found "no"') as string,
    expect.stringContaining("c.yaml:2:1 broken YAML") as string,
  ]);
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
});

test("listeners come and go with the file, and the level of the log follows it", async () => {
  const cwd = folder({ "c.yaml": "listen: [127.0.0.1:0]\nlog: { level: debug }\n" });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const first = await server.port();
  (await connectTo(first)).destroy();
  await server.line("client");

  writeFileSync(join(cwd, "c.yaml"), 'listen: ["[::1]:0"]\nlog: { level: info }\n');
  server.child.kill("SIGHUP");
  const second = await server.line((line) => line.msg === "listening" && line["address"] === "::1");
  expect(second["port"]).not.toBe(first);
  const count = server.lines().length;
  await expect(connectTo(first)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  server.child.kill("SIGTERM");
  await server.finished;
  expect(
    server
      .lines()
      .slice(count)
      .map(({ level }) => level),
  ).not.toContain("debug");
});

test("the users file is watched: written anew, replaced, and broken", async () => {
  const [alice, bob] = await Promise.all([hashPassword("one"), hashPassword("two")]);
  const cwd = folder({ users: `alice:${alice}\n` });
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--users-file", "users"], { cwd });
  const port = await server.port();
  expect((await logIn(port, "alice", "one")).status).toBe(0x00);

  let count = server.lines().length;
  appendFileSync(join(cwd, "users"), `bob:${bob}\n`);
  expect(await server.line("reloaded", count)).toMatchObject({ cause: "users file", users: 2 });
  expect((await logIn(port, "bob", "two")).status).toBe(0x00);

  count = server.lines().length;
  writeFileSync(join(cwd, "users"), `alice:${alice}\nbob:secret\n`);
  await server.line("not reloaded; everything stays as it was", count);
  expect(server.lines().at(-2)).toMatchObject({ problem: expect.stringMatching(/users:2:5 /u) as string });
  expect((await logIn(port, "bob", "two")).status).toBe(0x00);

  count = server.lines().length;
  writeFileSync(join(cwd, "new"), `bob:${bob}\n`);
  renameSync(join(cwd, "new"), join(cwd, "users"));
  expect(await server.line("reloaded", count)).toMatchObject({ users: 1 });
  expect((await logIn(port, "alice", "one")).status).not.toBe(0x00);
  server.child.kill("SIGTERM");
  await once(server.child, "close");
});
