import { type AddressInfo, type Server, type Socket, createServer } from "node:net";

import { formatAddress, parseAddress } from "@sockskit/wire";

import { CliError, reasonOf } from "../cli-error.ts";
import type { RouteOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { printableJson } from "../printable.ts";
import { Reporter } from "../reporter.ts";
import { type Route, type TunnelContext, chooseRoute, openTunnel } from "../route.ts";
import { print } from "../standard-output.ts";
import { interruption } from "../interruption.ts";
import { parseListenAddress, parseTarget } from "../target.ts";

/** Most connections at a time; more are closed at once. */
const MAX_CONNECTION_COUNT = 1000;
/** How long a connection may carry nothing. */
const IDLE_TIMEOUT_MS = 3_600_000;

/** `sockskit forward`: every connection to a local port goes through the proxy to one destination. */
export async function forward(local: string, target: string, options: RouteOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "forward" });
  const destination = parseTarget(target);
  const address = parseListenAddress(local);
  const route = chooseRoute(options, destination);
  const name = formatAddress(destination);
  const stop = new AbortController();
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true });
  server.maxConnections = MAX_CONNECTION_COUNT;
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    void carry(socket, route, destination, { options, reporter, signal: stop.signal });
  });
  server.on("drop", () => {
    const message = `a connection was closed: ${MAX_CONNECTION_COUNT} are open already`;
    reporter.note(`sockskit forward: ${message}`, { type: "dropped", message });
  });
  // Before anybody can know that it listens, and ask it to stop.
  const stopped = interruption();
  const bound = await listen(server, address);
  // Out of descriptors, for example: that connection is lost, the others go on.
  server.on("error", (error) => {
    const message = `a connection could not be accepted: ${reasonOf(error)}`;
    reporter.error(new CliError("ERR_SOCKS_LISTEN_FAILED", message, error));
  });
  const text = formatAddress(parseAddress(bound.address, bound.port));
  await print(
    options.json
      ? `${printableJson({ type: "listening", address: bound.address, port: bound.port, destination: name })}\n`
      : `listening on ${text}, leading to ${name}\n`,
  );
  await stopped;
  server.close();
  stop.abort();
  for (const socket of open) socket.destroy();
  return EXIT_STATUS.success;
}

function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const message = `cannot listen on ${formatAddress(parseAddress(address.host, address.port))}: ${reasonOf(error)}`;
      reject(new CliError("ERR_SOCKS_LISTEN_FAILED", message, error));
    };
    server.once("error", fail);
    server.listen(address, () => {
      server.removeListener("error", fail);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** One connection, from its arrival to its end. */
async function carry(
  local: Socket,
  route: Route,
  destination: Parameters<typeof openTunnel>[1],
  context: TunnelContext,
): Promise<void> {
  // Until there is a tunnel nothing is read, so that nothing has to be kept.
  local.on("error", () => undefined);
  try {
    const { socket } = await openTunnel(route, destination, context);
    if (local.destroyed) socket.destroy();
    else join(local, socket);
  } catch (error) {
    reset(local);
    if (context.signal?.aborted !== true) context.reporter.error(error);
  }
}

/** Carries octets both ways. What happens to one connection happens to the other, an abort as an abort. */
function join(local: Socket, remote: Socket): void {
  for (const [socket, other] of [
    [local, remote],
    [remote, local],
  ] as const) {
    socket.on("error", () => reset(other));
    socket.on("close", () => other.destroySoon());
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.pipe(other);
  }
}

/** While the system sends an end it refuses to reset (EINVAL), and Node's socket would never close. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
