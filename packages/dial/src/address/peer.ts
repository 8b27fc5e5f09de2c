import { type Address, formatAddress, type IpAddress } from "@sockskit/wire";

import type { Activity, ActiveStage } from "../internal/operation.ts";

/** Who is being dialled. */
export interface Peer extends Activity {
  /** The stage in which its connection is opened. */
  readonly dialStage: "dial-proxy" | "request";
  /** Code of the error when none of its addresses could be reached. */
  readonly unreachable: "ERR_SOCKS_PROXY_UNREACHABLE" | "ERR_SOCKS_TARGET_UNREACHABLE";
  /** How messages name it: `proxy socks5://...` or `example.com:80`. */
  title(): string;
}

/** Told of each address before it is dialled, and of its outcome. */
export type AttemptObserver = (address: IpAddress, outcome: "dialling" | "connected" | Error) => void;

/** A destination that is dialled without a proxy. */
export class Target implements Peer {
  readonly dialStage = "request";
  readonly unreachable = "ERR_SOCKS_TARGET_UNREACHABLE";
  readonly #destination: Address;

  constructor(destination: Address) {
    this.#destination = destination;
  }

  title(): string {
    return formatAddress(this.#destination);
  }

  reference(): undefined {
    return undefined;
  }

  awaited(stage: ActiveStage): string {
    return stage === "resolve" ? `the address of ${this.title()}` : `${this.title()} to accept the connection`;
  }
}
