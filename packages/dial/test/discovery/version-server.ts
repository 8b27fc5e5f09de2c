import type { Socket } from "node:net";

import { hex, listenTcp, type LoopbackServer, octets } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { onTestFinished } from "vitest";

import { createDiscoveryMemory, dialThrough, type DialThroughOptions, type DiscoveryOptions } from "../../src/index.ts";

/** What a peer does with the first message of a connection: octets to send, an ending, or nothing. */
export type Reaction = "close" | "reset" | "silent" | (string & {});

/** How a scripted peer takes each version. */
export interface Reactions {
  /** To a greeting of SOCKS 5. What is sent is its answer; after `05 00` requests are granted. */
  readonly greeting: Reaction;
  /** To a SOCKS 4 request for an address. */
  readonly address?: Reaction;
  /** To a SOCKS 4A request. */
  readonly name?: Reaction;
}

/** A peer whose connections and octets are written down. */
export interface VersionServer extends LoopbackServer {
  /** The first message of each connection, in hexadecimal. */
  readonly heard: string[];
  /** Everything that came, in hexadecimal. */
  readonly everything: string[];
  /** How it behaves from now on. */
  reactions: Reactions;
}

export const GRANTED_4 = "00 5a 00 00 00 00 00 00";
export const REFUSED_4 = "00 5b 00 00 00 00 00 00";
const GRANTED_5 = "05 00 00 01 00 00 00 00 00 00";

/** Listens. Octets are written out by hand, from RFC 1928 and the SOCKS 4 documents. */
async function listenVersions(reactions: Reactions): Promise<VersionServer> {
  const heard: string[] = [];
  const everything: string[] = [];
  const listener = await listenTcp((socket: Socket) => {
    let isFirst = true;
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
    socket.on("data", (message: Buffer) => {
      everything.push(hex(message));
      if (!isFirst) {
        // Who asks for a password here lets everybody in.
        if (message[0] === 0x01) socket.write(octets("01 00"));
        else if (message[0] === 0x05) socket.write(octets(GRANTED_5));
        return;
      }
      isFirst = false;
      heard.push(hex(message));
      react(socket, reactionTo(message, server.reactions));
    });
  });
  const server = Object.assign(listener, { heard, everything, reactions });
  return server;
}

function reactionTo(message: Buffer, { greeting, address = "close", name = address }: Reactions): Reaction {
  if (message[0] === 0x05) return greeting;
  const isName = message[4] === 0 && message[5] === 0 && message[6] === 0 && message[7] !== 0;
  return isName ? name : address;
}

function react(socket: Socket, reaction: Reaction): void {
  if (reaction === "close") socket.end();
  else if (reaction === "reset") socket.resetAndDestroy();
  else if (reaction !== "silent") socket.write(octets(reaction));
}

/** Starts a {@link VersionServer} until the end of the test. */
export async function listen(reactions: Reactions): Promise<VersionServer> {
  const server = await listenVersions(reactions);
  onTestFinished(() => server.close());
  return server;
}

export const SOCKS5: Reactions = { greeting: "05 00" };
export const GREETING = "05 01 00";
export const NAME_REQUEST = "04 01 00 50 00 00 00 01 00 65 78 61 6d 70 6c 65 2e 63 6f 6d 00";
export const ADDRESS_REQUEST = "04 01 00 50 c0 00 02 01 00";

/** What differs from a plain call. */
export interface Attempt extends Partial<DialThroughOptions> {
  readonly to?: string;
  readonly userinfo?: string;
}

/** A call with a memory of its own unless it is given one. */
export function optionsFor(server: VersionServer, { to = "example.com:80", userinfo = "", ...rest }: Attempt = {}) {
  const discovery: DiscoveryOptions = { memory: createDiscoveryMemory(), answerTimeoutMs: 100, ...rest.discovery };
  return {
    chain: [parseProxyUrl(`auto://${userinfo}127.0.0.1:${server.port}`)],
    destination: parseHostPort(to),
    timeoutMs: 5000,
    ...rest,
    discovery,
  };
}

/** What was spoken in the end. */
export async function spoken(server: VersionServer, attempt?: Attempt): Promise<string> {
  const { socket, hops } = await dialThrough(optionsFor(server, attempt));
  socket.destroy();
  return hops.map(({ scheme }) => scheme).join(" ");
}
