import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { addressAt, socketWords } from "../../src/datagrams/socket-words.ts";
import { ADDRESS_WORDS, DATAGRAMS, EPOLL, ERRNO, LINUX } from "../../src/kernel/layout.ts";
import { NativeKernel } from "../../src/kernel/native-kernel.ts";
import { putAddress, takeAddress } from "../../src/kernel/socket-address.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const why = isHere ? "" : " (not run: it needs Linux on x86-64 or arm64)";

describe.runIf(isHere)(`many datagrams in one call${why}`, () => {
  test.each([
    ["127.0.0.1", LINUX.AF_INET],
    ["::1", LINUX.AF_INET6],
  ])("to and from %s: octets, lengths and addresses", (host, family) => {
    const kernel = new NativeKernel();
    const open = (): { fd: number; address: IpAddress } => {
      const fd = kernel.datagramSocket(family);
      expect(kernel.bind(fd, putAddress(kernel.memory, parseIpAddress(host, 0) as IpAddress))).toBe(0);
      expect(kernel.localAddress(fd)).toBe(0);
      return { fd, address: takeAddress(kernel.memory) as IpAddress };
    };
    const [from, to] = [open(), open()];
    const { datagrams } = kernel;
    expect(datagrams.receive(to.fd)).toBe(-ERRNO.EAGAIN);
    const { words, length } = socketWords(to.address);
    const sizes = [0, 1, 1_200, 65_507];
    sizes.forEach((size, position) => {
      const offset = position * DATAGRAMS.stride;
      datagrams.memory.fill(position + 1, offset, offset + size);
      datagrams.targets.set(words, position * ADDRESS_WORDS);
      datagrams.put(position, offset, size, length);
    });
    expect(datagrams.send(from.fd, 1, 3)).toBe(3);
    expect(datagrams.send(from.fd, 0, 1)).toBe(1);
    const epoll = kernel.epollCreate();
    kernel.epollAdd(epoll, to.fd, EPOLL.in, 1, 1);
    expect(kernel.epollWait(epoll, 1_000)).toBe(1);
    expect(datagrams.receive(to.fd)).toBe(4);
    [1, 1_200, 65_507, 0].forEach((size, position) => {
      expect(datagrams.receivedLength(position)).toBe(size);
      const at = position * DATAGRAMS.stride + DATAGRAMS.room;
      expect(datagrams.memory.subarray(at, at + size).every((octet) => octet === position + 2)).toBe(true);
      expect(addressAt(datagrams.sources, position * ADDRESS_WORDS)).toEqual(from.address);
    });
    expect(datagrams.receive(to.fd)).toBe(-ERRNO.EAGAIN);
    for (const fd of [epoll, from.fd, to.fd]) expect(kernel.close(fd)).toBe(0);
  });
});
