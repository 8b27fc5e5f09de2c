import { createRequire } from "node:module";
import type { DatagramCalls } from "./datagram-calls.ts";
import type { Kernel } from "./kernel.ts";
import { ADDRESS_CAPACITY, type EpollLayout, epollLayout, LINUX, MAX_EVENTS, MEMORY } from "./layout.ts";
import { NativeDatagrams } from "./native-datagrams.ts";

/** A C function whose arguments and result are numbers. */
type NativeFunction = (...args: number[]) => number;

/** What is used of the package `koffi`. */
interface Koffi {
  load(path: string | null): { func(signature: string): NativeFunction };
  address(value: Uint8Array): bigint;
  errno(): number;
}

/** The part of the kernel that is needed outside of a loop. */
export interface Descriptors {
  /** `fcntl(2)` with F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number;
  /** `eventfd(2)`, non-blocking. */
  eventfd(): number;
  /** Adds 1 to an `eventfd`. */
  signal(fd: number): number;
  /** `shutdown(2)` of both directions: a listening socket stops listening. */
  stopListening(fd: number): number;
  /** `close(2)`. */
  close(fd: number): number;
}

/** Where `struct linger` is in {@link MEMORY}.numbers: l_onoff 1, l_linger 0. */
const LINGER_LENGTH = 8;
const INT_LENGTH = 4;

/**
 * libc through FFI. It is the only file that knows `koffi`.
 *
 * Pointers are passed as numbers: the memory is one array outside of V8's heap, which stays where it is.
 */
export class NativeKernel implements Kernel, Descriptors {
  readonly memory: Uint8Array = new Uint8Array(new ArrayBuffer(MEMORY.size));
  readonly #numbers: Int32Array = new Int32Array(this.memory.buffer, MEMORY.numbers, 4);
  readonly #events: Int32Array = new Int32Array(this.memory.buffer, MEMORY.events, MAX_EVENTS * 4);
  readonly #errno: () => number;
  readonly #at: number;
  readonly #layout: EpollLayout;
  readonly #functions: ReturnType<typeof bindFunctions>;
  readonly #addressOf: (memory: Uint8Array) => number;
  #datagrams: NativeDatagrams | undefined;
  readonly #ledger: Uint8Array | undefined;

  /**
   * @param ledger Has a 1 for each descriptor that was opened here and not closed, so that another thread can close them.
   * @throws Whatever loading or binding throws where it does not work.
   */
  constructor(ledger?: Uint8Array) {
    this.#ledger = ledger;
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    this.#functions = bindFunctions(koffi);
    this.#errno = () => koffi.errno();
    this.#addressOf = (memory) => Number(koffi.address(memory));
    this.#at = this.#addressOf(this.memory);
    this.#layout = epollLayout(process.arch);
  }

  nowMs(): number {
    return performance.now();
  }

  accept(fd: number): number {
    this.#numbers[0] = ADDRESS_CAPACITY;
    const flags = LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
    const address = this.#at + MEMORY.address;
    return this.#note(this.#result(this.#functions.accept4(fd, address, this.#at + MEMORY.numbers, flags)));
  }

  socket(family: number): number {
    const type = LINUX.SOCK_STREAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
    return this.#note(this.#result(this.#functions.socket(family, type, 0)));
  }

  /** Its memory is taken when the first datagrams are moved. */
  get datagrams(): DatagramCalls {
    const { recvmmsg, sendmmsg } = this.#functions;
    this.#datagrams ??= new NativeDatagrams({ recvmmsg, sendmmsg, address: this.#addressOf, errno: this.#errno });
    return this.#datagrams;
  }

  datagramSocket(family: number): number {
    const type = LINUX.SOCK_DGRAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
    const fd = this.#note(this.#result(this.#functions.socket(family, type, 0)));
    if (fd >= 0 && family === LINUX.AF_INET6) this.setOption(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_V6ONLY, 1);
    return fd;
  }

  bind(fd: number, addressLength: number): number {
    return this.#result(this.#functions.bind(fd, this.#at + MEMORY.address, addressLength));
  }

  connect(fd: number, addressLength: number): number {
    return this.#result(this.#functions.connect(fd, this.#at + MEMORY.address, addressLength));
  }

  localAddress(fd: number): number {
    this.#numbers[0] = ADDRESS_CAPACITY;
    return this.#result(this.#functions.getsockname(fd, this.#at + MEMORY.address, this.#at + MEMORY.numbers));
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    this.#numbers[0] = value;
    return this.#result(this.#functions.setsockopt(fd, level, name, this.#at + MEMORY.numbers, INT_LENGTH));
  }

  socketError(fd: number): number {
    this.#numbers[0] = 0;
    this.#numbers[1] = INT_LENGTH;
    const value = this.#at + MEMORY.numbers;
    const result = this.#functions.getsockopt(fd, LINUX.SOL_SOCKET, LINUX.SO_ERROR, value, value + INT_LENGTH);
    return result < 0 ? -this.#errno() : -(this.#numbers[0] ?? 0);
  }

  resetOnClose(fd: number): number {
    this.#numbers[0] = 1;
    this.#numbers[1] = 0;
    const value = this.#at + MEMORY.numbers;
    return this.#result(this.#functions.setsockopt(fd, LINUX.SOL_SOCKET, LINUX.SO_LINGER, value, LINGER_LENGTH));
  }

