import { connect as connectTls } from "node:tls";

import type { Conversation } from "./conversation.ts";
import type { ProbeProtocol } from "./report.ts";

/** What was recognised. */
export interface Recognition {
  /** What listens there. */
  readonly protocol: Exclude<ProbeProtocol, "socks">;
  /** Its first line, printable, when it speaks text. */
  readonly firstLine?: string;
  /** What an HTTP server calls itself. */
  readonly software?: string;
}

const MAX_LINE_LENGTH = 120;
const UNKNOWN: Recognition = { protocol: "unknown" };

/** Tells what a server is from the first octets that it sent. */
export function recogniseOctets(octets: Uint8Array): Recognition {
  const [first, second] = octets;
  if (first === undefined) return UNKNOWN;
  // A TLS record: an alert, or a handshake, of version 3.x.
  if ((first === 0x15 || first === 0x16) && second === 0x03) return { protocol: "tls" };
  const text = Buffer.from(octets).toString("latin1");
  const [line = ""] = text.split(/\r|\n/, 1);
  if (!/^[\x20-\x7e]{2,}$/.test(line)) return UNKNOWN;
  const firstLine = line.slice(0, MAX_LINE_LENGTH);
  if (/^HTTP\/|^<(?:!doctype )?html/i.test(line)) {
    const [, server] = /^server:[ \t]*([\x20-\x7e]{1,120})\r?$/im.exec(text) ?? [];
    return { protocol: "http", firstLine, ...(server !== undefined && { software: server.trimEnd() }) };
  }
  if (line.startsWith("SSH-")) return { protocol: "ssh", firstLine };
  return { protocol: "other", firstLine };
}

/** Speaks HTTP to a server that did not understand SOCKS. */
export async function askHttp(conversation: Conversation, host: string): Promise<Recognition> {
  conversation.send(Buffer.from(`HEAD / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  const answer = await conversation.read();
  return typeof answer === "string" ? UNKNOWN : recogniseOctets(answer);
}

/** Speaks TLS to a server that did not understand SOCKS. Its certificate does not matter: nothing is sent inside. */
export function askTls({ socket, leftMs }: Conversation): Promise<Recognition> {
  return new Promise((resolve) => {
    const tls = connectTls({ socket, rejectUnauthorized: false });
    const finish = (recognition: Recognition): void => {
      clearTimeout(timer);
      tls.destroy();
      resolve(recognition);
    };
    const timer = setTimeout(finish, leftMs, UNKNOWN);
    tls.on("secureConnect", () => finish({ protocol: "tls" }));
    tls.on("error", (error: NodeJS.ErrnoException) => {
      // An alert is an answer in TLS, whatever it complains about.
      finish(
        error.code?.startsWith("ERR_SSL_") === true && error.code.includes("ALERT") ? { protocol: "tls" } : UNKNOWN,
      );
    });
    tls.on("close", () => finish(UNKNOWN));
  });
}
