import { once } from "node:events";
import net from "node:net";
import { afterEach } from "vitest";
import { createServer, type ServerEvents, type ServerOptions, type SocksServer } from "@sockskit/server";
import { listenEcho, listenTcp, type LoopbackServer, octets, readOctets, readToEnd } from "@sockskit/testing";

/** What went on in a server, by kind, in order. */
export type Log = { readonly [K in keyof ServerEvents]: ServerEvents[K][0][] };

/** A server under test. */
export interface Running {
  readonly server: SocksServer;
  /** Port of its first listener. */
  readonly port: number;
  readonly log: Log;
}

/** What serves the clients in these tests. The suite is run once for each. */
export const ENGINE = process.env["SOCKSKIT_TEST_ENGINE"] === "fastpath" ? "fastpath" : "portable";

const cleanups: (() => unknown)[] = [];

/** Does something when the test is over, the last thing first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Starts a server on a free loopback port; log-ins that fail are answered without delay unless options say otherwise. */
export async function startServer(options: ServerOptions = {}): Promise<Running> {
  const { timeouts, ...others } = options;
  const server = createServer({
    engine: ENGINE,
    listen: [{ port: 0 }],
    timeouts: { loginFailureMs: 0, ...timeouts },
    ...others,
  });
  const log: Log = {
    session: [],
    authenticated: [],
    denied: [],
    bound: [],
    connected: [],
    answered: [],
    closed: [],
    upstream: [],
    error: [],
  };
  for (const [name, events] of Object.entries(log)) {
    server.on(name as "session", (event) => events.push(event as never));
  }
  afterTest(() => server.close());
  const [first] = await server.listen();
  return { server, port: first?.port ?? 0, log };
}

/** Starts a target that sends back what it gets. */
export async function startEcho(host?: string): Promise<LoopbackServer> {
  const echo = await listenEcho(host === undefined ? {} : { host });
  afterTest(echo.close);
  return echo;
}

/** Starts a target that does what it is told. */
export async function startTarget(onConnection: (socket: net.Socket) => void): Promise<LoopbackServer> {
  const target = await listenTcp(onConnection);
  afterTest(target.close);
  return target;
}

/** Connects as a client that sends octets of its own. */
export async function connectTo(port: number, host = "127.0.0.1", localAddress?: string): Promise<net.Socket> {
  const socket = net.connect({
    port,
    host,
    allowHalfOpen: true,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  afterTest(() => socket.destroy());
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

/** The octets of a port, as hexadecimal text. */
export function portHex(port: number): string {
  return port.toString(16).padStart(4, "0");
}

/** Greeting with "no authentication" only. */
export const GREETING: Uint8Array = octets("05 01 00");
/** Greeting with "user name and password" only. */
export const GREETING_USERPASS: Uint8Array = octets("05 01 02");
/** A successful method choice of "no authentication". */
export const SELECT_NONE: Uint8Array = octets("05 00");

/** What a client has got whose request was refused: the replies before it, by default a method choice, and REP. */
export function refused(rep: string, before = "0500"): string {
  return `${before}05${rep}0001000000000000`;
}

/** CONNECT to an IPv4 address of this host, by default 127.0.0.1. */
export function connectRequest(port: number, host = "7f 00 00 01"): Uint8Array {
  return octets(`05 01 00 01 ${host} ${portHex(port)}`);
}

/** CONNECT to a name. */
export function connectName(name: string, port: number): Uint8Array {
  const length = Buffer.byteLength(name).toString(16).padStart(2, "0");
  return octets(`05 01 00 03 ${length} ${Buffer.from(name).toString("hex")} ${portHex(port)}`);
}

/** SOCKS 4 CONNECT to 127.0.0.1 with an empty user id. */
export function connectRequest4(port: number): Uint8Array {
  return octets(`04 01 ${portHex(port)} 7f 00 00 01 00`);
}

/** The message of RFC 1929. */
export function credentials(name: string, password: string): Uint8Array {
  const field = (text: string): string =>
    Buffer.byteLength(text).toString(16).padStart(2, "0") + Buffer.from(text).toString("hex");
  return octets(`01 ${field(name)} ${field(password)}`);
}

/** Opens a tunnel with SOCKS 5 and no authentication. */
export async function openTunnel(serverPort: number, targetPort: number): Promise<net.Socket> {
  const client = await connectTo(serverPort);
  client.write(Buffer.concat([GREETING, connectRequest(targetPort)]));
  const replies = await readOctets(client, 12);
  if (replies[3] !== 0x00) throw new TypeError(`the request was answered ${Buffer.from(replies).toString("hex")}`);
  return client;
}

/** Everything that a client gets for what it sends, until the server ends. */
export async function converse(port: number, ...sent: readonly Uint8Array[]): Promise<string> {
  const client = await connectTo(port);
  client.write(Buffer.concat(sent));
  const received = await readToEnd(client);
  client.end();
  return Buffer.from(received).toString("hex");
}

/** Waits for what must become true within some seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    if (waitedMs > 8_000) throw new TypeError(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits a while in which nothing should happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
