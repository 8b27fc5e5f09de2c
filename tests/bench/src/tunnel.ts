import { connect, type Socket } from "node:net";

// Fixed octets, from RFC 1928 sections 3, 4 and 6: what is measured is the server, not a client.
const GREETING = Buffer.of(0x05, 0x01, 0x00);
/** Lengths of the answers; every server here names an IPv4 address in its reply. */
const ANSWER_LENGTH = { greeting: 2, request: 10 } as const;

/** What happens with a tunnel. */
export interface TunnelEvents {
  /** It leads to the target. Nothing was sent yet. */
  readonly onOpen: (socket: Socket) => void;
  /** Octets arrived; they are not kept. */
  readonly onData: (length: number) => void;
  /** It failed or ended, for whatever reason. */
  readonly onClose: () => void;
}

/** Opens a tunnel without authentication; `proxyPort` 0 connects to the target itself. */
export function openTunnel(proxyPort: number, targetPort: number, buffer: Uint8Array, events: TunnelEvents): Socket {
  let wanted: number = ANSWER_LENGTH.greeting;
  let state: "greeting" | "request" | "open" = "greeting";
  const request = Buffer.of(0x05, 0x01, 0x00, 0x01, 127, 0, 0, 1, targetPort >> 8, targetPort & 0xff);
  const socket = connect({
    port: proxyPort === 0 ? targetPort : proxyPort,
    host: "127.0.0.1",
    noDelay: true,
    // One buffer for every tunnel: the octets are counted, never looked at again.
    onread: {
      buffer,
      callback(length: number, octets: Uint8Array): boolean {
        if (state === "open") events.onData(length);
        else advance(length, octets[1] ?? 0xff);
        return true;
      },
    },
  });
  const advance = (length: number, status: number): void => {
    if (state === "open") return;
    const isHead = wanted === ANSWER_LENGTH[state];
    if (isHead && status !== 0x00) return void socket.destroy(); // the second octet says whether it went well
    wanted -= length;
    if (wanted > 0) return;
    if (state === "greeting") {
      state = "request";
      wanted = ANSWER_LENGTH.request;
      socket.write(request);
    } else {
      state = "open";
      events.onOpen(socket);
    }
  };
  socket.on("connect", () => {
    if (proxyPort !== 0) return void socket.write(GREETING);
    state = "open";
    events.onOpen(socket);
  });
  socket.on("error", () => {}); // "close" follows
  socket.on("close", events.onClose);
  return socket;
}
