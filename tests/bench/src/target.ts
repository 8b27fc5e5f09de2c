// The host behind the proxies, a process of its own. On the message "listen" it opens a port that was not used
// before: what earlier connections left in TIME_WAIT does not matter. The first octet of a connection says what
// it is for.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { KIND } from "./job.ts";

const BLOCK = Buffer.alloc(256 * 1024, 0x61);
let server: Server | undefined;
const sockets = new Set<Socket>();

process.on("message", () => {
  server?.close();
  for (const socket of sockets) socket.destroy();
  server = createServer({ noDelay: true }, serve);
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, function (this: Server) {
    process.send?.((this.address() as AddressInfo).port);
  });
});
process.on("disconnect", () => process.exit());

function serve(socket: Socket): void {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => {});
  socket.once("data", (first: Buffer) => {
    const kind = first[0];
    if (kind === KIND.echo) {
      socket.on("data", (chunk: Buffer) => socket.write(chunk));
      if (first.length > 1) socket.write(first.subarray(1));
      return;
    }
    socket.resume(); // what comes in is counted by nobody
    const pump = (): void => {
      while (!socket.destroyed && socket.write(BLOCK));
    };
    socket.on("drain", pump);
    pump();
  });
}
