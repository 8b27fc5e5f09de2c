// One client under load, in a process of its own: `subject.ts NAME PORT CONNECTS WARM_UP`. Prints what it took as JSON.
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";

import { connect } from "@sockskit/client";
import { SocksClient } from "socks";

const [name = "", port = "", connects = "", warmUp = ""] = process.argv.slice(2);
const PARALLEL = 16;
const target = { host: "example.com", port: 80 };

const subjects: Readonly<Record<string, () => Promise<Socket>>> = {
  sockskit: () => connect({ proxy: `socks5h://127.0.0.1:${port}`, target: "example.com:80" }),
  socks: async () => {
    const proxy = { host: "127.0.0.1", port: Number(port), type: 5 } as const;
    const { socket } = await SocksClient.createConnection({ proxy, command: "connect", destination: target });
    return socket;
  },
  bare: bareConnect,
};

const subject = subjects[name];
if (subject === undefined) throw new TypeError(`unknown subject ${name}; expected ${Object.keys(subjects).join(", ")}`);

await load(Number(warmUp));
const cpu = process.cpuUsage();
const start = performance.now();
await load(Number(connects));
const elapsedMs = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const count = Number(connects);
console.log(
  JSON.stringify({ cpuUs: (user + system) / count, userUs: user / count, perSecond: (count / elapsedMs) * 1000 }),
);
process.exit();

async function load(count: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = await (subject as () => Promise<Socket>)();
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, one));
}

/** The floor: a handshake by hand that checks nothing and has no deadline. */
function bareConnect(): Promise<Socket> {
  const greeting = Uint8Array.of(0x05, 0x01, 0x00);
  const request = Uint8Array.of(0x05, 0x01, 0x00, 0x03, 11, ...Buffer.from("example.com"), 0x00, 80);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: "127.0.0.1", port: Number(port), noDelay: true }, () => socket.write(greeting));
    let isGreeted = false;
    const onData = (): void => {
      if (!isGreeted) {
        isGreeted = true;
        socket.write(request);
        return;
      }
      socket.pause();
      socket.removeListener("data", onData);
      socket.removeListener("error", reject);
      resolve(socket);
    };
    socket.on("data", onData);
    socket.on("error", reject);
  });
}
