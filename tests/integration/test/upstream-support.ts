import type net from "node:net";
import { concat, type LoopbackServer, octets, readOctets } from "@sockskit/testing";
import { connectTo, GREETING, portHex, startTarget } from "./server-support.ts";

/** A proxy of another make: what it was told, and what it answers. */
export interface ScriptedProxy extends LoopbackServer {
  /** What each of its clients sent up to the request, in hexadecimal, in order. */
  readonly heard: readonly string[];
  /** Clients that came. */
  readonly count: () => number;
}

/**
 * Starts a SOCKS 5 proxy that wants no password, reads requests for addresses and names, and answers all of them with
 * the same octets. It leads nowhere: after a success it sends back what it gets.
 */
export async function startProxy(answer: string, onClient?: (socket: net.Socket) => void): Promise<ScriptedProxy> {
  const heard: string[] = [];
  let count = 0;
  const serve = async (socket: net.Socket): Promise<void> => {
    const [, methods = 0] = await readOctets(socket, 2);
    await readOctets(socket, methods);
    socket.write(octets("05 00"));
    const head = await readOctets(socket, 4);
    const length = head[3] === 0x03 ? await readOctets(socket, 1) : new Uint8Array(0);
    const rest = await readOctets(socket, (head[3] === 0x03 ? (length[0] as number) : head[3] === 0x01 ? 4 : 16) + 2);
    heard.push(Buffer.concat([head, length, rest]).toString("hex"));
    if (answer === "") return void socket.end();
    socket.write(octets(answer));
    if (octets(answer)[1] === 0x00) socket.pipe(socket);
    else socket.end();
  };
  const server = await startTarget((socket) => {
    count += 1;
    onClient?.(socket);
    serve(socket).catch(() => socket.destroy());
  });
  return Object.assign(server, { heard, count: () => count });
}

/** Success, with 198.51.100.7:50000 as the address of the proxy's own connection. */
export const GRANTED = "05 00 00 01 c6 33 64 07 c3 50";
/** A success as our own client is told it: after the method choice, with the address that the upstream told. */
export const GRANTED_HEX = "050005000001c6336407c350";

/** The request for a name, as a proxy hears it. */
export function namedRequest(name: string, port: number): string {
  return `05010003${Buffer.byteLength(name).toString(16).padStart(2, "0")}${Buffer.from(name).toString("hex")}${portHex(port)}`;
}

/** The URL of a proxy on this host. */
export const url = (port: number, scheme = "socks5h"): string => `${scheme}://127.0.0.1:${port}`;

/** The replies to a request that is granted, in hexadecimal. */
export async function ask(port: number, request: Uint8Array): Promise<string> {
  const client = await connectTo(port);
  client.write(concat(GREETING, request));
  const reply = Buffer.from(await readOctets(client, 12)).toString("hex");
  client.destroy();
  return reply;
}
