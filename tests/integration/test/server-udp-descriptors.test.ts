import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { concat, octets, openDescriptors, readOctets } from "@sockskit/testing";
import { startChild } from "./server-child.ts";
import { connectTo, GREETING, pause, until } from "./server-support.ts";
import { ASSOCIATE, associate, header4, header6, headerName, openUdpEcho } from "./udp-support.ts";

const isLinux = process.platform === "linux";
const why = isLinux ? "" : " (not run: only Linux tells the descriptors of a process)";
const BIND = octets("05 02 00 01 7f 00 00 01 00 15");

test.runIf(isLinux)(
  `after associations and BINDs, ended in every way, the server has as many descriptors as before${why}`,
  { timeout: 60_000 },
  async () => {
    const { port, process: child } = await startChild(4_096);
    const four = await openUdpEcho();
    const six = await openUdpEcho("::1");
    const leave = [
      (control: net.Socket) => control.end(),
      (control: net.Socket) => control.resetAndDestroy(),
      (control: net.Socket) => control.destroy(),
    ];

    const oneAssociation = async (i: number): Promise<void> => {
      const { control, client, send } = await associate(port);
      control.resume();
      for (const header of [header4(four.port), header6(six.port)]) {
        if (i % 4 === 0) break;
        send(header, "x");
        await client.next();
      }
      // A look-up that nobody waits for any more, and half a sequence of fragments.
      send(headerName(`no-${i}.invalid`, 53), "x");
      send(header4(four.port, undefined, "01"), "x");
      const closed = once(control, "close");
      leave[i % 3]?.(control);
      await closed;
      await client.close();
    };

    const oneBinding = async (i: number): Promise<void> => {
      const client = await connectTo(port);
      client.write(concat(GREETING, BIND));
      const peerPort = Buffer.from(await readOctets(client, 12)).readUInt16BE(10);
      client.resume();
      const closed = once(client, "close");
      if (i % 4 === 3) {
        // The wrong host.
        const stranger = net.connect({ port: peerPort, host: "127.0.0.1", localAddress: "127.0.0.3" });
        stranger.on("error", () => undefined);
        client.on("end", () => client.end());
      } else if (i % 4 === 2) {
        const peer = await connectTo(peerPort);
        peer.resume();
        client.on("end", () => client.end());
        peer.end();
      } else leave[i % 2]?.(client);
      await closed;
    };

    const batch = (from: number): Promise<unknown> =>
      Promise.all(Array.from({ length: 10 }, (_, i) => Promise.all([oneAssociation(from + i), oneBinding(from + i)])));
    await batch(0);
    await pause(500);
    const before = openDescriptors(child.pid) ?? 0;
    expect(before).toBeGreaterThan(0);
    for (let from = 0; from < 200; from += 10) await batch(from);
    await until(() => (openDescriptors(child.pid) ?? 0) <= before, "the descriptors are back");
    expect(child.exitCode).toBe(null);
  },
);

test.runIf(isLinux)(
  `out of descriptors: no new association, the open one goes on, later there is room again${why}`,
  { timeout: 60_000 },
  async () => {
    const { port, process: child } = await startChild(120);
    const echo = await openUdpEcho();
    const first = await associate(port);
    first.send(header4(echo.port), "first");
    await first.client.next();

    const others: net.Socket[] = [];
    const replies: (number | undefined)[] = [];
    for (let i = 0; i < 80; i++) {
      const control = await connectTo(port);
      others.push(control);
      control.write(concat(GREETING, i % 4 === 0 ? BIND : ASSOCIATE));
      const reply = await readOctets(control, 12, 1_000).catch(() => undefined);
      replies.push(reply?.[3]);
    }
    expect(replies.filter((rep) => rep === 0x00).length).toBeGreaterThan(20);
    // Some are told (reply 01), those that could not even be accepted are cut off.
    expect(replies.filter((rep) => rep === 0x01 || rep === undefined).length).toBeGreaterThan(10);
    first.send(header4(echo.port), "still here");
    expect((await first.client.next()).subarray(10).toString()).toBe("still here");

    for (const control of others) control.destroy();
    await until(() => (openDescriptors(child.pid) ?? 0) < 60, "the descriptors are back");
    const later = await associate(port);
    later.send(header4(echo.port), "later");
    expect((await later.client.next()).subarray(10).toString()).toBe("later");
    expect(child.exitCode).toBe(null);
  },
);
