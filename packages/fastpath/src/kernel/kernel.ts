import type { DatagramCalls } from "./datagram-calls.ts";

/**
 * The system calls of the data plane, as plain numbers.
 *
 * A result below 0 is an error number, negated. Octets and structs are in {@link Kernel.memory}, at the places that
 * `MEMORY` names: so a call allocates nothing. One implementation calls libc, another one simulates a kernel.
 */
export interface Kernel {
  /** Buffers of all calls. */
  readonly memory: Uint8Array;
  /** Calls for many datagrams at once. */
  readonly datagrams: DatagramCalls;
  /** A clock that does not go back, in milliseconds. */
  nowMs(): number;
  /** `accept4(2)`, non-blocking; the peer's address is in memory. */
  accept(fd: number): number;
  /** `socket(2)` for TCP, non-blocking, of an address family. */
  socket(family: number): number;
  /** `socket(2)` for UDP, non-blocking, of an address family, and of that only. */
  datagramSocket(family: number): number;
  /** `bind(2)` to the address in memory. */
  bind(fd: number, addressLength: number): number;
  /** `connect(2)` to the address in memory. */
  connect(fd: number, addressLength: number): number;
  /** `getsockname(2)`; the address is in memory. */
  localAddress(fd: number): number;
  /** `setsockopt(2)` with an `int`. */
  setOption(fd: number, level: number, name: number, value: number): number;
  /** `getsockopt(2)` with SO_ERROR: 0, or the pending error, negated. */
  socketError(fd: number): number;
  /** `SO_LINGER` with a time of 0: closing sends a reset. */
  resetOnClose(fd: number): number;
  /** `read(2)` into memory. */
  read(fd: number, offset: number, length: number): number;
  /** `write(2)` from memory. */
  write(fd: number, offset: number, length: number): number;
  /** `splice(2)`, non-blocking. */
  splice(from: number, to: number, length: number): number;
  /** `pipe2(2)`, non-blocking; the two descriptors are in memory. */
  pipe(): number;
  /** `fcntl(2)` with F_SETPIPE_SZ. */
  setPipeSize(fd: number, size: number): number;
  /** `shutdown(2)`. */
  shutdown(fd: number, how: number): number;
  /** `close(2)`. */
  close(fd: number): number;
  /** Says that somebody else owns the descriptor from now on. */
  release(fd: number): void;
  /** `epoll_create1(2)`. */
  epollCreate(): number;
  /** `epoll_ctl(2)` with EPOLL_CTL_ADD; `index` and `generation` come back with each event. */
  epollAdd(epoll: number, fd: number, events: number, index: number, generation: number): number;
  /** `epoll_ctl(2)` with EPOLL_CTL_DEL. */
  epollRemove(epoll: number, fd: number): number;
  /** `epoll_wait(2)`; -1 waits without an end. */
  epollWait(epoll: number, timeoutMs: number): number;
  /** The conditions of an event of the last wait. */
  eventFlags(position: number): number;
  /** The `index` of an event of the last wait. */
  eventIndex(position: number): number;
  /** The `generation` of an event of the last wait. */
  eventGeneration(position: number): number;
}
