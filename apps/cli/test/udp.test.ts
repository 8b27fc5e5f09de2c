import { once } from "node:events";

import { hex, listenUdpRelay, octets, type UdpRelay, type UdpRelayOptions } from "@sockskit/testing";
import { afterEach, describe, expect, test } from "vitest";

import { finish, firstLine, run, start, stopAll } from "./run-sockskit.ts";

const open: UdpRelay[] = [];
afterEach(async () => {
  await stopAll();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function proxy(options: UdpRelayOptions = { echo: true }): Promise<UdpRelay> {
  const server = await listenUdpRelay(options);
  open.push(server);
  return server;
}

const through = ({ port }: UdpRelay): readonly string[] => ["udp", "-x", `socks5h://127.0.0.1:${port}`];
/** Long enough for a busy machine; tests that wait it out use a shorter one. */
const WAIT = ["--wait", "10s"];

test("each line is a datagram, each answer a line with its source", async () => {
  const server = await proxy();
  const result = await run([...through(server), ...WAIT, "-n", "3", "192.0.2.7:7"], { input: "one\n\ntwo" });
  expect(result).toEqual({ status: 0, stdout: "192.0.2.7:7 one\n192.0.2.7:7 \n192.0.2.7:7 two\n", stderr: "" });
  expect(server.datagrams.map(hex)).toEqual([
    "00 00 00 01 c0 00 02 07 00 07 6f 6e 65",
    "00 00 00 01 c0 00 02 07 00 07",
    "00 00 00 01 c0 00 02 07 00 07 74 77 6f",
  ]);
});

test("in hexadecimal", async () => {
  const server = await proxy();
  const { stdout } = await run([...through(server), ...WAIT, "--hex", "-n", "1", "ns.test:53"], { input: "00 Ff0a\n" });
  expect(stdout).toBe("ns.test:53 00ff0a\n");
  expect(hex(await server.datagram(0))).toBe("00 00 00 03 07 6e 73 2e 74 65 73 74 00 35 00 ff 0a");
});

test("as JSON", async () => {
  const { stdout } = await run([...through(await proxy()), ...WAIT, "--json", "-n", "1", "[2001:db8::7]:7"], {
    input: "hi",
  });
  expect(JSON.parse(stdout)).toEqual({ type: "message", source: "[2001:db8::7]:7", hex: "6869" });
});

test("what would disturb a terminal is shown as text", async () => {
  const { stdout } = await run([...through(await proxy()), ...WAIT, "-n", "1", "192.0.2.7:7"], {
    input: "a\u001b[2Jb\r\n",
  });
  expect(stdout).toBe("192.0.2.7:7 a\\u{1b}[2Jb\\u{d}\n");
});

test("fragments, when asked for", async () => {
  const server = await proxy();
  const line = "x".repeat(500);
  const args = [...through(server), ...WAIT, "--fragment", "300", "-n", "1", "192.0.2.7:7"];
  // The echo of fragments is put together again.
  expect((await run(args, { input: line })).stdout).toBe(`192.0.2.7:7 ${line}\n`);
  expect(server.datagrams.map((datagram) => datagram[2])).toEqual([0x01, 0x82]);
});

test("it ends when nothing has come for a while, and not before everything is sent", async () => {
  const server = await proxy();
  const child = start([...through(server), "--wait", "200ms", "192.0.2.7:7"]);
  child.stdin.write("one\n");
  expect(await firstLine(child.stdout)).toBe("192.0.2.7:7 one");
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(child.exitCode).toBeNull();
  child.stdin.end("two\n");
  expect(await finish(child)).toMatchObject({ status: 0, stdout: "192.0.2.7:7 two\n" });
  await server.datagram(1);
});

test("-n 0 waits for nothing", async () => {
  const server = await proxy({});
  expect(await run([...through(server), "-n", "0", "192.0.2.7:7"], { input: "gone" })).toMatchObject({ status: 0 });
  expect(await server.datagram(0)).toHaveLength(14);
});

describe("exit statuses", () => {
  test("9 when there is no answer at all", async () => {
    const { status, stderr } = await run([...through(await proxy({})), "--wait", "50ms", "192.0.2.7:7"], {
      input: "x",
    });
    expect(status).toBe(9);
    expect(stderr).toContain("no answer from 192.0.2.7:7 within 50 ms (--wait) [ERR_SOCKS_TIMEOUT]");
  });

  test("8 when the proxy ends the association", async () => {
    const server = await proxy();
    const child = start([...through(server), "192.0.2.7:7"]);
    child.stdin.write("one\n");
    await once(child.stdout, "data");
    for (const control of server.sockets) control.end();
    const { status, stderr } = await finish(child);
    expect(status).toBe(8);
    expect(stderr).toContain("[ERR_SOCKS_PROXY_CLOSED]");
  });

  test("7 when the proxy does not relay", async () => {
    const { status, stderr } = await run([...through(await proxy({ rep: 0x07 })), "192.0.2.7:7"], { input: "x" });
    expect(status).toBe(7);
    expect(stderr).toContain("does not relay datagrams: command not supported (REP 0x07)");
  });

  test.each([
    ["no hexadecimal", ["--hex", "192.0.2.7:7"], "68 6"],
    ["no port", ["192.0.2.7"], ""],
    ["a second proxy", ["-x", "socks5h://127.0.0.1:1", "192.0.2.7:7"], ""],
    ["tiny fragments", ["--fragment", "10", "192.0.2.7:7"], ""],
    ["SOCKS 4", ["192.0.2.7:7"], "", "socks4://127.0.0.1:1"],
  ])("2 for %s", async (_, args, input, url?: string) => {
    const first = url === undefined ? through(await proxy()) : ["udp", "-x", url];
    expect((await run([...first, ...args], { input })).status).toBe(2);
  });

  test("2 for a line that no datagram has room for", async () => {
    const input = "x".repeat(200_000);
    const { status, stderr } = await run([...through(await proxy()), "192.0.2.7:7"], { input });
    expect(status).toBe(2);
    expect(stderr).toContain("line 1 has more than 196521 bytes");
  });

  test("141 when nobody reads", async () => {
    const server = await proxy();
    const child = start([...through(server), ...WAIT, "192.0.2.7:7"]);
    child.stdout.destroy();
    child.stdin.write("one\n");
    await server.datagram(0);
    const [status] = (await once(child, "exit")) as [number | null];
    expect(status).toBe(141);
  });
});

test("a source that is a name is shown, and a forged line cannot be made", async () => {
  const server = await proxy({});
  const child = start([...through(server), ...WAIT, "-n", "1", "192.0.2.7:7"]);
  child.stdin.write("x\n");
  await server.datagram(0);
  server.answer(octets("00 00 00 03 07 6e 73 2e 74 65 73 74 00 35 61 0a 62"));
  expect(await finish(child)).toMatchObject({ status: 0, stdout: "ns.test:53 a\\u{a}b\n" });
});
