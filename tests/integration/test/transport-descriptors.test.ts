import { mkdtempSync, rmSync } from "node:fs";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTlsSocket } from "node:tls";
import { authorityCertificate, certificatePair, octets, openDescriptors } from "@sockskit/testing";
import { expect, test } from "vitest";
import { createServer, type ListenOptions } from "@sockskit/server";
import { afterTest, connectRequest, connectTo, ENGINE, GREETING, startEcho, until } from "./server-support.ts";
import { connectUnix, HEADER, LINE, MUTUAL_TLS } from "./transport-support.ts";

const isLinux = process.platform === "linux";
const why = isLinux ? "" : " (not run: only Linux tells the descriptors of a process)";
/** How often each way is gone. */
const ROUNDS = 60;

/** Everything that a client may do at the doors before SOCKS, right and wrong. */
type Way = (connect: () => Promise<net.Socket>, targetPort: number) => Promise<net.Socket>;

const send =
  (...pieces: readonly Uint8Array[]): Way =>
  async (connect) => {
    const client = await connect();
    for (const piece of pieces) client.write(piece);
    return client;
  };
const tls =
  (identity: object, then: (client: net.Socket, targetPort: number) => void): Way =>
  async (connect, targetPort) => {
    const socket = await connect();
    const client = connectTlsSocket({ socket, servername: "localhost", ca: authorityCertificate(), ...identity });
    client.on("error", () => undefined);
    client.once("secureConnect", () => then(client, targetPort));
    return client;
  };
const ask = (client: net.Socket, targetPort: number): void => {
  client.write(Buffer.concat([GREETING, connectRequest(targetPort), Buffer.from("x")]));
};
const ALICE = certificatePair("alice");
const behind =
  (header: Uint8Array, way: Way): Way =>
  (connect, targetPort) =>
    way(async () => {
      const client = await connect();
      client.write(header);
      return client;
    }, targetPort);

const WAYS: Readonly<Record<string, Way>> = {
  "says nothing": send(),
  "speaks SOCKS without TLS": send(GREETING),
  "sends half a header": send(LINE.subarray(0, 20)),
  "sends a broken header": send(octets("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a ff")),
  "sends half a ClientHello": send(LINE, octets("16 03 01 02 00 01")),
  "sends a broken record": send(HEADER, octets("16 03 01 00 05 ff ff ff ff ff")),
  "has no certificate": behind(LINE, tls({}, ask)),
  "has the certificate of a stranger": behind(LINE, tls(certificatePair("strange-alice"), ask)),
  "does not trust ours": behind(LINE, tls({ ...ALICE, ca: "" }, ask)),
  "has a tunnel": behind(HEADER, tls(ALICE, ask)),
  "is refused": behind(
    HEADER,
    tls(ALICE, (client) => client.write(octets("05 01 02"))),
  ),
};
const ENDS: readonly ((client: net.Socket) => void)[] = [
  (client) => client.destroy(),
  (client) => client.end(),
  (client) => client.resetAndDestroy(),
];

test.runIf(isLinux)(
  `whatever happens before SOCKS, on TCP and Unix sockets, no descriptor stays${why}`,
  { timeout: 120_000 },
  async () => {
    const place = mkdtempSync(join(tmpdir(), "sockskit-"));
    afterTest(() => rmSync(place, { recursive: true, force: true }));
    const path = join(place, "socks");
    const doors: ListenOptions = { proxyProtocol: { from: ["127.0.0.1"] }, tls: MUTUAL_TLS };
    const server = createServer({
      engine: ENGINE,
      listen: [
        { port: 0, ...doors },
        { unix: { path }, ...doors },
      ],
      timeouts: { handshakeMs: 2_000, lingerMs: 500 },
      rules: [{ action: "allow", users: ["alice"], to: ["loopback"] }],
    });
    afterTest(() => server.close());
    const [first] = await server.listen();
    const echo = await startEcho();
    const one = async (way: Way, index: number): Promise<void> => {
      const isUnix = index % 2 === 1;
      const client = await way(() => (isUnix ? connectUnix(path) : connectTo(first?.port ?? 0)), echo.port);
      client.on("error", () => undefined).resume();
      await new Promise((resolve) => setTimeout(resolve, (index % 7) * 5));
      // A Unix socket, and TLS over anything, knows no reset.
      const end = isUnix || "encrypted" in client ? ENDS[index % 2] : ENDS[index % 3];
      end?.(client);
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.destroy();
    };
    const all = async (): Promise<void> => {
      for (let index = 0; index < ROUNDS; index += 1) {
        await Promise.all(Object.values(WAYS).map((way) => one(way, index)));
      }
      await until(() => server.stats.sessions === 0, "everybody has gone");
    };
    await all();
    await until(() => echo.sockets.size === 0, "the target is left");
    const before = openDescriptors() ?? 0;
    await all();
    await until(() => (openDescriptors() ?? 0) <= before, "the descriptors are back");
    expect(server.stats).toMatchObject({ sessions: 0, handshakes: 0, tunnels: 0 });
    expect(server.stats.connected).toBeGreaterThan(0);
    expect(server.stats.turnedAway).toBeGreaterThan(ROUNDS);
  },
);
