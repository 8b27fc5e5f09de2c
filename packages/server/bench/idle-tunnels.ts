/**
 * Prints what idle tunnels cost: `node packages/server/bench/idle-tunnels.ts [tunnels]`, by default 5,000.
 *
 * The server runs in a process of its own, without the load in it. One line of JSON: tunnels that stood open, the
 * server's resident set before and with them, and the difference for each.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { octets, readOctets } from "@sockskit/testing";

const tunnels = Number(process.argv[2] ?? 5_000);
/** Connections that are being opened at the same time. */
const AT_ONCE = 50;

const SERVER = `
  import { createServer } from "@sockskit/server";
  const server = createServer({ listen: [{ port: 0 }], limits: { perClient: 1_000_000 }, engine: "portable" });
  const [{ port }] = await server.listen();
  console.log(port);
  process.stdin.on("end", () => process.exit(0)).resume();
`;

function residentBytes(pid: number | undefined): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1_024;
}

const child = spawn(process.execPath, ["--input-type=module", "-e", SERVER], {
  cwd: import.meta.dirname,
  stdio: ["pipe", "pipe", "inherit"],
});
const [port] = (await once(createInterface(child.stdout), "line")) as [string];
const target = net.createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
await once(target, "listening");
const targetPort = (target.address() as net.AddressInfo).port.toString(16).padStart(4, "0");
const before = residentBytes(child.pid);

const clients: net.Socket[] = [];
async function openOne(): Promise<void> {
  const client = net.connect({ port: Number(port), host: "127.0.0.1" });
  clients.push(client);
  client.write(octets(`05 01 00 05 01 00 01 7f 00 00 01 ${targetPort}`));
  const replies = await readOctets(client, 12, 30_000);
  if (replies[3] !== 0x00) throw new TypeError(`tunnel ${clients.length} was refused with ${replies[3]}`);
}
for (let open = 0; open < tunnels; open += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, tunnels - open) }, openOne));
}
await new Promise((resolve) => setTimeout(resolve, 1_000));
const after = residentBytes(child.pid);

const [mib, each] = [(bytes: number) => Math.round(bytes / 2 ** 20), Math.round((after - before) / tunnels)];
console.log(JSON.stringify({ tunnels, rssBeforeMib: mib(before), rssMib: mib(after), bytesPerTunnel: each }));
child.stdin.end();
for (const client of clients) client.destroy();
target.close();
