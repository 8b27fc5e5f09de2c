import { type Address, type IpAddress, parseAddress, parseIpAddress } from "@sockskit/wire";
import type { Question } from "../src/index.ts";

/** An address from its text. */
export function ip(text: string, port = 0): IpAddress {
  const address = parseIpAddress(text, port);
  if (address === undefined) throw new TypeError(`${text} is no address`);
  return address;
}

export interface Asked {
  readonly from?: string;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly command?: Question["command"];
  readonly to?: string | Address;
  readonly port?: number;
}

/** A question with the usual answers filled in: a client from elsewhere, CONNECT, port 443. */
export function question(asked: Asked = {}): Question {
  const { from = "203.0.113.9", user, groups = [], command = "connect", to = "198.51.100.7", port = 443 } = asked;
  return {
    client: ip(from, 50_000),
    ...(user === undefined ? {} : { user: { name: user, groups } }),
    command,
    destination: typeof to === "string" ? parseAddress(to, port) : to,
  };
}
