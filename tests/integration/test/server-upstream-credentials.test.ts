import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { ServerOptions } from "@sockskit/server";
import { concat, octets, readOctets } from "@sockskit/testing";
import {
  connectName,
  connectTo,
  credentials,
  GREETING_USERPASS,
  startServer,
  startTarget,
  type Running,
} from "./server-support.ts";
import { GRANTED } from "./upstream-support.ts";

// Nothing that the client logged in with may be seen anywhere behind this server, unless it is told to forward it.
const CANARY = "canary-3f9d1c";
const OWN = "gateway-77b2";

/** A proxy that wants a password, takes any, and keeps every octet that it is told. */
async function startListeningProxy(): Promise<{ port: number; heard: () => string }> {
  const chunks: Buffer[] = [];
  const { port } = await startTarget((socket) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    const answers = ["05 02", "01 00", GRANTED];
    socket.on("data", () => {
      const answer = answers.shift();
      if (answer !== undefined) socket.write(octets(answer));
    });
  });
  return { port, heard: () => Buffer.concat(chunks).toString("latin1") };
}

async function startForwarder(options: ServerOptions): Promise<Running> {
  return startServer({
    credentials: [{ name: `user-${CANARY}`, password: { plain: `password-${CANARY}` } }],
    rules: [{ action: "allow", via: "up" }],
    ...options,
  });
}

async function logInAndConnect({ port }: Running, name = `user-${CANARY}`): Promise<string> {
  const client = await connectTo(port);
  client.write(concat(GREETING_USERPASS, credentials(name, `password-${CANARY}`), connectName("www.example", 443)));
  const reply = Buffer.from(await readOctets(client, 14)).toString("hex");
  client.destroy();
  return reply;
}

test("the client's credentials stay here: the upstream gets its own, or none", async () => {
  const proxy = await startListeningProxy();
  const running = await startForwarder({ upstreams: { up: [[`socks5h://gw:${OWN}@127.0.0.1:${proxy.port}`]] } });
  expect(await logInAndConnect(running)).toMatch(/^0502010005000001/);
  expect(proxy.heard()).toContain(OWN);
  expect(proxy.heard()).not.toContain(CANARY);

  const other = await startListeningProxy();
  const without = await startForwarder({ upstreams: { up: [[`socks5h://127.0.0.1:${other.port}`]] } });
  await logInAndConnect(without);
  expect(other.heard()).not.toContain(CANARY);
});

test("with forwardCredentials the last proxy gets them, and only the last", async () => {
  const last = await startListeningProxy();
  const near = await startServer({ credentials: [{ name: "gw", password: { plain: OWN } }] });
  const running = await startForwarder({
    upstreams: {
      up: {
        alternatives: [[`socks5h://gw:${OWN}@127.0.0.1:${near.port}`, `socks5h://gw:${OWN}@127.0.0.1:${last.port}`]],
        forwardCredentials: true,
      },
    },
  });
  expect(await logInAndConnect(running)).toMatch(/^0502010005000001/);
  expect(last.heard()).toContain(
    `\u0001${String.fromCharCode(18)}user-${CANARY}${String.fromCharCode(22)}password-${CANARY}`,
  );
  expect(last.heard()).not.toContain(OWN);
  // The nearer proxy was told its own.
  expect(near.log.authenticated).toEqual([expect.objectContaining({ user: "gw" })]);
});

test("what one upstream is shown, another one is not", async () => {
  const [shown, other] = [await startListeningProxy(), await startListeningProxy()];
  const running = await startForwarder({
    rules: [
      { action: "allow", to: ["www.example"], via: "other" },
      { action: "allow", via: "shown" },
    ],
    upstreams: {
      shown: { alternatives: [[`socks5h://127.0.0.1:${shown.port}`]], forwardCredentials: true },
      other: [[`socks5h://gw:${OWN}@127.0.0.1:${other.port}`]],
    },
  });
  expect(await logInAndConnect(running)).toMatch(/^0502010005000001/);
  expect(other.heard()).toContain(OWN);
  expect(other.heard()).not.toContain(CANARY);
  expect(shown.heard()).toBe("");
});

test("no event, session or error holds a password of anybody", async () => {
  const proxy = await startListeningProxy();
  const dead = `socks5h://gw:${OWN}@127.0.0.1:1`;
  const running = await startForwarder({
    upstreams: {
      up: { alternatives: [[dead], [`socks5h://gw:${OWN}@127.0.0.1:${proxy.port}`]], forwardCredentials: true },
    },
  });
  await logInAndConnect(running);
  const all = inspect([running.log, [...running.server.sessions()], running.server], {
    depth: 12,
    showHidden: true,
    maxStringLength: Infinity,
  });
  expect(all).not.toContain(`password-${CANARY}`);
  expect(all).not.toContain(OWN);
  expect(running.log.upstream.length).toBe(1);
});

test("credentials that the upstream refuses are the client's fault: REP 02, and nothing is put aside", async () => {
  const proxy = await startServer({ credentials: [{ name: "somebody", password: { plain: "else" } }] });
  const running = await startForwarder({
    upstreams: { up: { alternatives: [[`socks5h://127.0.0.1:${proxy.port}`]], forwardCredentials: true } },
  });
  expect(await logInAndConnect(running)).toMatch(/^0502010005020001/);
  expect(running.log.upstream).toEqual([]);
  // Its own credentials are another matter.
  const wrong = await startForwarder({ upstreams: { up: [[`socks5h://gw:${OWN}@127.0.0.1:${proxy.port}`]] } });
  expect(await logInAndConnect(wrong)).toMatch(/^0502010005030001/);
  expect(wrong.log.upstream).toEqual([expect.objectContaining({ code: "ERR_SOCKS_AUTH_REJECTED", state: "aside" })]);
});

test.each(["portable", "auto"] as const)(
  "who logs in again is forwarded again, whoever remembers him (%s)",
  async (engine) => {
    const last = await startListeningProxy();
    const running = await startForwarder({
      engine,
      upstreams: { up: { alternatives: [[`socks5h://127.0.0.1:${last.port}`]], forwardCredentials: true } },
    });
    for (const count of [1, 2, 3]) {
      expect(await logInAndConnect(running)).toMatch(/^0502010005000001/);
      expect(last.heard().split(`password-${CANARY}`).length - 1).toBe(count);
    }
  },
);
