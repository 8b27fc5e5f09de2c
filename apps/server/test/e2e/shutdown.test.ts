import { once } from "node:events";
import { connect } from "node:net";
import { listenEcho, readOctets, readToEnd } from "@sockskit/testing";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, openTunnel, Sockskitd } from "./sockskitd.ts";

async function echo(): Promise<number> {
  const server = await listenEcho();
  onTestFinished(() => server.close());
  return server.port;
}

const hello = new TextEncoder().encode("hello");

test("stopping: no new clients, handshakes are cut off, tunnels go on until they end by themselves", async () => {
  const target = await echo();
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  const port = await server.port();
  const { socket: tunnel, rep } = await openTunnel(port, target);
  expect(rep).toBe(0x00);
  const undecided = await connectTo(port);
  undecided.write(Uint8Array.of(0x05));

  server.child.kill("SIGTERM");
  expect(await server.line("stopping")).toMatchObject({ cause: "SIGTERM", drainMs: 30_000 });
  // A reset when the server had not read the octet yet.
  await readToEnd(undecided).then(
    (octets) => expect(octets).toHaveLength(0),
    (error: unknown) => expect(error).toMatchObject({ code: "ECONNRESET" }),
  );
  const late = connect({ host: "127.0.0.1", port });
  const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");

  tunnel.write(hello);
  expect(await readOctets(tunnel, 5)).toEqual(Uint8Array.from(hello));
  expect(server.child.exitCode).toBeNull();
  tunnel.end();
  expect(await server.finished).toMatchObject({ status: 0, stderr: "" });
  expect(server.lines().at(-1)).toMatchObject({ msg: "stopped" });
});

test("after --drain the rest is ended", async () => {
  const target = await echo();
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--drain", "300ms"]);
  const { socket } = await openTunnel(await server.port(), target);
  const start = performance.now();
  server.child.kill("SIGTERM");
  expect((await server.finished).status).toBe(0);
  expect(performance.now() - start).toBeGreaterThan(250);
  expect(server.lines()).toContainEqual(expect.objectContaining({ msg: "closed", reason: "server-closed" }));
  socket.destroy();
});

test("a second signal ends it at once", async () => {
  const target = await echo();
  const server = new Sockskitd(["--listen", "127.0.0.1:0", "--drain", "1h"]);
  await openTunnel(await server.port(), target);
  server.child.kill("SIGTERM");
  await server.line("stopping");
  expect(server.child.exitCode).toBeNull();
  server.child.kill("SIGINT");
  expect((await server.finished).status).toBe(0);
});

test("a signal while it starts is not lost", async () => {
  const server = new Sockskitd(["--listen", "127.0.0.1:0"]);
  server.child.stdout?.once("data", () => server.child.kill("SIGTERM"));
  expect((await server.finished).status).toBe(0);
});
