import { once } from "node:events";
import net from "node:net";

import { hex, listenTcp, type LoopbackServer, octets, readOctets } from "@sockskit/testing";

/** What a {@link TinyProxy} asks of its clients, and what it knows. */
export interface TinyProxyOptions {
  /** RFC 1929 credentials; without them nobody is asked. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Where names lead. Anything else is refused. */
  readonly names?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

/** A SOCKS server of all versions for tests, written from the RFC and without this project's codecs. */
export interface TinyProxy extends LoopbackServer {
  /** The requests it got, in hexadecimal. */
  readonly requests: readonly string[];
}

/** Starts a {@link TinyProxy} on a free loopback port. It knows CONNECT only. */
export async function startTinyProxy(options: TinyProxyOptions = {}): Promise<TinyProxy> {
  const requests: string[] = [];
  const server = await listenTcp((socket) => {
    serve(socket).catch(() => socket.destroy());
  });

  async function serve(client: net.Socket): Promise<void> {
    const version = (await readOctets(client, 1))[0];
    if (version === 0x04) await serve4(client);
    else await serve5(client);
  }

  async function serve4(client: net.Socket): Promise<void> {
    const head = await readOctets(client, 7);
    const userId = await readString(client);
    const isName = head[3] === 0 && head[4] === 0 && head[5] === 0 && head[6] !== 0;
    const name = isName ? await readString(client) : undefined;
    const tail = [...userId, 0, ...(name === undefined ? [] : [...name, 0])];
    requests.push(hex(Uint8Array.of(0x04, ...head, ...tail)));
    const port = ((head[1] as number) << 8) | (head[2] as number);
    const target = await dial(name === undefined ? [...head.subarray(3)].join(".") : text(name), port);
    client.write(octets(target === undefined ? "00 5b 00 00 00 00 00 00" : "00 5a 00 00 00 00 00 00"));
    relay(client, target);
  }

  async function serve5(client: net.Socket): Promise<void> {
    const [count = 0] = await readOctets(client, 1);
    const methods = await readOctets(client, count);
    const method = options.credentials === undefined ? 0x00 : 0x02;
    if (!methods.includes(method)) return void client.end(octets("05 ff"));
    client.write(Uint8Array.of(0x05, method));
    if (method === 0x02 && !(await login(client))) return void client.end(octets("01 01"));
    const head = await readOctets(client, 4);
    const address = await readAddress(client, head[3] as number);
    const portOctets = await readOctets(client, 2);
    requests.push(hex(Uint8Array.of(...head, ...address.octets, ...portOctets)));
    const target = await dial(address.host, ((portOctets[0] as number) << 8) | (portOctets[1] as number));
    client.write(octets(target === undefined ? "05 05 00 01 00 00 00 00 00 00" : "05 00 00 01 c6 33 64 07 c3 50"));
    relay(client, target);
  }

  async function login(client: net.Socket): Promise<boolean> {
    const [, userLength = 0] = await readOctets(client, 2);
    const username = text(await readOctets(client, userLength));
    const [passwordLength = 0] = await readOctets(client, 1);
    const password = text(await readOctets(client, passwordLength));
    if (username !== options.credentials?.username || password !== options.credentials.password) return false;
    client.write(octets("01 00"));
    return true;
  }

  async function dial(host: string, port: number): Promise<net.Socket | undefined> {
    const where = net.isIP(host) === 0 ? options.names?.[host] : { host, port };
    if (where === undefined) return undefined;
    const target = net.connect({ ...where, allowHalfOpen: true });
    try {
      await once(target, "connect");
      return target;
    } catch {
      return undefined;
    }
  }

  return Object.assign(server, { requests });
}

function relay(client: net.Socket, target: net.Socket | undefined): void {
  if (target === undefined) return void client.end();
  target.on("error", () => client.destroy());
  target.on("close", () => client.destroy());
  client.on("close", () => target.destroy());
  client.pipe(target).pipe(client);
}

async function readAddress(client: net.Socket, atyp: number): Promise<{ host: string; octets: readonly number[] }> {
  if (atyp === 0x03) {
    const [length = 0] = await readOctets(client, 1);
    const name = await readOctets(client, length);
    return { host: text(name), octets: [length, ...name] };
  }
  const ip = await readOctets(client, atyp === 0x01 ? 4 : 16);
  const host =
    atyp === 0x01
      ? ip.join(".")
      : hex(ip)
          .replaceAll(" ", "")
          .replaceAll(/(.{4})(?=.)/g, "$1:");
  return { host, octets: [...ip] };
}

async function readString(client: net.Socket): Promise<Uint8Array> {
  const result: number[] = [];
  for (;;) {
    const [octet = 0] = await readOctets(client, 1);
    if (octet === 0) return Uint8Array.from(result);
    result.push(octet);
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
