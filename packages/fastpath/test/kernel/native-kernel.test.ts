import { afterAll, describe, expect, test } from "vitest";
import { parseIpAddress, type IpAddress } from "@sockskit/wire";
import { EPOLL, ERRNO, LINUX, MEMORY } from "../../src/kernel/layout.ts";
import { NativeKernel } from "../../src/kernel/native-kernel.ts";
import { putAddress, takeAddress } from "../../src/kernel/socket-address.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const why = isHere ? "" : " (not run: it needs Linux on x86-64 or arm64)";

describe.runIf(isHere)(`the kernel itself${why}`, () => {
  const ledger = new Uint8Array(4_096);
  const kernel = isHere ? new NativeKernel(ledger) : (undefined as never);
  afterAll(() => expect(ledger.includes(1)).toBe(false));

  test("a pipe, what is written and read, and what is not there yet", () => {
    expect(kernel.pipe()).toBe(0);
    const [reader = -1, writer = -1] = new Int32Array(kernel.memory.buffer, MEMORY.numbers, 2);
    expect(ledger[reader]).toBe(1);
    expect(kernel.read(reader, MEMORY.read, 10)).toBe(-ERRNO.EAGAIN);
    kernel.memory.set(Buffer.from("hello"), MEMORY.write);
    expect(kernel.write(writer, MEMORY.write, 5)).toBe(5);
    expect(kernel.read(reader, MEMORY.read, 10)).toBe(5);
    expect(Buffer.from(kernel.memory.subarray(MEMORY.read, MEMORY.read + 5)).toString()).toBe("hello");
    expect(kernel.setPipeSize(writer, 65_536)).toBeGreaterThanOrEqual(4_096);
    expect(kernel.close(reader)).toBe(0);
    expect(kernel.close(writer)).toBe(0);
    expect(kernel.close(writer)).toBe(-9);
  });

  test("events carry index and generation, also large and negative ones", () => {
    const epoll = kernel.epollCreate();
    expect(kernel.pipe()).toBe(0);
    const [reader = -1, writer = -1] = new Int32Array(kernel.memory.buffer, MEMORY.numbers, 2).slice();
    expect(kernel.epollAdd(epoll, reader, EPOLL.in | EPOLL.edge, 123_456, -7)).toBe(0);
    expect(kernel.epollAdd(epoll, writer, EPOLL.out | EPOLL.edge, 7, 0x7fff_ffff)).toBe(0);
    expect(kernel.epollWait(epoll, 1_000)).toBe(1);
    expect([kernel.eventFlags(0), kernel.eventIndex(0), kernel.eventGeneration(0)]).toEqual([
      EPOLL.out,
      7,
      0x7fff_ffff,
    ]);
    kernel.write(writer, MEMORY.write, 1);
    const ready = kernel.epollWait(epoll, 1_000);
    const events = Array.from({ length: ready }, (_, i) => [kernel.eventIndex(i), kernel.eventGeneration(i)]);
    expect(events).toContainEqual([123_456, -7]);
    expect(kernel.epollRemove(epoll, reader)).toBe(0);
    for (const fd of [reader, writer, epoll]) kernel.close(fd);
  });

  test("a connection that nobody takes: its error comes by SO_ERROR, and its own address is known", () => {
    const epoll = kernel.epollCreate();
    const fd = kernel.socket(LINUX.AF_INET);
    expect(kernel.setOption(fd, LINUX.IPPROTO_TCP, LINUX.TCP_NODELAY, 1)).toBe(0);
    expect(kernel.setOption(fd, LINUX.IPPROTO_IP, LINUX.IP_BIND_ADDRESS_NO_PORT, 1)).toBe(0);
    expect(kernel.bind(fd, putAddress(kernel.memory, parseIpAddress("127.0.0.1", 0) as IpAddress))).toBe(0);
    // Port 1 of loopback: nobody listens there.
    const result = kernel.connect(fd, putAddress(kernel.memory, parseIpAddress("127.0.0.1", 1) as IpAddress));
    expect(result).toBe(-ERRNO.EINPROGRESS);
    kernel.epollAdd(epoll, fd, EPOLL.out | EPOLL.edge, 1, 1);
    expect(kernel.epollWait(epoll, 2_000)).toBe(1);
    expect(kernel.eventFlags(0) & EPOLL.err).toBe(EPOLL.err);
    expect(kernel.socketError(fd)).toBe(-111);
    expect(kernel.localAddress(fd)).toBe(0);
    expect(takeAddress(kernel.memory)?.host).toBe("127.0.0.1");
    expect(kernel.resetOnClose(fd)).toBe(0);
    kernel.close(fd);
    kernel.close(epoll);
  });

  test("an eventfd wakes a wait up, and its duplicate is the same one", () => {
    const epoll = kernel.epollCreate();
    const eventfd = kernel.eventfd();
    const other = kernel.duplicate(eventfd);
    kernel.epollAdd(epoll, eventfd, EPOLL.in, 1, 1);
    expect(kernel.epollWait(epoll, 0)).toBe(0);
    expect(kernel.signal(other)).toBe(8);
    expect(kernel.epollWait(epoll, 1_000)).toBe(1);
    expect(kernel.read(eventfd, MEMORY.read, 8)).toBe(8);
    expect(kernel.epollWait(epoll, 0)).toBe(0);
    for (const fd of [eventfd, other, epoll]) kernel.close(fd);
  });
});
