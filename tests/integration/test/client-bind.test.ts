// The client's BIND at the real server, every version.
import net from "node:net";
import { expect, test } from "vitest";
import { bind, type BindOptions, connectionInfo, isSocksError, type SocksError } from "@sockskit/client";
import { readToEnd } from "@sockskit/testing";
import { formatAddress } from "@sockskit/wire";
import { afterTest, startServer, until } from "./server-support.ts";

async function failureOf(promise: Promise<unknown>): Promise<SocksError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!isSocksError(error)) throw new TypeError(`expected a SocksError, got ${String(error)}`);
  return error;
}

/** Connects as the peer. */
function callBack(address: { readonly host: string; readonly port: number }, localAddress?: string): net.Socket {
  const socket = net.connect({
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    ...(localAddress && { localAddress }),
  });
  socket.on("error", () => undefined);
  afterTest(() => socket.destroy());
  return socket;
}

test.each(["socks4", "socks4a", "socks5", "socks5h"])(
  "%s: the peer calls back, and both sides talk and end",
  async (scheme) => {
    const { port } = await startServer();
    const binding = await bind({ proxy: `${scheme}://127.0.0.1:${port}`, peer: "127.0.0.1", timeoutMs: 5000 });
    const peer = callBack(binding.address);
    peer.write("220 hello\r\n");
    const socket = await binding.accept();
    afterTest(() => socket.destroy());
    const local = peer.address() as net.AddressInfo;
    expect(formatAddress(connectionInfo(socket)?.target ?? binding.address)).toBe(`127.0.0.1:${local.port}`);
    peer.end("bye");
    expect(Buffer.from(await readToEnd(socket)).toString()).toBe("220 hello\r\nbye");
  },
);

test("a name is as good as an address", async () => {
  const { port } = await startServer();
  const binding = await bind({ proxy: `socks5h://127.0.0.1:${port}`, peer: "localhost:20" });
  callBack(binding.address);
  (await binding.accept()).destroy();
});

test("somebody else is no peer", async () => {
  const { port } = await startServer();
  const binding = await bind({ proxy: `socks5://127.0.0.1:${port}`, peer: "127.0.0.1" });
  callBack(binding.address, "127.0.0.2");
  expect(await failureOf(binding.accept())).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x02 });
});

test("nobody comes: the server says so, before the client loses patience", async () => {
  const { port } = await startServer({ timeouts: { bindMs: 100 } });
  const binding = await bind({ proxy: `socks5://127.0.0.1:${port}`, peer: "127.0.0.1" });
  expect(await failureOf(binding.accept())).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 0x06 });
});

test.each<[string, (options: BindOptions) => Promise<unknown>]>([
  ["close()", async (options) => (await bind(options)).close()],
  [
    "a signal",
    async (options) => {
      const controller = new AbortController();
      await bind({ ...options, signal: controller.signal });
      controller.abort();
    },
  ],
  ["impatience", (options) => bind({ ...options, acceptTimeoutMs: 50 })],
])("the server stops listening after %s", async (_, giveUp) => {
  const { port, server } = await startServer();
  await giveUp({ proxy: `socks5://127.0.0.1:${port}`, peer: "127.0.0.1" });
  await until(() => [...server.sessions()].length === 0, "the session is over");
});

test("a rule that forbids it, and a peer that needs one", async () => {
  const { port } = await startServer({ rules: [{ action: "allow", commands: ["connect"] }] });
  for (const peer of ["127.0.0.1", "0.0.0.0"]) {
    const error = await failureOf(bind({ proxy: `socks5://127.0.0.1:${port}`, peer }));
    expect(error).toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", stage: "request", reply: 0x02 });
  }
});
