// A real protocol over UDP through an association: DTLS between two programs of OpenSSL, with datagrams lost on purpose.

import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createUdpSocket, type UdpSocket } from "@sockskit/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { Scope } from "../src/harness/scope.ts";
import { locate } from "../src/harness/tools.ts";
import { startServer } from "../src/peers/server-peer.ts";

const SOCKSKITD = fileURLToPath(new URL("../../../apps/server/bin/sockskitd.js", import.meta.url));
const DEADLINE_MS = 30_000;

const problems = locate("openssl") === undefined ? ["openssl is not installed (Debian package openssl)"] : [];
const required = process.env["CI"] === "true";
for (const problem of problems) console.log(`skipped: ${problem}`);

/** A program of OpenSSL, and what it has written so far. */
interface Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: () => string;
}

/** Which datagrams of one direction are lost, counted from 0. */
type Lost = ReadonlySet<number>;

describe.skipIf(problems.length > 0 && !required)("DTLS through UDP ASSOCIATE", () => {
  const scope = new Scope();
  let folder = "";
  let proxy = 0;

  beforeAll(async () => {
    folder = await scope.temporaryFolder();
    const request =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=dtls.sockskit.test";
    const made = spawnSync("openssl", [
      ...request.split(" "),
      "-keyout",
      join(folder, "key.pem"),
      "-out",
      join(folder, "cert.pem"),
    ]);
    if (made.status !== 0) throw new TypeError(`openssl made no certificate: ${String(made.stderr)}`);
    proxy = await freePort();
    await startServer(scope, proxy, [process.execPath, SOCKSKITD, "--listen", `127.0.0.1:${proxy}`]);
  }, DEADLINE_MS);
  afterAll(() => scope.close());

  function openssl(...args: string[]): Program {
    const child = spawn("openssl", args, { cwd: folder });
    scope.defer(() => child.kill("SIGKILL"));
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("latin1").on("data", (data: string) => (text += data));
    child.stdin.on("error", () => undefined);
    return { child, output: () => text };
  }

  /** A local port whose datagrams go to `target` through the proxy, and the answers back; some are lost on the way. */
  async function forward(
    target: number,
    lost: { readonly up: Lost; readonly down: Lost },
  ): Promise<{
    readonly port: number;
    readonly counts: { up: number; down: number };
  }> {
    const socket: UdpSocket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${proxy}` });
    scope.defer(() => socket.close());
    const local: Socket = createSocket("udp4");
    scope.defer(() => local.close());
    const counts = { up: 0, down: 0 };
    let client: { readonly address: string; readonly port: number } | undefined;
    local.on("message", (data, from) => {
      client = from;
      if (!lost.up.has(counts.up++)) void socket.send(data, `127.0.0.1:${target}`).catch(() => undefined);
    });
    socket.on("message", (data, source) => {
      expect(source).toMatchObject({ host: "127.0.0.1", port: target });
      if (!lost.down.has(counts.down++) && client !== undefined) local.send(data, client.port, client.address);
    });
    local.bind(0, "127.0.0.1");
    await once(local, "listening");
    return { port: local.address().port, counts };
  }

  async function until(condition: () => boolean, what: () => string): Promise<void> {
    for (const start = performance.now(); !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
      if (performance.now() - start > DEADLINE_MS - 5_000) throw new TypeError(what());
    }
  }

  test.each([
    ["nothing is lost", new Set<number>(), new Set<number>()],
    ["datagrams of both directions are lost, and sent again", new Set([0, 2]), new Set([1, 3])],
  ])(
    "%s",
    async (_what, up, down) => {
      const port = await freePort();
      const certificate = ["-cert", "cert.pem", "-key", "key.pem"];
      const server = openssl("s_server", "-dtls1_2", "-accept", `127.0.0.1:${port}`, ...certificate);
      await until(
        () => server.output().includes("ACCEPT"),
        () => `the server does not start: ${server.output()}`,
      );
      const way = await forward(port, { up, down });
      const trust = ["-CAfile", "cert.pem", "-verify_return_error"];
      const client = openssl("s_client", "-dtls1_2", "-connect", `127.0.0.1:${way.port}`, "-mtu", "1200", ...trust);
      client.child.stdin.write("from the client\n");
      await until(
        () => server.output().includes("from the client"),
        () => `${server.output()}\n${client.output()}`,
      );
      server.child.stdin.write("from the server\n");
      await until(
        () => client.output().includes("from the server"),
        () => client.output(),
      );
      expect(client.output()).toContain("Verify return code: 0 (ok)");
      // Some hundred records, each a datagram.
      const lines = Array.from({ length: 200 }, (_, index) => `line ${index} ${"x".repeat(500)}`);
      for (const line of lines) {
        client.child.stdin.write(`${line}\n`);
        await until(
          () => server.output().includes(line.slice(0, 12)),
          () => server.output().slice(-500),
        );
      }
      expect(way.counts.up).toBeGreaterThan(200);
      expect(way.counts.down).toBeGreaterThan(3);
    },
    DEADLINE_MS,
  );
});
