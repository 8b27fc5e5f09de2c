import type { MessagePort } from "node:worker_threads";
import type { Address, IpAddress } from "@sockskit/wire";
import type { RelayOrder, RelayReport } from "../datagrams/orders.ts";
import type { HandedOver, LoopCloseReason, LoopRefusal, LoopSettings, LoopUser, LookupAnswer } from "../loop/host.ts";
import type { LoopPhase } from "../loop/session.ts";

/** What a thread starts with. */
export interface ThreadData {
  /** What its sessions go by at first. */
  readonly settings: LoopSettings;
  /** Wakes the thread up. */
  readonly eventfd: number;
  /** Figures, see `COUNTER`. */
  readonly counters: Float64Array;
  /** A 1 for each descriptor of the thread. */
  readonly ledger: Uint8Array;
  /** See `CONTROL`. */
  readonly control: Int32Array;
  /** Takes lists of sessions, which the other side waits for. */
  readonly lists: MessagePort;
  /** One number: the last that a session got. */
  readonly lastId: BigInt64Array;
}

/** Positions in the memory by which a thread is told to end, and says how far it is. */
export const CONTROL = {
  /** Not 0: the thread ends. */
  stop: 0,
  /** Counts the lists of sessions that were sent. */
  lists: 1,
} as const;
/** How many there are. */
export const CONTROL_COUNT = 2;

/** @internal An authentication method that a thread can serve. */
export type ThreadMethod = "none" | "userpass";

/** @internal Where clients are accepted, as plain data. */
export interface EntrancePlan {
  /** Address and port of the listener. */
  readonly address: IpAddress;
  /** SOCKS versions that are taken. */
  readonly versions: readonly (4 | 5)[];
  /** Authentication methods, most preferred first. */
  readonly authMethods: readonly ThreadMethod[];
  /** Commands that are taken, as their octets. Every one but CONNECT is handed over. */
  readonly commands: readonly number[];
  /** Whether clients are handed over as they come, because something is done with them first that a thread cannot do. */
  readonly handsOver: boolean;
}

/** What a thread is told. */
export type Order =
  | { readonly type: "listen"; readonly id: number; readonly fd: number; readonly entrance: EntrancePlan }
  | { readonly type: "shut"; readonly id: number | undefined }
  | { readonly type: "configure"; readonly settings: LoopSettings }
  | { readonly type: "resolved"; readonly id: number; readonly answer: LookupAnswer }
  | {
      readonly type: "verdict";
      readonly id: number;
      readonly user: LoopUser | undefined;
      /** How long the same credentials are known; 0: they are asked about each time. */
      readonly knownMs: number;
    }
  /** A client has failed to log in: for a while each of its log-ins is asked about. */
  | { readonly type: "doubt"; readonly client: string }
  | { readonly type: "forget"; readonly id: number }
  | { readonly type: "end"; readonly tunnels: boolean }
  | { readonly type: "kill"; readonly id: number }
  | { readonly type: "list" }
  | { readonly type: "relay"; readonly id: number; readonly order: RelayOrder }
  | { readonly type: "acknowledge"; readonly token: number };

/** @internal Who a report is about. */
export interface ReportedSession {
  readonly id: number;
  readonly client: IpAddress;
  readonly user: string | undefined;
}

/** @internal A session at one moment. */
export interface ListedSession extends ReportedSession {
  readonly destination: Address | undefined;
  readonly phase: LoopPhase;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
}

/** @internal What a thread says. */
export type Report =
  | { readonly type: "opened"; readonly who: ReportedSession; readonly listener: number }
  | { readonly type: "authenticated"; readonly who: ReportedSession; readonly method: string }
  | {
      readonly type: "denied";
      readonly who: ReportedSession;
      readonly tried: Uint8Array | undefined;
      readonly refusal: LoopRefusal;
      readonly destination: Address | undefined;
    }
  | {
      readonly type: "connected";
      readonly who: ReportedSession;
      readonly version: 4 | 5;
      readonly userId: Uint8Array | undefined;
      readonly destination: Address;
      readonly address: IpAddress;
      readonly rule: number;
      readonly durationMs: number;
    }
  | {
      readonly type: "closed";
      readonly who: ReportedSession;
      readonly destination: Address | undefined;
      readonly bytesIn: number;
      readonly bytesOut: number;
      readonly durationMs: number;
      readonly reason: LoopCloseReason;
      readonly code: string | undefined;
      readonly rep: number | undefined;
    }
  | { readonly type: "failed"; readonly id: number; readonly cause: string }
  | { readonly type: "acceptFailed"; readonly errno: number }
  | {
      readonly type: "verify";
      readonly id: number;
      readonly client: IpAddress;
      readonly username: Uint8Array;
      readonly password: Uint8Array;
    }
  | { readonly type: "resolve"; readonly id: number; readonly name: string }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "handOver"; readonly handed: HandedOver }
  | { readonly type: "relay"; readonly id: number; readonly said: RelayReport }
  | { readonly type: "acknowledged"; readonly token: number };
