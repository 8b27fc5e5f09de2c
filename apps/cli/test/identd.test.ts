import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { readToEnd } from "@sockskit/testing";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

import { finish, run, start, stopAll } from "./run-sockskit.ts";

afterEach(stopAll);

const isLinux = process.platform === "linux";
if (!isLinux) console.log("skipped: sockskit identd needs Linux");

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), "sockskit-identd-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

/** Starts it on a free port, asks it whose the asking connection itself is, and stops it. */
async function askOnce(...options: readonly string[]) {
  const child = start(["identd", "127.0.0.1:0", ...options]);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(/(\d+)\D*$/.exec(String(line))?.[1]);
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const pair = `${socket.localPort},${port}`;
  socket.end(`${pair}\r\n`);
  const answer = Buffer.from(await readToEnd(socket, 10_000)).toString();
  child.kill("SIGTERM");
  const outcome = await finish(child);
  return { ...outcome, stdout: String(line) + outcome.stdout, port, pair, answer };
}

describe.skipIf(!isLinux)("answers", () => {
  test("names the user, and says with -v who asked", async () => {
    const { status, stdout, stderr, answer, port, pair } = await askOnce("-v");
    expect(answer).toBe(`${pair}:USERID:UNIX:${userInfo().username}\r\n`);
    expect(stdout).toBe(`answering ident queries on 127.0.0.1:${port}\n`);
    const [near, far] = pair.split(",");
    expect(stderr).toMatch(/^ *\d+ ms {2}127\.0\.0\.1 asked for the owner of port /);
    expect(stderr).toContain(`port ${near} to its ${far}: UNIX ${userInfo().username}\n`);
    expect(status).toBe(0);
  });

  test("--json", async () => {
    const { stdout, stderr, port } = await askOnce("--json", "-v", "--tell", "hidden");
    expect(JSON.parse(stdout)).toEqual({ type: "listening", address: "127.0.0.1", port });
    expect(JSON.parse(stderr)).toMatchObject({ type: "answered", asker: "127.0.0.1", answer: "HIDDEN-USER" });
  });

  test("--tell hash: the same with the same key, and not the name", async () => {
    const key = join(folder({ key: "0123456789abcdef\n" }), "key");
    const hash = ["--tell", "hash", "--hash-key-file", key];
    const [first, second] = [await askOnce(...hash), await askOnce(...hash)];
    expect(first.answer).toMatch(/:USERID:OTHER:[\w-]{22}\r\n$/);
    expect(first.answer.split(":")[3]).toBe(second.answer.split(":")[3]);
    expect((await askOnce("--tell", "hash")).answer.split(":")[3]).not.toBe(first.answer.split(":")[3]);
  });
});

describe.skipIf(!isLinux)("refuses", () => {
  test.each([
    [["--tell", "all"], '"all" is nothing to tell; expected name, uid, hash, hidden or fixed:NAME', "ERR_SOCKS_USAGE"],
    [["--tell", "fixed:"], '"fixed:" is nothing to tell', "ERR_SOCKS_USAGE"],
    [["--tell", "fixed:a\nb"], "disclose: expected", "ERR_SOCKS_BAD_OPTION"],
    [["--peer", "example.com"], "peers[0]: expected an IP address or a network", "ERR_SOCKS_BAD_OPTION"],
    [["--hash-key-file", "x"], "--hash-key-file is only for --tell hash", "ERR_SOCKS_USAGE"],
    [["localhost.example:1113"], "localhost.example is no address of this host", "ERR_SOCKS_USAGE"],
  ])("%j", async (options, message, code) => {
    const { status, stdout, stderr } = await run([
      "identd",
      ...(options[0]?.startsWith("-") ? ["1113"] : []),
      ...options,
    ]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(new RegExp(`\\[${code}\\]\\n$`));
    expect(stderr.split("\n").length).toBe(2);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });

  test("a key that is not there, and one that is too short", async () => {
    const path = folder({ short: "secret" });
    const withKey = (name: string) => run(["identd", "1113", "--tell", "hash", "--hash-key-file", join(path, name)]);
    expect(await withKey("none")).toMatchObject({ status: 1, stderr: expect.stringContaining("ENOENT") as string });
    const short = await withKey("short");
    expect(short).toMatchObject({ status: 2, stderr: expect.stringContaining("at least 16 octets") as string });
    expect(short.stderr).not.toContain("secret");
  });

  test("a port that is taken", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { status, stderr } = await run(["identd", String((taken.address() as net.AddressInfo).port)]);
    expect(stderr).toContain("another program listens there already");
    expect(stderr).toContain("[ERR_SOCKS_LISTEN_FAILED]");
    expect(status).toBe(1);
  });
});

test("help says what the default port needs", async () => {
  const { status, stdout } = await run(["identd", "--help"]);
  expect(stdout).toContain("root, or CAP_NET_BIND_SERVICE");
  expect(status).toBe(0);
});
