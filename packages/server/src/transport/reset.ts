import net, { type Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The connection under one that something stands in for: TLS, or the layer of a method. */
const underneath = new WeakMap<Socket, Socket>();

/** Remembers what a connection runs over, so that {@link resetSocket} finds it. */
export function runsOver(secured: Socket, socket: Socket): void {
  underneath.set(secured, socket);
}

/**
 * Ends a connection so that its other end sees a reset, because data may be lost. Where the connection knows no reset, as
 * a Unix socket does not, it is closed. A tunnel through TLS brings a reset of its own.
 */
export function resetSocket(socket: Socket): void {
  let base = socket;
  // The end of what stands above is sent by the connection below, which knows nothing of it.
  let canReset = !isEnding(base);
  for (let next = underneath.get(base); next !== undefined; next = underneath.get(base)) {
    base = next;
    canReset &&= !isEnding(base);
  }
  if (canReset && (isTcp(base) || Object.hasOwn(base, "resetAndDestroy"))) base.resetAndDestroy();
  socket.destroy();
  base.destroy();
}

/**
 * Whether the system is about to send the end, everything else being sent. In that moment libuv refuses to reset (EINVAL), and
 * Node's socket would never close; below TLS, Node would crash.
 */
function isEnding({ writableEnded, writableLength, writableFinished }: Socket): boolean {
  return writableEnded && writableLength === 0 && !writableFinished;
}

/** Node resets TCP connections only, and throws for everything else. */
function isTcp(socket: Socket): boolean {
  return socket instanceof net.Socket && !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined;
}
