import { listenScript, type LoopbackServer, octets, type ScriptStep } from "@sockskit/testing";
import { afterEach, describe, expect, test } from "vitest";

import { finish, firstLine, run, start, stopAll } from "./run-sockskit.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await stopAll();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const GREETING: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const REQUEST = octets("05 02 00 01 c0 00 02 0a 00 14");
const LISTENING = "05 00 00 01 c6 33 64 07 9c 40";
const ACCEPTED = "05 00 00 01 c0 00 02 0a 00 14";

async function proxy(steps: readonly ScriptStep[], end: "keep" | "end" = "keep"): Promise<LoopbackServer> {
  const server = await listenScript(steps, end);
  open.push(server);
  return server;
}

const urlOf = ({ port }: LoopbackServer): string => `socks5h://127.0.0.1:${port}`;

test("tells the address, then carries the connection", async () => {
  const server = await proxy([GREETING, { receive: REQUEST, send: octets(LISTENING) }]);
  const child = start(["bind", "-x", urlOf(server), "192.0.2.10:20"]);
  expect(await firstLine(child.stderr)).toBe("listening on 198.51.100.7:40000 for 192.0.2.10:20");
  const [control] = server.sockets;
  control?.write(octets(`${ACCEPTED} 68 65 6c 6c 6f`));
  control?.end();
  child.stdin.end("bye");
  expect(await finish(child)).toMatchObject({ status: 0, stdout: "hello" });
});

test("tells everything as JSON on standard error", async () => {
  const server = await proxy([GREETING, { receive: REQUEST, send: octets(`${LISTENING} ${ACCEPTED} 68 69`) }], "end");
  const { status, stdout, stderr } = await run(["bind", "--json", "-x", urlOf(server), "192.0.2.10:20"], {
    input: "x",
  });
  expect([status, stdout]).toEqual([0, "hi"]);
  const told = stderr
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(told).toEqual([
    { type: "listening", address: "198.51.100.7", port: 40_000, peer: "192.0.2.10:20", proxies: [urlOf(server)] },
    { type: "accepted", peer: "192.0.2.10:20" },
    { type: "closed", bytesSent: 1, bytesReceived: 2 },
  ]);
});

test("a peer needs no port, and -v shows the steps", async () => {
  const steps = [
    GREETING,
    { receive: octets("05 02 00 01 c0 00 02 0a 00 00"), send: octets(`${LISTENING} ${ACCEPTED}`) },
  ];
  const { status, stderr } = await run(["bind", "-v", "-x", urlOf(await proxy(steps, "end")), "192.0.2.10"]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/listens on 198\.51\.100\.7:40000 for 192\.0\.2\.10\n/);
  expect(stderr).toContain("passes on the connection of 192.0.2.10:20");
});

describe("exit statuses", () => {
  test("7 when the proxy refuses, before or after it listened", async () => {
    const refused = "05 02 00 01 00 00 00 00 00 00";
    for (const reply of [refused, `${LISTENING} ${refused}`]) {
      const server = await proxy([GREETING, { receive: REQUEST, send: octets(reply) }], "end");
      const { status, stderr } = await run(["bind", "-x", urlOf(server), "192.0.2.10:20"]);
      expect(status).toBe(7);
      expect(stderr).toContain("[ERR_SOCKS_REQUEST_REFUSED]");
    }
  });

  test("9 when nobody comes in time", async () => {
    const server = await proxy([GREETING, { receive: REQUEST, send: octets(LISTENING) }]);
    const { status, stderr } = await run(["bind", "-x", urlOf(server), "--accept-timeout", "50ms", "192.0.2.10:20"]);
    expect(status).toBe(9);
    expect(stderr).toContain("timed out after 50 ms (acceptTimeoutMs) waiting for 192.0.2.10:20 to connect");
  });

  test.each([
    ["no peer", ["bind", "-x", "socks5h://127.0.0.1:1"]],
    ["no proxy", ["bind", "192.0.2.10"]],
    ["a peer that is none", ["bind", "-x", "socks5h://127.0.0.1:1", "127.1"]],
    ["two proxies", ["bind", "-x", "socks5h://127.0.0.1:1", "-x", "socks5h://127.0.0.1:1", "192.0.2.10"]],
  ])("2 for %s", async (_, args) => {
    expect((await run(args)).status).toBe(2);
  });

  test("2 when the environment keeps the peer away from the proxy", async () => {
    const env = { all_proxy: "socks5h://127.0.0.1:1", no_proxy: "192.0.2.0/24" };
    const { status, stderr } = await run(["bind", "192.0.2.10"], { env });
    expect(status).toBe(2);
    expect(stderr).toContain("bind is possible at a proxy only");
  });
});
