import diagnosticsChannel from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { hashPassword } from "@sockskit/server";
import { checkNoSecrets, concat, readOctets } from "@sockskit/testing";
import {
  afterTest,
  connectRequest,
  connectTo,
  converse,
  credentials,
  GREETING,
  GREETING_USERPASS,
  openTunnel,
  startEcho,
  startServer,
  until,
} from "./server-support.ts";

const CHANNELS = ["open", "authenticated", "denied", "connected", "close"].map(
  (name) => `sockskit:server:session:${name}`,
);

test("the same data goes to the emitter and to the channels, as plain data", async () => {
  const published: [string, unknown][] = [];
  for (const name of CHANNELS) {
    const listen = (message: unknown): void => {
      published.push([name, message]);
    };
    diagnosticsChannel.subscribe(name, listen);
    afterTest(() => diagnosticsChannel.unsubscribe(name, listen));
  }
  const { port, log } = await startServer({
    credentials: [{ name: "alice", password: { plain: "s3cret" }, groups: ["staff"] }],
  });
  const echo = await startEcho();
  const client = await connectTo(port);
  const { localPort } = client;
  client.write(concat(GREETING_USERPASS, credentials("alice", "s3cret"), connectRequest(echo.port)));
  await readOctets(client, 14);
  client.write("four");
  await readOctets(client, 4);
  client.end();
  client.resume();
  await until(() => log.closed.length === 1, "the session is closed");

  const id = log.session[0]?.id ?? 0;
  const from = {
    id,
    client: expect.objectContaining({ type: "ipv4", host: "127.0.0.1", port: localPort }) as object,
  };
  const destination = expect.objectContaining({ host: "127.0.0.1", port: echo.port }) as object;
  const durationMs = expect.any(Number) as number;
  const events = [
    { ...from, listener: expect.objectContaining({ host: "127.0.0.1", port }) as object },
    { ...from, user: "alice", method: "userpass" },
    { ...from, user: "alice", version: 5, command: "connect", destination, address: destination, rule: 1, durationMs },
    { ...from, user: "alice", destination, bytesIn: 4, bytesOut: 4, durationMs, reason: "finished" },
  ];
  expect([log.session, log.authenticated, log.connected, log.closed].flat()).toEqual(events);
  const mine = published.filter(([, message]) => (message as { id: number }).id === id);
  expect(mine).toEqual([
    [CHANNELS[0], events[0]],
    [CHANNELS[1], events[1]],
    [CHANNELS[3], events[2]],
    [CHANNELS[4], events[3]],
  ]);
  expect(structuredClone(log)).toEqual(log);
});

test("every session that is opened is closed once", async () => {
  const { port, log } = await startServer();
  const echo = await startEcho();
  for (let i = 0; i < 5; i++) {
    (await openTunnel(port, echo.port)).destroy();
    await converse(port, GREETING, connectRequest(0));
    (await connectTo(port)).destroy();
  }
  await until(() => log.closed.length === 15, "all are closed");
  expect(log.closed.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(log.session.map(({ id }) => id));
});

describe("whoever listens cannot hurt a session", () => {
  const listeners: [string, () => unknown][] = [
    [
      "throws",
      () => {
        throw new RangeError("listener");
      },
    ],
    ["rejects", () => Promise.reject(new RangeError("listener"))],
  ];
  test.each(listeners)("a listener that %s", async (_how, listener) => {
    const { port, server, log } = await startServer();
    for (const name of ["session", "authenticated", "denied", "connected", "closed"] as const)
      server.prependListener(name, listener);
    const echo = await startEcho();
    const client = await openTunnel(port, echo.port);
    client.write("ping");
    await readOctets(client, 4);
    client.end();
    client.resume();
    await until(() => log.closed.length === 1, "the session is closed, and the other listeners were told");
    expect(log.connected).toHaveLength(1);
    await until(() => log.error.length === 4, "each failure is reported");
    expect(log.error[0]).toMatchObject({
      name: "ServerError",
      code: "ERR_SOCKS_EVENT_LISTENER",
      cause: { message: "listener" },
    });
  });

  test("not even one for errors", async () => {
    const { port, server } = await startServer();
    const warnings: Error[] = [];
    const warn = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on("warning", warn);
    afterTest(() => process.off("warning", warn));
    server.on("session", () => {
      throw new RangeError("first");
    });
    server.on("error", () => {
      throw new RangeError("second");
    });
    const echo = await startEcho();
    await openTunnel(port, echo.port);
    await until(() => warnings.length > 0, "the process is warned");
    expect(warnings[0]).toMatchObject({ name: "SockskitWarning" });
  });

  test("and nobody has to listen for errors", async () => {
    const { port, server } = await startServer();
    server.removeAllListeners();
    server.on("session", () => {
      throw new RangeError("nobody hears of this");
    });
    const echo = await startEcho();
    const client = await openTunnel(port, echo.port);
    client.write("ping");
    expect(Buffer.from(await readOctets(client, 4)).toString()).toBe("ping");
  });
});

test("no secret is in an event, a session, the server or an error", async () => {
  const secrets = ["canary-password-1", "canary-password-2", "canary-guess-3"];
  const { port, server, log } = await startServer({
    credentials: [
      { name: "alice", password: { plain: "canary-password-1" } },
      { name: "bob", password: await hashPassword("canary-password-2") },
    ],
  });
  const echo = await startEcho();
  const clients = [];
  for (const [name, password] of [
    ["alice", "canary-password-1"],
    ["bob", "canary-password-2"],
  ] as const) {
    const client = await connectTo(port);
    client.write(concat(GREETING_USERPASS, credentials(name, password), connectRequest(echo.port)));
    await readOctets(client, 14);
    clients.push(client);
  }
  await converse(port, GREETING_USERPASS, credentials("alice", "canary-guess-3"));
  checkNoSecrets(server, secrets);
  checkNoSecrets([...server.sessions()], secrets);
  for (const client of clients) client.destroy();
  await until(() => log.closed.length === 3, "all are closed");
  for (const events of Object.values(log)) checkNoSecrets(events, secrets);
});

test("what a client says cannot forge a line of a log", async () => {
  const { port, log } = await startServer({ credentials: [{ name: "alice", password: { plain: "x" } }] });
  await converse(port, GREETING_USERPASS, credentials("eve\r\n2026-11-23 alice logged in\u202e", "x"));
  expect(log.denied[0]?.user).toBe("eve\\u{000D}\\u{000A}2026-11-23 alice logged in\\u{202E}");
});
