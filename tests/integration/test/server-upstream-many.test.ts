// Upstreams under many sessions, and servers that are each other's upstreams.
import { expect, test } from "vitest";
import { concat, octets, readOctets, readToEnd } from "@sockskit/testing";
import {
  connectName,
  connectTo,
  GREETING,
  pause,
  type Running,
  startServer,
  startTarget,
  until,
} from "./server-support.ts";
import { ask, GRANTED, GRANTED_HEX, startProxy, url } from "./upstream-support.ts";

const VIA = [{ action: "allow", via: "up" }] as const;
const NAME = connectName("www.example", 443);

test("many sessions that meet a dead proxy together: all get through, and it fails once", async () => {
  const broken = await startTarget((socket) => void socket.end());
  const proxy = await startProxy(GRANTED);
  const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(broken.port)], [url(proxy.port)]] } });
  const replies = await Promise.all(Array.from({ length: 40 }, () => ask(port, NAME)));
  expect(new Set(replies)).toEqual(new Set([GRANTED_HEX]));
  expect(log.upstream).toEqual([expect.objectContaining({ state: "aside", failures: 1 })]);
});

test("a reload in between: sessions that are under way go on by what they began with", async () => {
  const [old, next] = [await startProxy(GRANTED), await startProxy("05 05 00 01 00 00 00 00 00 00")];
  const listen = [{ port: 0 }];
  const { port, server } = await startServer({ listen, rules: VIA, upstreams: { up: [[url(old.port)]] } });
  const client = await connectTo(port);
  client.write(concat(GREETING, NAME, Buffer.from("x")));
  expect(Buffer.from(await readOctets(client, 13)).toString("latin1", 12)).toBe("x");
  await server.reload({ listen, rules: VIA, upstreams: { up: [[url(next.port)]] } });
  client.write("y");
  expect(Buffer.from(await readOctets(client, 1)).toString()).toBe("y");
  expect(await ask(port, NAME)).toBe("050005050001000000000000");
  // Rules and upstreams are checked together: a via of nothing changes nothing.
  await expect(server.reload({ listen, rules: VIA })).rejects.toMatchObject({ code: "ERR_SOCKS_BAD_RULE" });
  expect(await ask(port, NAME)).toBe("050005050001000000000000");
});

test("a loop over another server ends: at the limit of sessions, and with everything closed", async () => {
  const limits = { perClient: 30 };
  const timeouts = { connectMs: 1_500 };
  // Two servers that know nothing of each other until both listen.
  const listen = [{ port: 0 }];
  const [one, two]: [Running, Running] = [
    await startServer({ listen, limits, timeouts }),
    await startServer({ listen, limits, timeouts }),
  ];
  const by = (other: Running) => ({ rules: VIA, upstreams: { up: [[url(other.port)]] }, listen, limits, timeouts });
  await one.server.reload(by(two));
  await two.server.reload(by(one));
  const client = await connectTo(one.port);
  client.write(concat(GREETING, NAME));
  const reply = Buffer.from(await readToEnd(client)).toString("hex");
  expect(reply).toMatch(/^0500050[136]0001/);
  client.end();
  await until(() => one.server.stats.sessions + two.server.stats.sessions === 0, "all sessions are closed");
  await pause(100);
  expect(one.server.stats.accepted).toBeLessThanOrEqual(limits.perClient);
  expect(two.server.stats.accepted).toBeLessThanOrEqual(limits.perClient);
});

test("what an upstream says cannot forge a line: its words are made printable", async () => {
  const broken = await startTarget((socket) => {
    socket.once("data", () =>
      socket.end(
        concat(octets("48 54 54 50 2f 31 2e 31 20 34 30 37 20"), Buffer.from("\u001b[2J\u202ex\u0085\r\n\r\n")),
      ),
    );
  });
  const { port, log } = await startServer({ rules: VIA, upstreams: { up: [[url(broken.port, "http")]] } });
  await ask(port, NAME);
  const [event] = log.upstream;
  expect(event?.state).toBe("aside");
  expect(event?.reason).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});
