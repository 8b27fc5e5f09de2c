import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenEcho, listenTcp } from "@sockskit/testing";
import { expect, onTestFinished, test } from "vitest";
import { folder, openTunnel, runToEnd, Sockskitd } from "./sockskitd.ts";

const CANARY = "canary-9e21-password";

test("a session goes by the upstream that works; the log says by which, why not by the other, and no password", async () => {
  const target = await listenEcho();
  onTestFinished(() => target.close());
  const broken = await listenTcp((socket) => void socket.end());
  onTestFinished(() => broken.close());
  const upstream = new Sockskitd(["--listen", "127.0.0.1:0", "--user", `gw:${CANARY}`]);
  const upstreamPort = await upstream.port();
  const cwd = folder({
    secret: `${CANARY}\n`,
    "c.yaml": `
listen: [127.0.0.1:0]
rules: [{ allow: {}, via: office }]
upstreams:
  office:
    - ["socks5h://gw:${CANARY}@127.0.0.1:${broken.port}"]
    - [{ url: "socks5h://gw@127.0.0.1:${upstreamPort}", passwordFile: secret }]
`,
  });
  const server = new Sockskitd(["--config", "c.yaml"], { cwd });
  const { socket } = await openTunnel(await server.port(), target.port);
  socket.write("hello");
  await new Promise((resolve) => socket.once("data", resolve));
  socket.end();
  const via = { via: "office", alternative: 2, proxies: `socks5h://gw:***@127.0.0.1:${upstreamPort}` };
  expect(await server.line("connected")).toMatchObject({ ...via, address: `127.0.0.1:${upstreamPort}`, rule: 1 });
  expect(await server.line("closed")).toMatchObject({ via: "office", reason: "finished", bytesIn: 5 });
  expect(await server.line("upstream put aside")).toMatchObject({
    level: "warn",
    via: "office",
    alternative: 1,
    proxies: `socks5h://gw:***@127.0.0.1:${broken.port}`,
    failures: 1,
    retryMs: 5_000,
    code: "ERR_SOCKS_PROXY_CLOSED",
  });
  expect(await upstream.line("connected")).toMatchObject({ user: "gw" });

  // A password that is wrong now: the reload takes it, and the upstream is at fault.
  writeFileSync(join(cwd, "secret"), `${CANARY}-changed\n`);
  expect(await server.line("reloaded")).toMatchObject({ cause: "file of an upstream" });
  await openTunnel(await server.port(), target.port).catch(() => undefined);
  server.child.kill("SIGTERM");
  const { stdout, stderr } = await server.finished;
  expect(stdout).toContain("ERR_SOCKS_AUTH_REJECTED");
  expect(stdout + stderr).not.toContain(CANARY);
  upstream.child.kill("SIGTERM");
  await upstream.finished;
});

test("check prints them without passwords, and warns on standard error; explain says by what it goes", async () => {
  const cwd = folder({
    "c.yaml": `
rules: [{ allow: { to: ["*.example"] }, via: office }, { allow: {} }]
upstreams:
  office: [["socks5h://gw:${CANARY}@10.1.1.1"]]
  spare: [["socks5h://10.1.1.2"]]
`,
  });
  const check = await runToEnd(["check", "--config", "c.yaml"], { cwd });
  expect(check.status).toBe(0);
  expect(check.stdout).toContain('      - ["socks5h://gw:***@10.1.1.1:1080"]\n');
  expect(check.stdout).toContain('  - { allow: { to: ["*.example"] }, via: office } # rule 1\n');
  expect(check.stderr).toBe("warning: c.yaml:5:10 upstreams.spare: no rule sends anything there (via)\n");
  expect(check.stdout + check.stderr).not.toContain(CANARY);
  const explain = await runToEnd(["explain", "--config", "c.yaml", "--from", "127.0.0.1", "--to", "www.example:443"], {
    cwd,
  });
  expect(explain.stdout).toContain("the request: allowed by rule 1, via office\n");
});
