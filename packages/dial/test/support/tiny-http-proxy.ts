import { once } from "node:events";
import net from "node:net";

import { listenTcp, type LoopbackServer } from "@sockskit/testing";

/** What a {@link TinyHttpProxy} asks of its clients, and what it knows. */
export interface TinyHttpProxyOptions {
  /** Asked for with Basic authentication. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Where names lead. Anything else is answered with 502. */
  readonly names?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** Sent before the answer that counts. */
  readonly interim?: string;
}

/** An HTTP proxy for tests that knows CONNECT only, written without this project's codecs. */
export interface TinyHttpProxy extends LoopbackServer {
  /** The request lines it got. */
  readonly requests: readonly string[];
}

/** Starts a {@link TinyHttpProxy} on a free loopback port. */
export async function startTinyHttpProxy(options: TinyHttpProxyOptions = {}): Promise<TinyHttpProxy> {
  const requests: string[] = [];
  const server = await listenTcp((socket) => void serve(socket, options, requests).catch(() => socket.destroy()));
  return Object.assign(server, { requests });
}

async function serve(client: net.Socket, options: TinyHttpProxyOptions, requests: string[]): Promise<void> {
  const { credentials, names = {}, interim = "" } = options;
  const [line = "", ...headers] = (await readHead(client)).split("\r\n");
  requests.push(line);
  const [, host = "", port = ""] = /^CONNECT \[?(.+?)\]?:(\d+) HTTP\/1\.1$/.exec(line) ?? [];
  if (credentials !== undefined) {
    const expected = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    if (!headers.includes(`Proxy-Authorization: Basic ${expected}`)) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\nno');
      return;
    }
  }
  const where = net.isIP(host) === 0 ? names[host] : { host, port: Number(port) };
  const target = where === undefined ? undefined : net.connect({ ...where, allowHalfOpen: true });
  try {
    if (target === undefined) throw new RangeError("an unknown name");
    await once(target, "connect");
  } catch {
    client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno");
    return;
  }
  client.write(`${interim}HTTP/1.1 200 OK\r\n\r\n`);
  target.on("error", () => client.destroy());
  client.on("close", () => target.destroy());
  client.pipe(target).pipe(client);
}

async function readHead(socket: net.Socket): Promise<string> {
  let text = "";
  while (!text.endsWith("\r\n\r\n")) {
    const octet = socket.read(1) as Buffer | null;
    if (octet !== null) text += octet.toString("latin1");
    else if (socket.readableEnded) throw new RangeError("the client left");
    else await once(socket, "readable");
  }
  return text;
}
