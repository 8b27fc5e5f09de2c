import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Two ends of one connection over loopback. */
export async function socketPair(allowHalfOpen = true): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const { port } = server.address() as { readonly port: number };
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen });
  const [[other]] = (await Promise.all([accepted, once(client, "connect")])) as unknown as [[Socket]];
  server.close();
  return [client, other];
}
