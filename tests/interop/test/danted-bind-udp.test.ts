// BIND and UDP ASSOCIATE of our client and command line at Dante's server.

import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bind, createUdpSocket } from "@sockskit/client";
import { readToEnd } from "@sockskit/testing";
import { type Address, formatAddress } from "@sockskit/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { Scope } from "../src/harness/scope.ts";
import { missing } from "../src/harness/tools.ts";
import { programPath, startServer } from "../src/peers/server-peer.ts";

const SOCKSKIT = fileURLToPath(new URL("../../../apps/cli/bin/sockskit.js", import.meta.url));
const DEADLINE_MS = 20_000;

const problem = await missing("danted");
const required = process.env["CI"] === "true";
if (problem !== undefined && !required) console.log(`skipped: ${problem}`);

describe.skipIf(problem !== undefined && !required)("Dante", () => {
  const scope = new Scope();
  let port = 0;
  let echoPort = 0;

  beforeAll(async () => {
    const folder = await scope.temporaryFolder();
    port = await freePort();
    const file = join(folder, "danted.conf");
    await writeFile(
      file,
      `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
socksmethod: none
clientmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0
  command: connect bind udpassociate
}
socks pass { from: 0.0.0.0/0 to: 127.0.0.0/8
  command: bindreply udpreply
}
`,
    );
    await startServer(scope, port, [programPath("danted"), "-f", file, "-p", join(folder, "pid"), "-N", "1"]);
    const echo = dgram.createSocket("udp4");
    echo.on("message", (data, from) => echo.send(data, from.port, from.address));
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    scope.defer(() => echo.close());
    echoPort = echo.address().port;
  }, DEADLINE_MS);
  afterAll(() => scope.close());

  test.each(["socks4", "socks4a", "socks5", "socks5h"])("BIND by %s", async (scheme) => {
    const binding = await bind({
      proxy: `${scheme}://127.0.0.1:${port}`,
      peer: "127.0.0.1",
      acceptTimeoutMs: DEADLINE_MS,
    });
    const peer = net.connect({ host: binding.address.host, port: binding.address.port });
    scope.defer(() => peer.destroy());
    const socket = await binding.accept();
    scope.defer(() => socket.destroy());
    peer.end("called back");
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("called back");
  });

  test("datagrams to an address and to a name", async () => {
    const socket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${port}` });
    scope.defer(() => socket.close());
    for (const host of ["127.0.0.1", "localhost"]) {
      const message = once(socket, "message", { signal: AbortSignal.timeout(DEADLINE_MS) });
      await socket.send(`to ${host}`, { host, port: echoPort });
      const [data, source] = (await message) as [Buffer, Address];
      expect([data.toString(), formatAddress(source)]).toEqual([`to ${host}`, `127.0.0.1:${echoPort}`]);
    }
  });

  test("it drops fragments, as most proxies do", async () => {
    const socket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${port}`, fragmentOctets: 300 });
    scope.defer(() => socket.close());
    const messages: string[] = [];
    socket.on("message", (data) => messages.push(data.toString()));
    await socket.send("x".repeat(400), `127.0.0.1:${echoPort}`);
    const message = once(socket, "message", { signal: AbortSignal.timeout(DEADLINE_MS) });
    await socket.send("whole", `127.0.0.1:${echoPort}`);
    await message;
    expect(messages).toEqual(["whole"]);
  });

  test("sockskit udp", async () => {
    const args = [SOCKSKIT, "udp", "-x", `socks5h://127.0.0.1:${port}`, "-n", "2", "--wait", "10s"];
    const child = spawn(process.execPath, [...args, `127.0.0.1:${echoPort}`], { stdio: ["pipe", "pipe", "inherit"] });
    scope.defer(() => child.kill("SIGKILL"));
    child.stdin.end("one\ntwo\n");
    const output = Buffer.from(await readToEnd(child.stdout, DEADLINE_MS)).toString();
    expect(output).toBe(`127.0.0.1:${echoPort} one\n127.0.0.1:${echoPort} two\n`);
  });
});
