import { connect } from "@sockskit/client";
import { authorityCertificate, certificatePair, readOctets } from "@sockskit/testing";
import { expect, test } from "vitest";
import { startEcho, startServer } from "./server-support.ts";
import { MUTUAL_TLS, SERVER_TLS } from "./transport-support.ts";

const ca = authorityCertificate();

test("our client and our server: SOCKS over TLS, with a certificate on both sides", async () => {
  const { port, log } = await startServer({ listen: [{ port: 0, tls: MUTUAL_TLS }] });
  const echo = await startEcho();
  for (const scheme of ["socks5s", "socks4a+tls"]) {
    const socket = await connect({
      proxy: `${scheme}://localhost:${port}`,
      target: `127.0.0.1:${echo.port}`,
      tls: { ca, ...certificatePair("alice") },
    });
    socket.write("ping");
    expect(Buffer.from(await readOctets(socket, 4)).toString()).toBe("ping");
    socket.destroy();
  }
  expect(log.connected.map(({ user, version }) => [user, version])).toEqual([
    ["alice", 5],
    ["alice", 4],
  ]);
});

test("a server of another name, or of an authority that is not trusted, is not spoken to", async () => {
  const { port, log } = await startServer({ listen: [{ port: 0, tls: SERVER_TLS }] });
  const target = "127.0.0.1:9";
  const proxy = `socks5s://127.0.0.2:${port}`;
  await expect(connect({ proxy: `socks5s://localhost:${port}`, target })).rejects.toMatchObject({
    code: "ERR_SOCKS_TLS_UNTRUSTED",
  });
  await expect(connect({ proxy, target, tls: { ca } })).rejects.toThrow();
  expect(log.session).toEqual([]);
});
