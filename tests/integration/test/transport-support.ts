import { once } from "node:events";
import net from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { authorityCertificate, certificatePair, type CertificateName, octets, readOctets } from "@sockskit/testing";
import { afterTest, connectRequest, connectTo, GREETING } from "./server-support.ts";

/** TLS options of a listener with the certificate for localhost. */
export const SERVER_TLS = { certificates: [certificatePair("server")] } as const;
/** The same, and clients must show a certificate. */
export const MUTUAL_TLS = { ...SERVER_TLS, clientCa: authorityCertificate() } as const;

/** Connects with TLS, trusting the tests' authority. */
export async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const ca = authorityCertificate();
  const secured = connect({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    ca,
    allowHalfOpen: true,
    ...options,
  } as ConnectionOptions);
  afterTest(() => secured.destroy());
  secured.on("error", () => undefined);
  await once(secured, "secureConnect");
  return secured;
}

/** The same as the client with a certificate. */
export function connectTlsAs(name: CertificateName, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return connectTls(port, { ...certificatePair(name), ...options });
}

/** Asks for a tunnel on a connection; gives the REP octet. */
export async function ask(client: net.Socket, targetPort: number): Promise<number> {
  client.write(Buffer.concat([GREETING, connectRequest(targetPort)]));
  return (await readOctets(client, 12))[3] as number;
}

/** Connects to a Unix socket. */
export async function connectUnix(path: string): Promise<net.Socket> {
  const client = net.connect({ path, allowHalfOpen: true });
  afterTest(() => client.destroy());
  await once(client, "connect");
  client.on("error", () => undefined);
  return client;
}

/** A PROXY line of version 1 from 192.0.2.33:49200 to 198.51.100.7:1080. */
export const LINE: Uint8Array = Buffer.from("PROXY TCP4 192.0.2.33 198.51.100.7 49200 1080\r\n");
/** The same in version 2. */
export const HEADER: Uint8Array = octets(
  "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c c0 00 02 21 c6 33 64 07 c0 30 04 38",
);

/** Connects and sends what a balancer would. */
export async function connectThrough(port: number, header: Uint8Array): Promise<net.Socket> {
  const client = await connectTo(port);
  client.write(header);
  return client;
}
