import { createHook } from "node:async_hooks";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { octets, readOctets, readToEnd } from "@sockskit/testing";
import { createServer } from "@sockskit/server";
import { afterTest, ENGINE, startEcho, startServer, startTarget, until } from "./server-support.ts";
import { ask, connectTls, connectUnix, LINE, SERVER_TLS } from "./transport-support.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sockskit-"));
  afterTest(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Permissions of a file, in octal. */
function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

/** A socket that nobody listens on, as a program leaves it that was killed. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child: ChildProcess = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(existsSync(path)).toBe(true);
}

test("a tunnel over a Unix socket: the client counts as 127.0.0.1, port 0", async () => {
  const path = join(folder(), "socks");
  const { server, log } = await startServer({ listen: [{ unix: { path } }] });
  expect(server.addresses).toEqual([{ host: "127.0.0.1", port: 0, path }]);
  expect(modeOf(path)).toBe("600");
  const target = await startTarget((socket) => {
    void readToEnd(socket).then((data) => socket.end(data));
  });
  const client = await connectUnix(path);
  expect(await ask(client, target.port)).toBe(0x00);
  client.end("half-close");
  expect(Buffer.from(await readToEnd(client)).toString()).toBe("half-close");
  await until(() => log.closed.length === 1, "the session is closed");
  expect(log.closed[0]).toMatchObject({ bytesIn: 10, bytesOut: 10, reason: "finished" });
  const here = { type: "ipv4", host: "127.0.0.1", port: 0 };
  expect(log.session).toMatchObject([{ client: here, listener: here, path }]);
  await server.close();
  expect(existsSync(path)).toBe(false);
});

test("an end by the server or by an aborted target is an end of the connection", async () => {
  const path = join(folder(), "socks");
  const { server, log } = await startServer({ listen: [{ unix: { path } }] });
  const target = await startTarget((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const echo = await startEcho();
  const aborted = await connectUnix(path);
  expect(await ask(aborted, target.port)).toBe(0x00);
  aborted.write("x");
  await once(aborted.resume(), "end");
  const kept = await connectUnix(path);
  expect(await ask(kept, echo.port)).toBe(0x00);
  kept.resume();
  await server.close();
  await until(() => kept.readableEnded, "the client has noticed");
  expect(log.closed.map(({ reason }) => reason)).toEqual(["target-reset", "server-closed"]);
});

test("UDP ASSOCIATE on a Unix socket listens on 127.0.0.1", async () => {
  const path = join(folder(), "socks");
  await startServer({ listen: [{ unix: { path } }] });
  const client = await connectUnix(path);
  client.write(octets("05 01 00 05 03 00 01 00 00 00 00 00 00"));
  expect([...(await readOctets(client, 12)).subarray(2, 10)]).toEqual([0x05, 0x00, 0x00, 0x01, 127, 0, 0, 1]);
});

test("permissions and group are as asked, and change with a reload", async () => {
  const path = join(folder(), "socks");
  const group = process.getgid?.() ?? 0;
  const { server } = await startServer({ listen: [{ unix: { path, mode: 0o660, group } }] });
  expect(modeOf(path)).toBe("660");
  expect(statSync(path).gid).toBe(group);
  const { ino } = statSync(path);
  await server.reload({ listen: [{ unix: { path, mode: 0o666 } }] });
  expect(modeOf(path)).toBe("666");
  expect(statSync(path).ino).toBe(ino);
  await connectUnix(path);
});

test("the socket is never there with other permissions, nor without being listened on", async () => {
  const place = folder();
  const path = join(place, "socks");
  chmodSync(place, 0o777);
  const seen = new Set<string>();
  const watch = (): void => {
    for (const name of readdirSync(place))
      seen.add(`${name === "socks" ? "socket" : "folder"} ${modeOf(join(place, name))}`);
  };
  // Before each step of the event loop that could change something: all of them end in a callback.
  const watching = createHook({ before: watch, after: watch }).enable();
  afterTest(() => watching.disable());
  for (let round = 0; round < 20; round++) {
    const server = createServer({ engine: ENGINE, listen: [{ unix: { path, mode: 0o620 } }] });
    await server.listen();
    await connectUnix(path);
    await server.close();
  }
  watching.disable();
  expect([...seen].toSorted()).toEqual(["folder 700", "socket 620"]);
  expect(readdirSync(place)).toEqual([]);
});

test("a socket that nobody listens on is replaced", async () => {
  const path = join(folder(), "socks");
  await leaveSocket(path);
  await startServer({ listen: [{ unix: { path } }] });
  await connectUnix(path);
});

test("a socket that somebody listens on stays, and so does every other file", async () => {
  const place = folder();
  const path = join(place, "socks");
  const { server } = await startServer({ listen: [{ unix: { path } }] });
  const second = createServer({ engine: ENGINE, listen: [{ unix: { path } }] });
  await expect(second.listen()).rejects.toMatchObject({
    code: "ERR_SOCKS_LISTEN_FAILED",
    message: `cannot listen on unix:${path}: another program listens there already; stop it or choose another path (EADDRINUSE)`,
  });
  await connectUnix(path);
  const file = join(place, "file");
  writeFileSync(file, "precious");
  const third = createServer({ engine: ENGINE, listen: [{ unix: { path: file } }] });
  await expect(third.listen()).rejects.toThrow(/no socket; remove it or choose another path/u);
  const fourth = createServer({ engine: ENGINE, listen: [{ unix: { path: join(place, "missing", "socks") } }] });
  await expect(fourth.listen()).rejects.toThrow(/the folder does not exist/u);
  await server.close();
  expect(readdirSync(place)).toEqual(["file"]);
});

test("at its end it removes its own socket only", async () => {
  const path = join(folder(), "socks");
  const { server } = await startServer({ listen: [{ unix: { path } }] });
  rmSync(path);
  const other = net.createServer();
  afterTest(() => other.close());
  await new Promise<void>((resolve) => other.listen(path, resolve));
  await server.close();
  expect(existsSync(path)).toBe(true);
});

test("a listener goes with a reload, and its socket with it", async () => {
  const place = folder();
  const [first, second] = [join(place, "first"), join(place, "second")];
  const { server } = await startServer({ listen: [{ unix: { path: first } }] });
  // A set that cannot be opened whole changes nothing.
  const listen = [{ unix: { path: second } }, { unix: { path: join(place, "missing", "socks") } }];
  await expect(server.reload({ listen })).rejects.toThrow();
  expect(readdirSync(place)).toEqual(["first"]);
  await connectUnix(first);
  await server.reload({ listen: [{ unix: { path: second } }] });
  expect(readdirSync(place)).toEqual(["second"]);
});

test("a path that is too long is an error with the bound in it", () => {
  const path = `/tmp/${"x".repeat(120)}`;
  expect(() => createServer({ listen: [{ unix: { path } }] })).toThrow(/longer than the \d+ octets/u);
  const deep = `/tmp/${"x".repeat(95)}/s`;
  expect(() => createServer({ listen: [{ unix: { path: deep } }] })).toThrow(/the folder is longer/u);
});

test("PROXY header and TLS come first here as well; the peer counts as 127.0.0.1", async () => {
  const path = join(folder(), "socks");
  const unix = { path };
  const proxyProtocol = { from: ["127.0.0.1"] };
  const rules = [{ action: "allow", clients: ["192.0.2.33"], to: ["loopback"] }] as const;
  const { log } = await startServer({
    listen: [{ unix, proxyProtocol, tls: SERVER_TLS }],
    rules,
    allowOpenProxy: true,
  });
  const echo = await startEcho();
  const base = await connectUnix(path);
  base.write(LINE);
  const client = await connectTls(0, { socket: base });
  expect(await ask(client, echo.port)).toBe(0x00);
  expect(log.connected).toMatchObject([{ client: { host: "192.0.2.33" } }]);
});
