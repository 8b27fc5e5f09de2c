import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type net from "node:net";
import type { Resolver } from "@sockskit/dial";
import type { DropReason } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import { ipv4Address } from "@sockskit/wire";
import { afterTest, connectTo, GREETING, portHex, pause, type Running, until } from "./server-support.ts";

/** A UDP socket on loopback, for one test. */
export interface UdpPeer {
  readonly socket: Socket;
  readonly port: number;
  /** What came, in order. */
  readonly received: { readonly data: Buffer; readonly from: RemoteInfo }[];
  /** Waits for the next datagram that nobody has waited for. */
  readonly next: (timeoutMs?: number) => Promise<Buffer>;
  readonly send: (data: Uint8Array | string, port: number, host?: string) => void;
  readonly close: () => Promise<void>;
}

/** Opens a UDP socket; it is closed after the test. */
export async function openUdp(host = "127.0.0.1", port = 0): Promise<UdpPeer> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => undefined);
  socket.bind(port, host);
  await once(socket, "listening");
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  };
  afterTest(close);
  const received: { data: Buffer; from: RemoteInfo }[] = [];
  let taken = 0;
  let wake = (): void => undefined;
  socket.on("message", (data, from) => {
    received.push({ data, from });
    wake();
  });
  const next = async (timeoutMs = 3_000): Promise<Buffer> => {
    const late = performance.now() + timeoutMs;
    while (received.length <= taken) {
      const leftMs = late - performance.now();
      if (leftMs <= 0) throw new TypeError(`no datagram within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    taken += 1;
    return (received[taken - 1] as { data: Buffer }).data;
  };
  const send = (data: Uint8Array | string, toPort: number, toHost = host): void => socket.send(data, toPort, toHost);
  return { socket, port: socket.address().port, received, next, send, close };
}

/** Opens a UDP socket that sends everything back. */
export async function openUdpEcho(host?: string): Promise<UdpPeer> {
  const echo = await openUdp(host);
  echo.socket.on("message", (data, from) => echo.socket.send(data, from.port, from.address));
  return echo;
}

/** UDP ASSOCIATE with all zeros: the client does not know yet where it will send from. */
export const ASSOCIATE: Uint8Array = octets("05 03 00 01 00 00 00 00 00 00");

/** An association and the socket of its client. */
export interface TestAssociation {
  readonly control: net.Socket;
  readonly client: UdpPeer;
  readonly relayPort: number;
  /** Sends through the relay. */
  readonly send: (header: Uint8Array, data?: Uint8Array | string) => void;
}

/** Asks for an association over IPv4. */
export async function associate(port: number, request = ASSOCIATE, host = "127.0.0.1"): Promise<TestAssociation> {
  const client = await openUdp(host);
  const control = await connectTo(port);
  control.write(concat(GREETING, request));
  const replies = await readOctets(control, 12);
  const hex = Buffer.from(replies).toString("hex");
  if (!hex.startsWith("05000500000")) throw new TypeError(`the request was answered ${hex}`);
  const relayPort = Buffer.from(replies).readUInt16BE(10);
  const send = (header: Uint8Array, data: Uint8Array | string = ""): void =>
    client.send(concat(header, Buffer.from(data as string)), relayPort, "127.0.0.1");
  return { control, client, relayPort, send };
}

/** The header of a datagram to an IPv4 address, by default 127.0.0.1. */
export function header4(port: number, host = "7f 00 00 01", frag = "00"): Uint8Array {
  return octets(`00 00 ${frag} 01 ${host} ${portHex(port)}`);
}

/** The header of a datagram to ::1. */
export function header6(port: number): Uint8Array {
  return octets(`00 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 ${portHex(port)}`);
}

/** The header of a datagram to a name. */
export function headerName(name: string, port: number): Uint8Array {
  const length = Buffer.byteLength(name).toString(16).padStart(2, "0");
  return octets(`00 00 00 03 ${length} ${Buffer.from(name).toString("hex")} ${portHex(port)}`);
}

/** Ends the association of the only session, and tells what was dropped in it. */
export async function droppedIn(
  running: Running,
  control: { end: () => void },
): Promise<Partial<Record<DropReason, number>>> {
  // What is still on its way when the association ends is counted by nobody.
  for (let before = ""; before !== JSON.stringify(running.server.stats); await pause(60)) {
    before = JSON.stringify(running.server.stats);
  }
  control.end();
  await until(() => running.log.closed.length === 1, "the session is closed");
  const [error] = running.log.error;
  if (error !== undefined) throw error;
  const { dropped } = running.log.closed[0]?.datagrams ?? {};
  return Object.fromEntries(Object.entries(dropped ?? {}).filter(([, count]) => count > 0));
}

/** A resolver that knows these names, and what it was asked. */
export function resolverOf(
  names: Readonly<Record<string, readonly string[]>>,
): Resolver & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: (name) => {
      asked.push(name);
      const hosts = names[name];
      if (hosts === undefined) return Promise.reject(new TypeError("no such name"));
      return Promise.resolve(hosts.map((host) => ipv4Address(Uint8Array.from(host.split("."), Number), 0)));
    },
  };
}
