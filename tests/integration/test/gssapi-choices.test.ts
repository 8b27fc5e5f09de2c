// GSS-API: a server that protects nothing, and options that stand in the URL of a proxy.
import { connect } from "@sockskit/client";
import { octets, readOctets, readToEnd } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { problem, useGssapi } from "./gssapi-support.ts";
import { afterTest, connectTo, startEcho, startServer } from "./server-support.ts";

describe.skipIf(problem !== undefined)("GSS-API", () => {
  const { start, open } = useGssapi();

  describe("a server that protects nothing", () => {
    const none = { answerNone: true } as const;

    test("still wants a ticket, and rules see whose", async () => {
      const { port, log } = await start(none, { rules: [{ action: "allow", users: ["bob"], to: ["loopback"] }] });
      const refused = open(port, 9, { protection: ["confidentiality", "none"] });
      await expect(refused).rejects.toMatchObject({ code: "ERR_SOCKS_REQUEST_REFUSED", reply: 2 });
      expect(log.authenticated).toMatchObject([{ method: "gssapi", user: "alice", principal: "alice@TEST.LOCAL" }]);
      const anybody = open(port, 9, { protection: ["none"], service: "socks" });
      await expect(anybody).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
    });

    test.each([
      ["garbage", "05 01 01", "01 01 00 02 61 62", "050101ff"],
      ["a level before the context", "05 01 01", "01 02 00 01 00", "050101ff"],
      ["a request without a log-in", "05 01 01", "05 01 00 01 7f 00 00 01 00 50", "050101ff"],
      ["no authentication", "05 01 00", "05 01 00 01 7f 00 00 01 00 50", "05ff"],
    ])("lets nobody in who shows none: %s", async (_name, greeting, hex, answer) => {
      const { port, log } = await start({ ...none, nec: "accept" });
      const client = await connectTo(port);
      client.write(Buffer.concat([octets(greeting), octets(hex)]));
      expect(Buffer.from(await readToEnd(client)).toString("hex")).toBe(answer);
      expect(log.authenticated).toEqual([]);
    });

    test("may be reached from elsewhere without allowOpenProxy", async () => {
      const { port } = await start(none, { listen: [{ host: "0.0.0.0", port: 0 }] });
      const socket = await open(port, (await startEcho()).port, { protection: ["none"] });
      socket.write("x");
      await readOctets(socket, 1);
    });
  });

  describe("options in the URL of a proxy", () => {
    test.each([
      ["gssapi-service=socks%40localhost&gssapi-protection=integrity", { service: "socks@localhost" }, "integrity"],
      ["gssapi-nec=1", { nec: "accept" }, "confidentiality"],
      ["gssapi-principal=alice", {}, "confidentiality"],
    ] as const)("%s", async (query, server, level) => {
      const { port, log } = await start({ ...server, protection: [level] });
      const echo = await startEcho();
      const proxy = `socks5h://localhost:${port}?${query}`;
      for (const choice of [{ proxy }, { chain: proxy }, { chain: [{ proxy }] }]) {
        const socket = await connect({ ...choice, target: `127.0.0.1:${echo.port}` });
        afterTest(() => socket.destroy());
        socket.write("x");
        await readOctets(socket, 1);
      }
      expect(log.authenticated).toHaveLength(3);
      expect(log.authenticated[0]).toMatchObject({ method: "gssapi", user: "alice" });
    });

    test("ask for GSS-API and nothing else, of that proxy alone", async () => {
      const { port } = await startServer({ authMethods: ["none"] });
      const echo = await startEcho();
      const target = `127.0.0.1:${echo.port}`;
      const open = `socks5h://localhost:${port}`;
      const alone = connect({ proxy: `${open}?gssapi-service=rcmd`, target });
      await expect(alone).rejects.toMatchObject({ code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD" });
      const guarded = await start({}, { rules: [{ action: "allow", users: ["alice"], to: ["loopback"] }] });
      const socket = await connect({
        chain: `socks5h://localhost:${guarded.port}?gssapi-service=rcmd ${open}`,
        target,
      });
      afterTest(() => socket.destroy());
      socket.write("x");
      await readOctets(socket, 1);
    });

    test("count before the options of the call", async () => {
      const { port } = await start();
      const target = "127.0.0.1:9";
      const proxy = `socks5h://localhost:${port}?gssapi-service=socks`;
      const wrong = connect({ proxy, target, gssapi: { service: "rcmd" } });
      await expect(wrong).rejects.toMatchObject({ code: "ERR_SOCKS_AUTH_REJECTED" });
    });
  });
});
