import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { listenUdpRelay, octets, readOctets } from "../src/index.ts";

test("answers the request, records, and echoes when told to", async () => {
  const relay = await listenUdpRelay({ echo: true });
  onTestFinished(relay.close);
  const control = net.connect(relay.port, relay.host);
  onTestFinished(() => void control.destroy());
  control.write(octets("05 01 00 05 03 00 01 00 00 00 00 00 00"));
  const port = [relay.relayPort >> 8, relay.relayPort & 0xff];
  expect(await readOctets(control, 12)).toEqual(Uint8Array.of(5, 0, 5, 0, 0, 1, 127, 0, 0, 1, ...port));
  expect(relay.requests).toEqual([octets("05 03 00 01 00 00 00 00 00 00")]);

  const socket = dgram.createSocket("udp4");
  onTestFinished(() => void socket.close());
  const sent = octets("00 00 00 01 c0 00 02 07 00 07 68 69");
  socket.send(sent, relay.relayPort, "127.0.0.1");
  const [echoed] = (await once(socket, "message")) as [Buffer];
  expect(Uint8Array.from(echoed)).toEqual(sent);
  expect(await relay.datagram(0)).toEqual(sent);
  relay.answer(octets("61"));
  const [answer] = (await once(socket, "message")) as [Buffer];
  expect(answer.toString()).toBe("a");
  await relay.stopRelaying();
  expect(control.destroyed).toBe(false);
});
