import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { listenEcho, listenTcp, octets, readOctets } from "@sockskit/testing";
import { expect, onTestFinished, test } from "vitest";
import { folder, openTunnel, Sockskitd } from "./sockskitd.ts";

test("the line about a listener, as programs read it", async () => {
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]);
  await server.port(1);
  const [first = "", second = ""] = server.stdout.split("\n");
  expect(first).toMatch(/^\{"level":"info","msg":"listening","address":"127\.0\.0\.1","port":\d+,"time":"[^"]+"\}$/u);
  expect(second).toMatch(/^\{"level":"info","msg":"listening","address":"::1","port":\d+,/u);
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
});

test("a session: connected and closed, with who, where and how much", async () => {
  const target = await listenEcho();
  onTestFinished(() => target.close());
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  const { socket } = await openTunnel(await server.port(), target.port);
  socket.write("hello");
  await new Promise((resolve) => socket.once("data", resolve));
  socket.end();
  expect(await server.line("closed")).toMatchObject({
    level: "info",
    client: expect.stringMatching(/^127\.0\.0\.1:\d+$/u) as string,
    destination: `127.0.0.1:${target.port}`,
    bytesIn: 5,
    bytesOut: 5,
    reason: "finished",
  });
  expect(await server.line("connected")).toMatchObject({ version: 5, address: `127.0.0.1:${target.port}`, rule: 2 });
  server.child.kill("SIGTERM");
  await server.finished;
});

test("a look-up: the question and the answer", async () => {
  const cwd = folder({ "c.yaml": "rules: [allow: { commands: [resolve, resolve-ptr] }]" });
  const server = new Sockskitd(["--config", "c.yaml", "--listen", "127.0.0.1:0"], { cwd });
  const socket = connect(await server.port(), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write(octets("05 01 00 05 f1 00 01 7f 00 00 01 00 00"));
  await readOctets(socket, 18);
  socket.end();
  expect(await server.line("answered")).toMatchObject({
    level: "info",
    version: 5,
    command: "resolve-ptr",
    destination: "127.0.0.1",
    answer: "localhost",
    rule: 1,
  });
  expect(await server.line("closed")).toMatchObject({ reason: "finished", bytesIn: 0, bytesOut: 0 });
  server.child.kill("SIGTERM");
  await server.finished;
});

test("SOCKS 4 where a password is required: the line says why, and what would do", async () => {
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--user", "alice:secret"]);
  const socket = connect(await server.port(), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write(octets("04 01 00 50 7f 00 00 01 61 6c 69 63 65 00"));
  expect((await readOctets(socket, 8))[1]).toBe(0x5b);
  socket.end();
  expect(await server.line("denied")).toMatchObject({
    level: "warn",
    code: "ERR_SOCKS_AUTH_REQUIRED",
    reason: "client speaks SOCKS 4, which cannot authenticate; SOCKS 5 is required here",
    reply: 0x5b,
  });
  server.child.kill("SIGTERM");
  await server.finished;
});

test("ident: whom it names, and nothing of an answer that could forge a line", async () => {
  const answers = ["USERID : UNIX : fred\r\n", 'USERID:UNIX:fred\r\u001B[2K{"level":"info"}\r\n'];
  const daemon = await listenTcp((socket) => {
    socket.once("data", (query) => socket.end(`${String(query).trim()}:${answers.shift() ?? ""}`));
  });
  onTestFinished(() => daemon.close());
  const target = await listenEcho();
  onTestFinished(() => target.close());
  const cwd = folder({ "c.yaml": `auth: { ident: { mode: require, port: ${daemon.port} } }` });
  const server = new Sockskitd(["--config", "c.yaml", "--listen", "127.0.0.1:0"], { cwd });
  const port = await server.port();
  const ask = async (): Promise<number | undefined> => {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(octets(`04 01 ${target.port.toString(16).padStart(4, "0")} 7f 00 00 01 66 72 65 64 00`));
    const cd = (await readOctets(socket, 8))[1];
    socket.destroy();
    return cd;
  };
  expect(await ask()).toBe(0x5a);
  expect(await server.line("connected")).toMatchObject({ user: "fred", userId: "fred", ident: "fred" });
  expect(await ask()).toBe(0x5c);
  expect(await server.line("denied")).toMatchObject({
    code: "ERR_SOCKS_IDENT_FAILED",
    reason: "ident named nobody: UNKNOWN-ERROR",
    identError: "UNKNOWN-ERROR",
    reply: 0x5c,
  });
  expect(server.stdout).not.toContain("\u001B");
  server.child.kill("SIGTERM");
  await server.finished;
});

test("an association: bound and closed, with the datagrams that passed and those that did not", async () => {
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  const control = connect(await server.port(), "127.0.0.1");
  onTestFinished(() => void control.destroy());
  control.write(octets("05 01 00 05 03 00 01 00 00 00 00 00 00"));
  const relayPort = Buffer.from(await readOctets(control, 12)).readUInt16BE(10);
  expect(await server.line("bound")).toMatchObject({ command: "udp-associate", address: `127.0.0.1:${relayPort}` });
  const client = createSocket("udp4");
  onTestFinished(() => void client.close());
  client.bind(0, "127.0.0.1");
  await once(client, "listening");
  const { port } = client.address();
  // A datagram to itself: it comes back without, and then with the header of an answer.
  const header = octets(`00 00 00 01 7f 00 00 01 ${port.toString(16).padStart(4, "0")}`);
  client.send(Buffer.concat([header, Buffer.from("hello")]), relayPort, "127.0.0.1");
  expect(String((await once(client, "message"))[0])).toBe("hello");
  client.send("rubbish", relayPort, "127.0.0.1");
  await new Promise((wake) => setTimeout(wake, 100));
  control.end();
  expect(await server.line("closed")).toMatchObject({
    bytesIn: 5,
    datagramsIn: 1,
    datagramsOut: 0,
    dropped: "malformed=1",
    reason: "finished",
  });
  server.child.kill("SIGTERM");
  await server.finished;
});

test("pretty: a time, a level and fields; no colour where there is no terminal", async () => {
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--log-format", "pretty"]);
  while (!server.stdout.includes("\n")) await new Promise((wake) => setTimeout(wake, 10));
  expect(server.stdout).toMatch(/^\d\d:\d\d:\d\d info {2}listening {2}address=127\.0\.0\.1 {2}port=\d+\n/u);
  server.child.kill("SIGTERM");
  await server.finished;
});

test("a reader that stops reading holds up neither clients nor the end", async () => {
  const target = await listenEcho();
  onTestFinished(() => target.close());
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--log-level", "debug"], { unread: true });
  const port = await new Promise<number>((resolve) => {
    server.child.stdout?.once("readable", () => {
      const text = String(server.child.stdout?.read());
      resolve(Number(/"port":(\d+)/u.exec(text)?.[1]));
    });
  });
  // Far more than a pipe holds: about 700 bytes for each client.
  for (let round = 0; round < 1000; round++) {
    const { socket, rep } = await openTunnel(port, target.port);
    expect(rep).toBe(0x00);
    socket.destroy();
  }
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
});

test("a reader that goes away does not end it", async () => {
  const target = await listenEcho();
  onTestFinished(() => target.close());
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  const port = await server.port();
  server.child.stdout?.destroy();
  for (let round = 0; round < 5; round++) {
    const { socket, rep } = await openTunnel(port, target.port);
    expect(rep).toBe(0x00);
    socket.destroy();
  }
  expect(server.child.exitCode).toBeNull();
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
});
