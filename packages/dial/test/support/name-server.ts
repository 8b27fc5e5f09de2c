import dgram from "node:dgram";
import { once } from "node:events";

/** A name server on loopback for one test. */
export interface NameServer {
  /** Its `address:port`. */
  readonly address: string;
  /** What it was asked: `name A`, `name AAAA`, `name PTR`. */
  readonly questions: readonly string[];
  /** Stops it. */
  readonly close: () => Promise<void>;
}

const TYPES: Readonly<Record<number, string>> = { 1: "A", 12: "PTR", 28: "AAAA" };

/** Starts a DNS server that knows these records (`name A`: octets); a value `"silent"` is never answered. */
export async function startNameServer(
  records: Readonly<Record<string, readonly number[] | "silent">>,
): Promise<NameServer> {
  const questions: string[] = [];
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => {
    const { name, type, end } = readQuestion(message);
    const question = `${name} ${TYPES[type] ?? type}`;
    questions.push(question);
    const data = records[question];
    if (data === "silent") return;
    const count = data === undefined ? 0 : 1;
    const header = [message[0], message[1], 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0] as number[];
    const answer = data === undefined ? [] : [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data];
    socket.send(Uint8Array.from([...header, ...message.subarray(12, end), ...answer]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] as number; length !== 0; length = message[at] as number) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}
