import net, { type Socket } from "node:net";

import { type LoopbackServer, listenTcp, readOctets } from "@sockskit/testing";

/** A SOCKS 4, 4A and 5 proxy, written down from the specifications for these tests; it shares no code with sockskit. */
export interface TestProxy extends LoopbackServer {
  /** The requests that came, as text: `5 connect name server.example 22 alice`. */
  readonly requests: readonly string[];
}

/** What a {@link TestProxy} does. */
export interface TestProxyOptions {
  /** Lets in this user only, by RFC 1929. */
  readonly user?: { readonly name: string; readonly password: string };
  /** What to do instead of connecting: answer with this REP. */
  readonly rep?: number;
}

/** Starts it. Every name is this host. */
export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const requests: string[] = [];
  const server = await listenTcp((socket) => {
    serve(socket, options, requests).catch(() => socket.destroy());
  });
  return Object.assign(server, { requests });
}

async function serve(socket: Socket, options: TestProxyOptions, requests: string[]): Promise<void> {
  const [version = 0] = await readOctets(socket, 1);
  if (version === 4) return serve4(socket, requests);
  const [count = 0] = await readOctets(socket, 1);
  const methods = await readOctets(socket, count);
  const method = options.user === undefined ? 0x00 : 0x02;
  if (!methods.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
  socket.write(Buffer.from([5, method]));
  const name = method === 0x02 ? await authenticate(socket, options.user) : "";
  const [, cmd = 0, , atyp = 0] = await readOctets(socket, 4);
  const length = atyp === 1 ? 4 : atyp === 4 ? 16 : ((await readOctets(socket, 1))[0] ?? 0);
  const address = Buffer.from(await readOctets(socket, length));
  const port = Buffer.from(await readOctets(socket, 2)).readUInt16BE();
  const host = atyp === 3 ? `name ${address.toString()}` : atyp === 1 ? address.join(".") : address.toString("hex");
  requests.push(`5 ${cmd} ${host} ${port} ${name}`.trim());
  const reply = (rep: number): Buffer => Buffer.from([5, rep, 0, 1, 0, 0, 0, 0, 0, 0]);
  if (cmd !== 1) return void socket.end(reply(0x07));
  if (options.rep !== undefined) return void socket.end(reply(options.rep));
  relay(socket, atyp === 4 ? "::1" : "127.0.0.1", port, reply(0x00), reply(0x05));
}

async function serve4(socket: Socket, requests: string[]): Promise<void> {
  const head = Buffer.from(await readOctets(socket, 7));
  const port = head.readUInt16BE(1);
  const userId = await readText(socket);
  const is4a = head.subarray(3, 6).every((octet) => octet === 0) && head[6] !== 0;
  const host = is4a ? `name ${await readText(socket)}` : head.subarray(3).join(".");
  requests.push(`${is4a ? "4a" : "4"} ${head[0]} ${host} ${port} ${userId}`.trim());
  relay(socket, "127.0.0.1", port, Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0]), Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]));
}

async function readText(socket: Socket): Promise<string> {
  let text = "";
  for (;;) {
    const [octet = 0] = await readOctets(socket, 1);
    if (octet === 0) return text;
    text += String.fromCharCode(octet);
  }
}

async function authenticate(socket: Socket, user: TestProxyOptions["user"]): Promise<string> {
  const [, nameLength = 0] = await readOctets(socket, 2);
  const name = Buffer.from(await readOctets(socket, nameLength)).toString();
  const [passwordLength = 0] = await readOctets(socket, 1);
  const password = Buffer.from(await readOctets(socket, passwordLength)).toString();
  const isKnown = name === user?.name && password === user.password;
  socket.write(Buffer.from([1, isKnown ? 0 : 1]));
  if (isKnown) return name;
  socket.end();
  return new Promise(() => undefined);
}

/** Half-close travels through, and so does a reset. */
function relay(client: Socket, host: string, port: number, granted: Buffer, refused: Buffer): void {
  const target = net.connect({ host, port, allowHalfOpen: true });
  let isOpen = false;
  target.on("error", () => (isOpen ? client.resetAndDestroy() : client.end(refused)));
  client.on("error", () => target.destroy());
  client.on("close", () => target.destroy());
  target.on("connect", () => {
    isOpen = true;
    client.write(granted);
    client.pipe(target);
    target.pipe(client);
  });
}
