import dgram from "node:dgram";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";

import { type LoopbackServer, listenTcp, readOctets } from "./tcp.ts";

/** What a {@link UdpRelay} does. */
export interface UdpRelayOptions {
  /** `BND.ADDR` and what comes before it, from `ATYP` on; the port is added. Default: ATYP 01 and 127.0.0.1. */
  readonly boundAddress?: readonly number[];
  /** `BND.PORT` instead of the relay's. */
  readonly boundPort?: number;
  /** `REP`. Default 0x00. */
  readonly rep?: number;
  /** Where the relay listens. Default 127.0.0.1. */
  readonly host?: string;
  /** Sends every datagram back at once: its target seems to answer with what it got. Default false. */
  readonly echo?: boolean;
}

/** A SOCKS 5 server that knows UDP ASSOCIATE only, and whose relay does what a test says. Written from the RFC. */
export interface UdpRelay extends LoopbackServer {
  /** The requests it got. */
  readonly requests: readonly Uint8Array[];
  /** The datagrams it got. */
  readonly datagrams: readonly Uint8Array[];
  /** Port of the relay. */
  readonly relayPort: number;
  /** Waits for the datagram with this number, counted from 0. */
  readonly datagram: (index: number) => Promise<Uint8Array>;
  /** Sends octets to who sent last. */
  readonly answer: (octets: Uint8Array) => void;
  /** Stops relaying, and leaves the control connection alone. */
  readonly stopRelaying: () => Promise<void>;
}

/** Starts a {@link UdpRelay}. */
export async function listenUdpRelay(options: UdpRelayOptions = {}): Promise<UdpRelay> {
  const { host = "127.0.0.1", rep = 0x00, boundAddress = [0x01, 127, 0, 0, 1] } = options;
  const requests: Uint8Array[] = [];
  const datagrams: Uint8Array[] = [];
  const relay = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
  let isOpen = true;
  let last: AddressInfo | undefined;
  relay.on("message", (message, { address, port, family }) => {
    last = { address, port, family };
    datagrams.push(Uint8Array.from(message));
    if (options.echo === true) relay.send(message, port, address);
    relay.emit("counted");
  });
  relay.bind(0, host);
  await once(relay, "listening");
  const relayPort = relay.address().port;
  const server = await listenTcp((socket) => void serve(socket).catch(() => socket.destroy()));

  async function serve(socket: Socket): Promise<void> {
    const [, count = 0] = await readOctets(socket, 2);
    await readOctets(socket, count);
    socket.write(Uint8Array.of(0x05, 0x00));
    requests.push(await readOctets(socket, 10));
    const port = options.boundPort ?? relayPort;
    socket.write(Uint8Array.of(0x05, rep, 0x00, ...boundAddress, port >> 8, port & 0xff));
    socket.resume();
  }

  const stopRelaying = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    relay.close();
    await once(relay, "close");
  };
  return {
    ...server,
    requests,
    datagrams,
    relayPort,
    datagram: async (index) => {
      const signal = AbortSignal.timeout(5000);
      while (datagrams[index] === undefined) await once(relay, "counted", { signal });
      return datagrams[index];
    },
    answer: (octets) => {
      if (last !== undefined) relay.send(octets, last.port, last.address);
    },
    stopRelaying,
    close: async () => {
      await stopRelaying();
      await server.close();
    },
  };
}