  read(fd: number, offset: number, length: number): number {
    return this.#result(this.#functions.read(fd, this.#at + offset, length));
  }

  write(fd: number, offset: number, length: number): number {
    return this.#result(this.#functions.write(fd, this.#at + offset, length));
  }

  splice(from: number, to: number, length: number): number {
    const flags = LINUX.SPLICE_F_MOVE | LINUX.SPLICE_F_NONBLOCK;
    return this.#result(this.#functions.splice(from, 0, to, 0, length, flags));
  }

  pipe(): number {
    const result = this.#result(this.#functions.pipe2(this.#at + MEMORY.numbers, LINUX.O_NONBLOCK | LINUX.O_CLOEXEC));
    if (result < 0) return result;
    this.#note(this.#numbers[0] as number);
    this.#note(this.#numbers[1] as number);
    return result;
  }

  setPipeSize(fd: number, size: number): number {
    return this.#result(this.#functions.fcntl(fd, LINUX.F_SETPIPE_SZ, size));
  }

  shutdown(fd: number, how: number): number {
    return this.#result(this.#functions.shutdown(fd, how));
  }

  close(fd: number): number {
    this.release(fd);
    return this.#result(this.#functions.close(fd));
  }

  release(fd: number): void {
    if (this.#ledger !== undefined) this.#ledger[fd] = 0;
  }

  epollCreate(): number {
    return this.#note(this.#result(this.#functions.epoll_create1(LINUX.O_CLOEXEC)));
  }

  epollAdd(epoll: number, fd: number, events: number, index: number, generation: number): number {
    const { data } = this.#layout;
    this.#events[0] = events;
    this.#events[data] = index;
    this.#events[data + 1] = generation;
    return this.#result(this.#functions.epoll_ctl(epoll, LINUX.EPOLL_CTL_ADD, fd, this.#at + MEMORY.events));
  }

  epollRemove(epoll: number, fd: number): number {
    return this.#result(this.#functions.epoll_ctl(epoll, LINUX.EPOLL_CTL_DEL, fd, this.#at + MEMORY.events));
  }

  epollWait(epoll: number, timeoutMs: number): number {
    return this.#result(this.#functions.epoll_wait(epoll, this.#at + MEMORY.events, MAX_EVENTS, timeoutMs));
  }

  eventFlags(position: number): number {
    return this.#events[position * this.#layout.stride] as number;
  }

  eventIndex(position: number): number {
    return this.#events[position * this.#layout.stride + this.#layout.data] as number;
  }

  eventGeneration(position: number): number {
    return this.#events[position * this.#layout.stride + this.#layout.data + 1] as number;
  }

  duplicate(fd: number): number {
    return this.#result(this.#functions.fcntl(fd, LINUX.F_DUPFD_CLOEXEC, 3));
  }

  eventfd(): number {
    return this.#result(this.#functions.eventfd(0, LINUX.O_NONBLOCK | LINUX.O_CLOEXEC));
  }

  signal(fd: number): number {
    this.#numbers[0] = 1;
    this.#numbers[1] = 0;
    return this.write(fd, MEMORY.numbers, 8);
  }

  stopListening(fd: number): number {
    return this.shutdown(fd, LINUX.SHUT_RDWR);
  }

  #note(fd: number): number {
    if (fd >= 0 && this.#ledger !== undefined) this.#ledger[fd] = 1;
    return fd;
  }

  /** Reads errno right after a call, before anything else can run in between. */
  #result(value: number): number {
    return value < 0 ? -this.#errno() : value;
  }
}

/** `koffi` parses the signatures once. Its `uintptr_t` takes a number, and `fcntl` is called with what it really gets. */
function bindFunctions(koffi: Koffi) {
  const libc = koffi.load(null);
  const bind = (signature: string): NativeFunction => libc.func(signature);
  return {
    accept4: bind("int accept4(int, uintptr_t, uintptr_t, int)"),
    socket: bind("int socket(int, int, int)"),
    bind: bind("int bind(int, uintptr_t, unsigned int)"),
    connect: bind("int connect(int, uintptr_t, unsigned int)"),
    getsockname: bind("int getsockname(int, uintptr_t, uintptr_t)"),
    setsockopt: bind("int setsockopt(int, int, int, uintptr_t, unsigned int)"),
    getsockopt: bind("int getsockopt(int, int, int, uintptr_t, uintptr_t)"),
    read: bind("int64_t read(int, uintptr_t, size_t)"),
    write: bind("int64_t write(int, uintptr_t, size_t)"),
    splice: bind("int64_t splice(int, uintptr_t, int, uintptr_t, size_t, unsigned int)"),
    recvmmsg: bind("int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)"),
    sendmmsg: bind("int sendmmsg(int, uintptr_t, unsigned int, int)"),
    pipe2: bind("int pipe2(uintptr_t, int)"),
    fcntl: bind("int fcntl(int, int, long)"),
    shutdown: bind("int shutdown(int, int)"),
    close: bind("int close(int)"),
    epoll_create1: bind("int epoll_create1(int)"),
    epoll_ctl: bind("int epoll_ctl(int, int, int, uintptr_t)"),
    epoll_wait: bind("int epoll_wait(int, uintptr_t, int, int)"),
    eventfd: bind("int eventfd(unsigned int, int)"),
  } as const;
}
