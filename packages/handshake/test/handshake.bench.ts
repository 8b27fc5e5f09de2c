import { createRequire } from "node:module";
import type * as authPackage from "@sockskit/auth";
import type * as wirePackage from "@sockskit/wire";
import { expect, test } from "vitest";
import type * as handshakePackage from "../src/index.ts";

// The built packages, as Node loads them: the test runner's own loader slows calls between modules.
const load = createRequire(import.meta.url);
const { noneClient, noneServer, userPassClient, userPassServer } = load("@sockskit/auth") as typeof authPackage;
const { ClientHandshake, ServerHandshake } = load("@sockskit/handshake") as typeof handshakePackage;
const { parseAddress } = load("@sockskit/wire") as typeof wirePackage;

const ACCEPTED = { accepted: true, identity: "alice" } as const;
const boundAddress = parseAddress("198.51.100.7", 50000);
const none = { server: [noneServer()], client: [noneClient()] };
const password = { server: [userPassServer()], client: [userPassClient({ username: "alice", password: "s3cret" })] };
const ipv4 = parseAddress("192.0.2.10", 443);
const name = parseAddress("example.com", 443);

test("nanoseconds per whole handshake", () => {
  for (const [label, version, methods, destination] of [
    ["SOCKS 5, no authentication, IPv4", 5, none, ipv4],
    ["SOCKS 5, no authentication, name", 5, none, name],
    ["SOCKS 5, user name and password, name", 5, password, name],
    ["SOCKS 4", 4, none, ipv4],
    ["SOCKS 4A", 4, none, name],
  ] as const) {
    const options = { version, destination, authMethods: methods.client };
    const serverOptions = { authMethods: methods.server };
    const { client, server, toServer, toClient } = talk(options, serverOptions);
    expect([client.state, server.state]).toEqual(["established", "established"]);

    print(`${label}: both sides`, () => talk(options, serverOptions));
    print(`${label}: client`, () => {
      const alone = new ClientHandshake(options);
      alone.start();
      for (const bytes of toClient) alone.receive(bytes);
      return alone;
    });
    print(`${label}: server`, () => {
      const alone = new ServerHandshake(serverOptions);
      const sent: Uint8Array[] = [];
      for (const bytes of toServer) serve(alone, bytes, sent);
      return alone;
    });
  }
});

interface Talk {
  readonly client: handshakePackage.ClientHandshake;
  readonly server: handshakePackage.ServerHandshake;
  readonly toServer: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
}

/** A whole handshake, both sides, and what each of them received, in pieces. */
function talk(
  options: handshakePackage.ClientHandshakeOptions,
  serverOptions: handshakePackage.ServerHandshakeOptions,
): Talk {
  const client = new ClientHandshake(options);
  const server = new ServerHandshake(serverOptions);
  const toServer: Uint8Array[] = [];
  const toClient: Uint8Array[] = [];
  let events = client.start();
  for (let sent = 0, answered = 0; ;) {
    for (const event of events) if (event.type === "send") toServer.push(event.data);
    for (; sent < toServer.length; sent++) serve(server, toServer[sent] as Uint8Array, toClient);
    if (answered === toClient.length) break;
    events = client.receive(toClient[answered++] as Uint8Array);
  }
  return { client, server, toServer, toClient };
}

function serve(server: handshakePackage.ServerHandshake, bytes: Uint8Array, toClient: Uint8Array[]): void {
  for (const event of server.receive(bytes)) {
    if (event.type === "send") toClient.push(event.data);
    else if (event.type === "authenticate") send(server.authenticated(ACCEPTED), toClient);
    else if (event.type === "request") send(server.reply({ rep: 0x00, boundAddress }), toClient);
  }
}

function send(events: readonly handshakePackage.ServerEvent[], toClient: Uint8Array[]): void {
  for (const event of events) if (event.type === "send") toClient.push(event.data);
}

/** The best of several rounds, each of many handshakes: a clock per handshake would measure itself. */
function print(label: string, run: () => unknown): void {
  const rounds = 50_000;
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds);
  }
  process.stdout.write(`${label.padEnd(52)} ${best.toFixed(0).padStart(6)} ns\n`);
}
