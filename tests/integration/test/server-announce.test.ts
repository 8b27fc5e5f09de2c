import type net from "node:net";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { ServerOptions } from "@sockskit/server";
import { octets, readOctets, readToEnd } from "@sockskit/testing";
import { afterTest, connectRequest, connectTo, GREETING, portHex, startServer, startTarget } from "./server-support.ts";
import { ask, connectThrough, connectUnix, LINE } from "./transport-support.ts";

/** What a target gets of a client that sends "data" with its request, and ends. */
async function told(
  options: ServerOptions,
  connect: (port: number) => Promise<net.Socket> = connectTo,
): Promise<{ received: string; targetPort: number }> {
  let arrived: Promise<Uint8Array> | undefined;
  const target = await startTarget((socket) => {
    arrived = readToEnd(socket).finally(() => socket.end());
  });
  const { port } = await startServer(options);
  const client = await connect(port);
  const { localPort } = client;
  client.end(Buffer.concat([GREETING, connectRequest(target.port), Buffer.from("data")]));
  expect((await readOctets(client, 12))[3]).toBe(0x00);
  await readToEnd(client);
  const bytes = Buffer.from((await arrived) as Uint8Array);
  const isText = bytes.every((octet) => octet < 0x80 && octet !== 0x00);
  const text = isText ? bytes.toString() : bytes.toString("hex");
  const received =
    localPort === undefined ? text : text.replace(` ${localPort} `, " CLIENT ").replace(portHex(localPort), "CLIENT");
  return { received, targetPort: target.port };
}

test("off, which is the default: the target gets what the client sends, and nothing else", async () => {
  expect((await told({})).received).toBe("data");
  expect((await told({ outbound: { proxyProtocol: "off" } })).received).toBe("data");
});

test("version 1: the line comes first, and names the client and the address that was dialled", async () => {
  const { received, targetPort } = await told({ outbound: { proxyProtocol: "v1" } });
  expect(received).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 CLIENT ${targetPort}\r\ndata`);
});

test("version 2", async () => {
  const { received, targetPort } = await told({ outbound: { proxyProtocol: "v2" } });
  const header = `0d0a0d0a000d0a515549540a2111000c7f0000017f000001CLIENT${portHex(targetPort)}`;
  expect(received).toBe(`${header}${Buffer.from("data").toString("hex")}`);
});

test("a rule's own word wins, in both directions", async () => {
  const allow = { action: "allow", to: ["loopback"] } as const;
  expect((await told({ rules: [{ ...allow, proxyProtocol: "v1" }] })).received).toMatch(/^PROXY TCP4 /u);
  const rules = [{ ...allow, proxyProtocol: "off" }] as const;
  expect((await told({ outbound: { proxyProtocol: "v2" }, rules })).received).toBe("data");
});

test("the rule that decides counts, not the one for the name", async () => {
  const rules = [
    { action: "allow", to: ["192.0.2.0/24"], proxyProtocol: "v2" },
    { action: "allow", to: ["loopback"], proxyProtocol: "v1" },
  ] as const;
  expect((await told({ rules })).received).toMatch(/^PROXY TCP4 /u);
});

test("who came through a PROXY header is who the target hears of", async () => {
  const options: ServerOptions = {
    listen: [{ port: 0, proxyProtocol: { from: ["127.0.0.1"] } }],
    allowOpenProxy: true,
    rules: [{ action: "allow", to: ["loopback"], proxyProtocol: "v1" }],
  };
  const { received, targetPort } = await told(options, (port) => connectThrough(port, LINE));
  expect(received).toBe(`PROXY TCP4 192.0.2.33 127.0.0.1 49200 ${targetPort}\r\ndata`);
});

test("the client of a Unix socket has no address, and none is made up", async () => {
  const place = mkdtempSync(join(tmpdir(), "sockskit-"));
  afterTest(() => rmSync(place, { recursive: true, force: true }));
  const path = join(place, "socks");
  const listen = [{ unix: { path } }];
  const line = await told({ listen, outbound: { proxyProtocol: "v1" } }, () => connectUnix(path));
  expect(line.received).toBe("PROXY UNKNOWN\r\ndata");
  const other = [{ unix: { path: `${path}2` } }];
  const header = await told({ listen: other, outbound: { proxyProtocol: "v2" } }, () => connectUnix(`${path}2`));
  expect(header.received).toBe(`0d0a0d0a000d0a515549540a20000000${Buffer.from("data").toString("hex")}`);
});

test("the octets of the header are not the client's", async () => {
  const { log, port } = await startServer({ outbound: { proxyProtocol: "v2" } });
  const target = await startTarget((socket) => {
    void readToEnd(socket).then(() => socket.end());
  });
  const client = await connectTo(port);
  expect(await ask(client, target.port)).toBe(0x00);
  client.end(octets("aa bb"));
  await readToEnd(client);
  await expect.poll(() => log.closed).toMatchObject([{ bytesIn: 2, bytesOut: 0 }]);
});
