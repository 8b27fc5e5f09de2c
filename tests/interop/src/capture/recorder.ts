import { createSocket } from "node:dgram";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { cut, unhex, type Frame, type MessageName } from "./frame.ts";

/** One message of a recorded conversation. */
export interface Spoken extends Frame {
  /** Who sent it. */
  readonly from: "client" | "server";
}

/** What the recorder answers a client; octets in hexadecimal. */
export interface Answers {
  /** To the SOCKS 5 greeting; default `05 00`. A client that gets `05 02` is expected to send its password. */
  readonly method?: string;
  /** To user name and password; default `01 00`. */
  readonly userPass?: string;
  /** To the request. Default: granted, with an address of zeros. */
  readonly reply?: string;
  /** Text that the wanted request contains; other conversations (a browser's own look-ups) are not recorded. */
  readonly wanted?: string;
}

const GRANTED_4 = "00 5a 00 00 00 00 00 00";
const GRANTED_5 = "05 00 00 01 00 00 00 00 00 00";

/** Stands in for a SOCKS server and records the first conversation that reaches the request. */
export interface ClientRecorder {
  /** Loopback port it listens on. */
  readonly port: number;
  /** The conversation, when the client has got its last answer or given up. */
  readonly conversation: Promise<readonly Spoken[]>;
  /** Stops listening and drops every connection. */
  close(): void;
}

/** Listens like a SOCKS server, answers from a script, writes down what a client says. */
export async function recordClient(answers: Answers = {}): Promise<ClientRecorder> {
  const sockets = new Set<Socket>();
  const server = createServer();
  const conversation = new Promise<readonly Spoken[]>((resolve) => {
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      converse(socket, answers, resolve);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    conversation,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function converse(socket: Socket, answers: Answers, done: (spoken: readonly Spoken[]) => void): void {
  const spoken: Spoken[] = [];
  let buffered = Buffer.alloc(0);
  let expected: MessageName | undefined;
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    const wanted = answers.wanted ?? "";
    if (spoken.some(({ bytes }) => Buffer.from(bytes).includes(wanted, 0, "latin1"))) done(spoken);
  };
  const say = (message: MessageName, text: string): void => {
    const bytes = unhex(text);
    const frame = cut(message, bytes);
    if (frame === undefined) throw new RangeError(`not a whole ${message}: ${text}`);
    spoken.push({ ...frame, from: "server" });
    socket.write(bytes);
  };
  socket.on("close", finish);
  socket.on("data", (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    expected ??= buffered[0] === 0x04 ? "Socks4Request" : "MethodRequest";
    while (!finished) {
      const frame = cut(expected, buffered);
      if (frame === undefined) return;
      spoken.push({ ...frame, from: "client" });
      buffered = buffered.subarray(frame.bytes.length);
      const method = answers.method ?? "05 00";
      if (expected === "MethodRequest") {
        say("MethodReply", method);
        if (method === "05 ff") return finish();
        expected = method === "05 02" ? "UserPassRequest" : "Socks5Request";
      } else if (expected === "UserPassRequest") {
        say("UserPassReply", answers.userPass ?? "01 00");
        expected = "Socks5Request";
      } else {
        const four = expected === "Socks4Request";
        say(four ? "Socks4Reply" : "Socks5Reply", answers.reply ?? (four ? GRANTED_4 : GRANTED_5));
        finish();
      }
    }
  });
}

/** One thing that {@link recordServer} says. */
export interface ScriptStep {
  /** The octets, in hexadecimal. */
  readonly send: string;
  /** Which message they are. A datagram goes to the port that the reply before it named. */
  readonly message: MessageName;
  /** Which message answers it. */
  readonly answer: MessageName;
}

/** What {@link recordServer} says, in order. */
export type Script = readonly ScriptStep[];

/** What a real server said. */
export interface ServerRecording {
  /** The messages of both sides in order. */
  readonly spoken: readonly Spoken[];
  /** The server closed the connection after the last of them. */
  readonly closed: boolean;
  /** What it sent after them that is no whole message. */
  readonly rest: Uint8Array;
}

/** How long a server may take to close after its last word, in milliseconds. */
const CLOSE_MS = 500;

/**
 * Talks to a real server with fixed octets and writes down what it answers. A refusal ends the conversation
 * early, as it does for any client.
 */
export function recordServer(port: number, script: Script, timeoutMs: number): Promise<ServerRecording> {
  return new Promise((resolve) => {
    const spoken: Spoken[] = [];
    let buffered = Buffer.alloc(0);
    let step = 0;
    const socket = connect(port, "127.0.0.1");
    const udp = createSocket("udp4");
    let ended = false;
    let timer = setTimeout(() => end(false), timeoutMs);
    const end = (closed: boolean): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      socket.destroy();
      udp.close();
      resolve({ spoken, closed, rest: buffered });
    };
    const send = (): void => {
      const next = script[step];
      if (next === undefined) {
        clearTimeout(timer);
        timer = setTimeout(() => end(false), CLOSE_MS);
        return;
      }
      const frame = cut(next.message, unhex(next.send));
      if (frame === undefined) throw new RangeError(`not a whole ${next.message}: ${next.send}`);
      const relayPort = Number(spoken.at(-1)?.fields["bndPort"]);
      spoken.push({ ...frame, from: "client" });
      if (next.message === "UdpDatagram") udp.send(frame.bytes, relayPort, "127.0.0.1");
      else socket.write(frame.bytes);
    };
    const receive = (chunk: Buffer): void => {
      buffered = Buffer.concat([buffered, chunk]);
      const next = script[step];
      const frame = next && cut(next.answer, buffered);
      if (frame === undefined) return;
      spoken.push({ ...frame, from: "server" });
      buffered = buffered.subarray(frame.bytes.length);
      step = refuses(frame) ? script.length : step + 1;
      send();
    };
    udp.on("message", receive);
    udp.on("error", () => {});
    socket.on("connect", send);
    socket.on("error", () => {});
    socket.on("close", () => end(true));
    socket.on("data", receive);
  });
}

function refuses({ message, fields }: Frame): boolean {
  return (
    (message === "MethodReply" && fields["method"] === 0xff) ||
    (message === "UserPassReply" && fields["status"] !== 0x00)
  );
}
