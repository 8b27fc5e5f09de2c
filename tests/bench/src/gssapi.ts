// GSS-API: contexts per second and megabytes per second at both levels, with the CPU time of the server's process, beside
// the library called from C: `gssapi.ts [MEGABYTES]`. Needs krb5-kdc, krb5-admin-server, krb5-user, libkrb5-dev and gcc.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect } from "@sockskit/client";
import { realmProblem, startRealm, useRealm } from "@sockskit/testing";

interface LibraryFigures {
  readonly contextMs: number;
  readonly integrity: { readonly wrapMs: number; readonly unwrapMs: number };
  readonly confidentiality: { readonly wrapMs: number; readonly unwrapMs: number };
}

const LEVELS = ["integrity", "confidentiality"] as const;
const CONTEXTS = 300;
const PARALLEL = 8;

const megabytes = Number(process.argv[2] ?? 100);
const problem = await realmProblem();
if (problem !== undefined || !(megabytes > 0)) {
  console.error(problem ?? "gssapi: expected a number of megabytes");
  process.exit(2);
}
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const realm = await startRealm();
useRealm(realm);
const folder = mkdtempSync(join(tmpdir(), "sockskit-bench-"));
const server = spawn(process.execPath, [here("gssapi-server.ts"), realm.serviceKeytab], {
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
const next = async (): Promise<number> => Number((await lines.next()).value);
const port = await next();
const cpuMs = (): Promise<number> => (server.stdin.write("\n"), next());
// Sends what it is asked for, or takes everything: the first octet says which.
const target = createServer({ allowHalfOpen: true }, (socket) => serve(socket)).listen(0, "127.0.0.1");
await once(target, "listening");
const { port: targetPort } = target.address() as { readonly port: number };

try {
  const binary = join(folder, "library");
  execFileSync("gcc", ["-O2", "-o", binary, here("gssapi-library.c"), "-lgssapi_krb5"]);
  const library = JSON.parse(
    execFileSync(binary, [String(Math.min(megabytes, 100))], { encoding: "utf8" }),
  ) as LibraryFigures;
  await contexts(20);
  const before = await cpuMs();
  const startedAt = performance.now();
  await contexts(CONTEXTS);
  const elapsedMs = performance.now() - startedAt;
  const spentMs = (await cpuMs()) - before;
  console.log(
    `contexts: ${((CONTEXTS * 1000) / elapsedMs).toFixed(0)} per second, ${(spentMs / CONTEXTS).toFixed(2)} ms of the server's CPU each`,
  );
  console.log(`          (the library in C, both sides: ${library.contextMs.toFixed(2)} ms)`);
  console.log("\n| level | direction | MB/s | server, CPU ms per MB | library in C, CPU ms per MB | ratio |");
  console.log("|---|---|---|---|---|---|");
  for (const level of LEVELS) {
    for (const direction of ["down", "up"] as const) {
      // eslint-disable-next-line no-await-in-loop -- one after the other, or they would share the processors
      const { rate, costMs } = await transfer(level, direction);
      const bare = direction === "down" ? library[level].wrapMs : library[level].unwrapMs;
      console.log(
        `| ${level} | ${direction} | ${rate.toFixed(0)} | ${costMs.toFixed(2)} | ${bare.toFixed(2)} | ${(costMs / bare).toFixed(2)} |`,
      );
    }
  }
} finally {
  server.kill();
  target.close();
  rmSync(folder, { recursive: true, force: true });
  await realm.stop();
}

function open(protection: (typeof LEVELS)[number]): Promise<Socket> {
  const gssapi = { protection: [protection] };
  return connect({
    proxy: `socks5h://localhost:${port}`,
    target: `127.0.0.1:${targetPort}`,
    gssapi,
    allowHalfOpen: true,
  });
}

async function contexts(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      // eslint-disable-next-line no-await-in-loop -- each worker has one at a time
      (await open("integrity")).destroy();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function transfer(
  level: (typeof LEVELS)[number],
  direction: "up" | "down",
): Promise<{ readonly rate: number; readonly costMs: number }> {
  const socket = await open(level);
  const before = await cpuMs();
  const startedAt = performance.now();
  if (direction === "down") {
    socket.end("d");
    let got = 0;
    for await (const chunk of socket) got += (chunk as Buffer).length;
    if (got !== megabytes * 1e6) throw new TypeError(`got ${got} octets`);
  } else {
    const chunk = Buffer.alloc(0x10000, "u");
    for (let sent = 0; sent < megabytes * 1e6; sent += chunk.length) {
      // eslint-disable-next-line no-await-in-loop -- as fast as it is taken
      if (!socket.write(chunk)) await once(socket, "drain");
    }
    socket.end();
    for await (const _ of socket);
  }
  const elapsedMs = performance.now() - startedAt;
  const spentMs = (await cpuMs()) - before;
  return { rate: (megabytes * 1000) / elapsedMs, costMs: spentMs / megabytes };
}

function serve(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.once("data", (first: Buffer) => {
    if (first[0] !== 0x64) return void socket.resume().on("end", () => socket.end());
    const chunk = Buffer.alloc(0x10000, "d");
    let left = megabytes * 1e6;
    const send = (): void => {
      while (left > 0) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        left -= part.length;
        if (!socket.write(part)) return void socket.once("drain", send);
      }
      socket.end();
    };
    return send();
  });
}
