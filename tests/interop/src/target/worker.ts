// The hosts that clients reach through proxies, in a thread of their own so that hashing does not slow the
// programs under test. On 127.0.0.1, and on ::1 where there is one:
//   http    GET /bytes/N, PUT /digest, GET /page, GET /received/KEY
//   lines   one line tells it what to do: "digest N", "digest" (up to the end of the stream),
//           "source N", "late KEY"
//   greeter speaks first, then echoes
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { parentPort } from "node:worker_threads";
import { bodyStream, formatReceived, Sum, type Received } from "./body.ts";

/** What the greeter says before anything was sent to it. */
const GREETING = "220 target ready\r\n";

/** What `late` connections sent after the target had ended its own side. */
const received = new Map<string, Received>();

const ports = {
  http: await listenTwice(() => createHttpServer((request, response) => void answer(request, response))),
  lines: await listenTwice(() => createServer({ allowHalfOpen: true }, (socket) => obey(guard(socket)))),
  greeter: await listenTwice(() => createServer({ allowHalfOpen: true }, (socket) => greet(guard(socket)))),
};
parentPort?.postMessage(ports);

async function listenTwice(create: () => Server): Promise<number> {
  for (let tries = 0; ; tries++) {
    const four = await listen(create(), 0, "127.0.0.1");
    const { port } = four.address() as AddressInfo;
    try {
      await listen(create(), port, "::1");
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") return port; // a host without IPv6
      four.close();
      if (tries > 20) throw error;
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

function guard(socket: Socket): Socket {
  socket.setNoDelay(true);
  socket.setTimeout(60_000, () => socket.destroy());
  return socket.on("error", () => socket.destroy());
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what, argument = ""] = (request.url ?? "/").split("/");
  try {
    if (request.method === "PUT" && what === "digest") {
      const sum = new Sum();
      for await (const chunk of request) sum.add(chunk as Buffer);
      response.end(formatReceived(sum.result()));
    } else if (what === "bytes") {
      response.setHeader("content-length", argument);
      await pipeline(bodyStream(Number(argument)), response);
    } else if (what === "received") {
      const known = received.get(argument);
      response.statusCode = known === undefined ? 404 : 200;
      response.end(known === undefined ? "" : formatReceived(known));
    } else if (what === "page") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><title>target</title><p id="p">static</p><script src="/script"></script>');
    } else if (what === "script") {
      response.setHeader("content-type", "text/javascript");
      response.end('document.getElementById("p").textContent = "written by a script that was loaded too";');
    } else {
      response.statusCode = 404;
      response.end();
    }
  } catch {
    response.destroy(); // the client went away
  }
}

function obey(socket: Socket): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(0x0a);
    if (end < 0) return;
    socket.off("data", onData);
    socket.unshift(head.subarray(end + 1));
    const [verb, argument = ""] = head.subarray(0, end).toString("latin1").split(" ");
    if (verb === "digest") {
      const limit = argument === "" ? undefined : Number(argument);
      void collect(socket, limit).then((sum) => socket.end(formatReceived(sum)));
    } else if (verb === "source") bodyStream(Number(argument)).pipe(socket.resume());
    else if (verb === "late") {
      socket.end("bye\n");
      void collect(socket).then((sum) => received.set(argument, sum));
    } else socket.destroy();
  };
  socket.on("data", onData);
}

/** Adds up what a socket receives: `limit` bytes, or everything until the other side ends. */
function collect(socket: Socket, limit = Infinity): Promise<Received> {
  const sum = new Sum();
  let left = limit;
  return new Promise((resolve) => {
    const done = (): void => resolve(sum.result());
    if (limit === 0) return done();
    socket.once("end", done);
    socket.on("data", (chunk: Buffer) => {
      sum.add(chunk);
      left -= chunk.length;
      if (left > 0) return;
      socket.removeAllListeners("data").off("end", done).resume();
      done();
    });
  });
}

function greet(socket: Socket): void {
  socket.write(GREETING);
  socket.pipe(socket);
}
