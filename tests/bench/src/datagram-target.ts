// The host behind the proxies that gets datagrams, a process of its own. It counts them, and sends them back when it is
// told to. On a message it opens a socket, or tells what it has counted since it was asked last.
import { createSocket, type Socket } from "node:dgram";

/** What the parent asks. */
type Order = { readonly type: "open"; readonly echo: boolean } | { readonly type: "count" };

let socket: Socket | undefined;
let received = 0;

process.on("disconnect", () => process.exit());
process.on("message", (order: Order) => {
  if (order.type === "count") {
    process.send?.(received);
    received = 0;
    return;
  }
  socket?.close();
  const fresh = createSocket({ type: "udp4", recvBufferSize: 8 * 1024 * 1024 });
  socket = fresh;
  received = 0;
  fresh.on("error", () => {}); // an answer that cannot be sent is one that is lost
  fresh.on("message", (data, { port, address }) => {
    received += 1;
    if (order.echo) fresh.send(data, port, address);
  });
  fresh.bind(0, "127.0.0.1", () => process.send?.(fresh.address().port));
});
