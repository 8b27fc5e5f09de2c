// What only an association without real sockets can be shown to do.
import type dgram from "node:dgram";
import { EventEmitter, getEventListeners } from "node:events";
import type { Socket } from "node:net";

import { octets } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { parseAddress, parseIpAddress } from "@sockskit/wire";
import { expect, test } from "vitest";

import { Hop } from "../../src/chain/hop.ts";
import type { SocksError } from "../../src/index.ts";
import { datagramSettings } from "../../src/udp/datagram-options.ts";
import { TargetNames } from "../../src/udp/target-names.ts";
import { UdpAssociation } from "../../src/udp/udp-association.ts";
import { failureOf } from "../support/failure.ts";
import { fixedResolver } from "../support/fixed-resolver.ts";

class FakeControl extends EventEmitter {
  destroyed = false;
  resume(): void {}
  destroy(): void {
    this.destroyed = true;
  }
}

class FakeSocket extends EventEmitter {
  failure: NodeJS.ErrnoException | null = null;
  isClosed = false;
  address(): object {
    return { address: "127.0.0.1", port: 4000 };
  }
  remoteAddress(): object {
    return { address: "127.0.0.1", port: 5000 };
  }
  send(_data: unknown, callback: (error: Error | null) => void): void {
    queueMicrotask(() => callback(this.failure));
  }
  close(): void {
    if (this.isClosed) throw new TypeError("closed already");
    this.isClosed = true;
  }
}

function associate(signal?: AbortSignal) {
  const control = new FakeControl();
  const socket = new FakeSocket();
  const messages: string[] = [];
  let onClosed: (reason: SocksError | undefined) => void = () => undefined;
  const closed = new Promise<SocksError | undefined>((resolve) => (onClosed = resolve));
  const hop = new Hop(parseProxyUrl("socks5h://proxy.test"), 0, 1);
  const relayAddress = parseIpAddress("127.0.0.1", 5000);
  if (relayAddress === undefined) throw new TypeError("no address");
  const association = new UdpAssociation({
    hop,
    control: control as unknown as Socket,
    socket: socket as unknown as dgram.Socket,
    relayAddress,
    names: new TargetNames(hop, { family: "auto", resolver: fixedResolver({}) }, 1000),
    datagrams: datagramSettings({ onMessage: (data) => messages.push(data.toString()), onClosed }),
    signal,
    protection: undefined,
  });
  return { association, control, socket, messages, closed };
}

const datagram = Buffer.from(octets("00 00 00 01 c0 00 02 07 00 07 61"));
const target = parseAddress("192.0.2.7", 7);
const systemError = (code: string): Error => Object.assign(new Error(code), { code });

test("what strangers sent before the socket was connected to the relay is not taken", () => {
  const { association, socket, messages } = associate();
  socket.emit("message", datagram, { address: "127.0.0.1", port: 5001 });
  socket.emit("message", datagram, { address: "127.0.0.2", port: 5000 });
  expect(messages).toEqual([]);
  socket.emit("message", datagram, { address: "127.0.0.1", port: 5000 });
  expect(messages).toEqual(["a"]);
  association.close();
  socket.emit("message", datagram, { address: "127.0.0.1", port: 5000 });
  expect(messages).toEqual(["a"]);
});

test("a port that is refused ends nothing, another failure of the socket ends all", async () => {
  const { association, control, socket, closed } = associate();
  socket.emit("error", systemError("ECONNREFUSED"));
  expect(association.closed).toBe(false);
  socket.emit("error", systemError("ENETDOWN"));
  expect(await closed).toMatchObject({
    code: "ERR_SOCKS_PROXY_UNREACHABLE",
    stage: "relay",
    cause: { code: "ENETDOWN" },
  });
  expect([association.closed, control.destroyed, socket.isClosed]).toEqual([true, true, true]);
});

test("send tells what the system says", async () => {
  const { association, socket } = associate();
  socket.failure = systemError("ECONNREFUSED");
  const error = await failureOf(association.send(datagram, target));
  expect(error).toMatchObject({ code: "ERR_SOCKS_PROXY_UNREACHABLE", stage: "relay", side: "remote" });
  expect(error.message).toContain("127.0.0.1:5000, where proxy socks5h://proxy.test:1080 relays them: nothing listens");
  const waiting = failureOf(association.send(datagram, target));
  association.close();
  expect((await waiting).code).toBe("ERR_SOCKS_STATE");
});

test("the caller's signal is let go of", () => {
  const controller = new AbortController();
  const { association } = associate(controller.signal);
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
  association.close();
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
});

test("what happens to the control connection after the end changes nothing", async () => {
  const { association, control, closed } = associate();
  association.close();
  control.emit("error", systemError("ECONNRESET"));
  control.emit("close");
  expect(await closed).toBeUndefined();
});
