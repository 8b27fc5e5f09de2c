/**
 * A data plane for SOCKS servers on Linux: a thread that accepts clients, negotiates, decides by the same rules, connects
 * and relays, by system calls of its own choice (`epoll`, `splice`) through FFI.
 *
 * `@sockskit/server` uses it by itself; programs have no need to call it. {@link dataPlaneProblem} says whether it can run,
 * `DataPlane` is the thread as its owner sees it.
 *
 * @packageDocumentation
 */
export { DataPlane, type DataPlaneOptions } from "./worker/data-plane.ts";
export type { FlowPlan, RelaySide } from "./datagrams/orders.ts";
export type { DatagramRelayHandle, RelayEvents, RelayFigures } from "./datagrams/relay-owner.ts";
export { errorName } from "./kernel/error-name.ts";
export { dataPlaneProblem, duplicateListeningSocket } from "./worker/support.ts";
export type { EntrancePlan, ListedSession, Report, ReportedSession, ThreadMethod } from "./worker/protocol.ts";
export {
  COUNTER,
  type HandedOver,
  type LoopCloseReason,
  type LoopLimits,
  type LookupAnswer,
  type LoopRefusal,
  type LoopSettings,
  type LoopTimeouts,
  type LoopUser,
} from "./loop/host.ts";
export type { LoopPhase } from "./loop/session.ts";
