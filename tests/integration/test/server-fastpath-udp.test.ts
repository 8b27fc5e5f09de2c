import { describe, expect, test } from "vitest";
import { startServer } from "./server-support.ts";
import { associate, droppedIn, header4, headerName, openUdp, openUdpEcho, resolverOf } from "./udp-support.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const why = isHere ? "" : " (not run: it needs Linux on x86-64 or arm64)";

describe.runIf(isHere)(`datagrams on the fast path${why}`, () => {
  test("flows both ways are counted with the rest, strangers stay out, and new rules count at once", async () => {
    const running = await startServer({ engine: "fastpath" });
    const echo = await openUdpEcho();
    const { client, control, relayPort, send } = await associate(running.port);
    const stranger = await openUdp();
    for (let count = 0; count < 20; count++) {
      send(header4(echo.port), `${count}`);
      // eslint-disable-next-line no-await-in-loop -- one after the other
      expect((await client.next()).subarray(10).toString()).toBe(`${count}`);
    }
    stranger.send(Buffer.concat([header4(echo.port), Buffer.from("no")]), relayPort);
    await running.server.reload({
      listen: [{ port: 0 }],
      rules: [{ action: "deny", ports: [echo.port] }, { action: "allow" }],
    });
    send(header4(echo.port), "denied");
    expect(await droppedIn(running, control)).toEqual({ stranger: 1, denied: 1 });
    expect(echo.received.length).toBe(20);
    expect(running.log.closed[0]).toMatchObject({ bytesIn: 30, bytesOut: 30, datagrams: { in: 20, out: 20 } });
  });

  test("a name goes where its first datagram went", async () => {
    const resolver = resolverOf({ "echo.example": ["127.0.0.1"] });
    const running = await startServer({ engine: "fastpath", outbound: { resolver } });
    const echo = await openUdpEcho();
    const { client, send } = await associate(running.port);
    for (let count = 0; count < 5; count++) {
      send(headerName("echo.example", echo.port), "x");
      // eslint-disable-next-line no-await-in-loop -- one after the other
      expect((await client.next()).length).toBe(11);
    }
    expect(resolver.asked).toEqual(["echo.example"]);
  });
});
