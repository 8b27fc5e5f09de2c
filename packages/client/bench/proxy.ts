// A SOCKS 5 server that grants everything and dials nothing: what is measured is the client. Prints its port.
import { createServer, type AddressInfo } from "node:net";

const METHOD_REPLY = Uint8Array.of(0x05, 0x00);
const REPLY = Uint8Array.of(0x05, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00);

const server = createServer({ noDelay: true }, (socket) => {
  let isGreeted = false;
  socket.on("error", () => undefined);
  socket.on("data", () => {
    socket.write(isGreeted ? REPLY : METHOD_REPLY);
    isGreeted = true;
  });
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
  console.log((server.address() as AddressInfo).port);
});
process.on("disconnect", () => process.exit());
