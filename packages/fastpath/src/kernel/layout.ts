/**
 * Numbers of the Linux ABI. They are the same on x86-64 and on arm64, with glibc and with musl, but for
 * `struct epoll_event`: see {@link epollLayout}.
 */
export const LINUX = {
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0x800,
  SOCK_CLOEXEC: 0x80000,
  O_NONBLOCK: 0x800,
  O_CLOEXEC: 0x80000,
  SOL_SOCKET: 1,
  SO_ERROR: 4,
  SO_RCVBUF: 8,
  SO_KEEPALIVE: 9,
  SO_LINGER: 13,
  IPPROTO_IP: 0,
  IP_BIND_ADDRESS_NO_PORT: 24,
  IPPROTO_TCP: 6,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  MSG_DONTWAIT: 0x40,
  TCP_NODELAY: 1,
  TCP_KEEPIDLE: 4,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
} as const;

/** Conditions of `epoll_ctl(2)`, and how they are reported. */
export const EPOLL = {
  in: 0x001,
  pri: 0x002,
  out: 0x004,
  err: 0x008,
  hup: 0x010,
  rdhup: 0x2000,
  /** EPOLLET, as the signed number that it is in an `int`. */
  edge: -0x8000_0000,
} as const;

/** Error numbers that are acted upon; all others only have a name. */
export const ERRNO = {
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  ENFILE: 23,
  EMFILE: 24,
  EPIPE: 32,
  ENOBUFS: 105,
  ECONNRESET: 104,
  EINPROGRESS: 115,
} as const;

/** Where the fields of a `struct epoll_event` are, in units of 4 octets. */
export interface EpollLayout {
  /** Length of the struct. */
  readonly stride: number;
  /** Offset of the first half of `data`. */
  readonly data: number;
}

/** `struct epoll_event` is packed on x86-64 only; everywhere else its 64-bit field is aligned. */
export function epollLayout(arch: string): EpollLayout {
  return arch === "x64" ? { stride: 3, data: 1 } : { stride: 4, data: 2 };
}

/** Processors whose layouts are known here. */
export const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

/** Offsets in {@link Kernel.memory}. One loop uses it, one call at a time. */
export const MEMORY = {
  /** What was read. */
  read: 0,
  /** What is to be written. */
  write: 0x10000,
  /** Results of `epoll_wait`: 16 octets for each at most. */
  events: 0x20000,
  /** One `sockaddr_in` or `sockaddr_in6`. */
  address: 0x21000,
  /** One `int`, or a pair. */
  numbers: 0x21080,
  size: 0x21100,
} as const;

/** Octets of a read at most, and of the areas for reading and writing. */
export const TRANSFER_LENGTH = 0x10000;
/** Events of one `epoll_wait` at most. */
export const MAX_EVENTS = 256;

/** Room for a `struct sockaddr_in6`, in octets. */
export const ADDRESS_CAPACITY = 28;
/** The same in words of 4 octets, a little more: so each begins at a multiple of 8. */
export const ADDRESS_WORDS = 8;

/** How datagrams lie in memory: each in a place of its own, with room for a header before it. */
export const DATAGRAMS = {
  /** Datagrams of one call at most. */
  batch: 32,
  /** Octets before each that was received: a header of SOCKS with an IPv6 address has 22. */
  room: 32,
  /** From one place to the next: the longest datagram there is, and the room. */
  stride: 0x10020,
} as const;

/**
 * `struct mmsghdr` and its `struct iovec`, in octets. They are the same on both architectures. musl declares two lengths with
 * 32 bits and a gap, which is the same with the low half first.
 */
export const MESSAGE = {
  /** Length of a `struct mmsghdr`. */
  stride: 64,
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  /** `msg_len`: octets that were moved. */
  length: 56,
  /** Length of a `struct iovec`. */
  vector: 16,
} as const;
