import { once } from "node:events";
import { TLSSocket } from "node:tls";

import {
  authorityCertificate,
  certificatePair,
  hex,
  listenTcp,
  type LoopbackServer,
  octets,
  readOctets,
} from "@sockskit/testing";
import { parseProxyChain, parseProxyUrl } from "@sockskit/url";
import { parseHostPort, parseIpAddress } from "@sockskit/wire";
import { afterEach, describe, expect, test } from "vitest";

import { type ChainHop, dialProxy, dialThrough, type OctetsEvent, type ProgressEvent } from "../../src/index.ts";
import { startTinyProxy } from "../support/tiny-proxy.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends LoopbackServer>(server: T): T {
  open.push(server);
  return server;
}

const destination = parseHostPort("example.com:80");
const greeting = octets("05 01 00");

/** A proxy that reads a header of this length, and then the greeting of SOCKS 5; gives both. */
async function proxyWith(headerLength: (first: Uint8Array) => Promise<number> | number): Promise<{
  readonly server: LoopbackServer;
  readonly received: Promise<{ header: Uint8Array; greeting: Uint8Array; remotePort: number | undefined }>;
}> {
  let settle: (value: { header: Uint8Array; greeting: Uint8Array; remotePort: number | undefined }) => void;
  const received = new Promise<Parameters<typeof settle>[0]>((resolve) => (settle = resolve));
  const server = keep(
    await listenTcp((socket) => {
      void (async () => {
        const first = await readOctets(socket, 6);
        const header = Buffer.concat([first, await readOctets(socket, (await headerLength(first)) - 6)]);
        settle({ header, greeting: await readOctets(socket, 3), remotePort: socket.remotePort });
        socket.end(octets("05 ff"));
      })().catch(() => socket.destroy());
    }),
  );
  return { server, received };
}

describe("a PROXY header towards a hop", () => {
  test("of version 1 is one line, before everything else", async () => {
    const { server, received } = await proxyWith(() => "PROXY TCP4 192.0.2.33 198.51.100.7 49200 1080\r\n".length);
    const proxy = parseProxyUrl(`socks5h://127.0.0.1:${server.port}`);
    const hop: ChainHop = {
      proxy,
      proxyProtocol: {
        version: 1,
        source: parseIpAddress("192.0.2.33", 49_200) as never,
        destination: parseIpAddress("198.51.100.7", 1080) as never,
      },
    };
    await expect(dialThrough({ chain: [hop], destination })).rejects.toMatchObject({
      code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
    });
    const { header, greeting: behind } = await received;
    expect(Buffer.from(header).toString()).toBe("PROXY TCP4 192.0.2.33 198.51.100.7 49200 1080\r\n");
    expect(hex(behind)).toBe(hex(greeting));
  });

  test("of version 2 says by itself who connects to what", async () => {
    const { server, received } = await proxyWith(() => 28);
    const steps: ProgressEvent[] = [];
    const sent: OctetsEvent[] = [];
    const proxy = parseProxyUrl(`socks5h://127.0.0.1:${server.port}`);
    await dialThrough({
      chain: [{ proxy, proxyProtocol: { version: 2 } }],
      destination,
      onProgress: (event) => steps.push(event),
      onOctets: (event) => sent.push(event),
    }).catch(() => undefined);
    const { header, remotePort = 0 } = await received;
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(remotePort, 0);
    ports.writeUInt16BE(server.port, 2);
    // Signature, version 2 and PROXY, TCP over IPv4, 12 octets; both addresses, both ports.
    const expected = `0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c 7f 00 00 01 7f 00 00 01 ${hex(ports)}`;
    expect(hex(header)).toBe(expected);
    expect(steps[2]).toMatchObject({
      step: "proxy-header",
      version: 2,
      source: { host: "127.0.0.1", port: remotePort },
      destination: { host: "127.0.0.1", port: server.port },
    });
    expect(hex(sent[0]?.octets ?? greeting)).toBe(expected);
  });

  test("announces IPv6 where one end has it", async () => {
    const line = "PROXY TCP6 2001:db8::33 ::ffff:7f00:1 49200 ";
    const { server, received } = await proxyWith(() => `${line}65535\r\n`.length - 5 + String(port()).length);
    const port = (): number => server.port;
    const source = parseIpAddress("2001:db8::33", 49_200) as never;
    const proxy = parseProxyUrl(`socks5h://127.0.0.1:${server.port}`);
    await dialThrough({ chain: [{ proxy, proxyProtocol: { version: 1, source } }], destination }).catch(
      () => undefined,
    );
    const { header } = await received;
    const [, family, from, , fromPort, toPort] = Buffer.from(header).toString().trimEnd().split(" ");
    expect([family, from, fromPort, toPort]).toEqual(["TCP6", "2001:db8::33", "49200", String(server.port)]);
  });

  test("goes through the tunnel to a later hop, which may be a name", async () => {
    const seen: string[] = [];
    const second = keep(
      await listenTcp((socket) => {
        socket.once("data", (data: Buffer) => {
          seen.push(data.toString("latin1").replace(/\r\n[^]*$/, ""));
          socket.end();
        });
      }),
    );
    const first = keep(await startTinyProxy({ names: { "second.example": { host: "127.0.0.1", port: second.port } } }));
    for (const host of ["127.0.0.1", "second.example"]) {
      const [one, two] = parseProxyChain(`socks5h://127.0.0.1:${first.port} http://${host}:${second.port}`);
      if (one === undefined || two === undefined) throw new RangeError("no chain");
      const chain = [one, { proxy: two, proxyProtocol: { version: 1 as const } }];
      await expect(dialThrough({ chain, destination })).rejects.toMatchObject({ hop: { index: 1 } });
    }
    expect(seen).toEqual([
      expect.stringMatching(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${second.port}$`)),
      expect.stringMatching(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 0\\.0\\.0\\.0 \\d+ ${second.port}$`)),
    ]);
  });

  test("comes before TLS, also of dialProxy", async () => {
    const lines: string[] = [];
    const server = keep(
      await listenTcp((socket) => {
        void (async () => {
          const length = `PROXY TCP4 127.0.0.1 127.0.0.1 ${socket.remotePort} ${server.port}\r\n`.length;
          lines.push(Buffer.from(await readOctets(socket, length)).toString());
          const secured = new TLSSocket(socket, { isServer: true, ...certificatePair("server") });
          secured.on("error", () => undefined);
          secured.end("hi");
        })().catch(() => socket.destroy());
      }),
    );
    const { socket, address } = await dialProxy({
      proxy: { proxy: parseProxyUrl(`socks5s://localhost:${server.port}`), proxyProtocol: { version: 1 } },
      address: parseHostPort(`127.0.0.1:${server.port}`),
      tls: { ca: authorityCertificate() },
    });
    expect(address.host).toBe("127.0.0.1");
    expect(String((await once(socket, "data"))[0])).toBe("hi");
    expect(lines).toEqual([expect.stringMatching(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)]);
    socket.destroy();
  });
});
