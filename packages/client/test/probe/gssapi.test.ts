// What a probe finds out by logging in with GSS-API, at proxies that play it by RFC 1961 and at others.
import { AuthError } from "@sockskit/auth";
import type { ProxyGssapi } from "@sockskit/dial";
import { listenTcp, type LoopbackServer, octets } from "@sockskit/testing";
import { afterEach, expect, test } from "vitest";

import { type ProbeGssapi, probeProxy } from "../../src/index.ts";

let server: LoopbackServer | undefined;
afterEach(() => server?.close());

/** The octets of tests/vectors/data/gssapi.json, "gss-level1": token, level asked for. */
const TOKEN = octets("60 0c 06 06 2b 06 01 05 05 02 41 50 2d 31");
const LEVEL = octets("77 00 01");

/** A client whose mechanism is made of the octets above. */
function fakeGssapi(first: "token" | "no-ticket" | "slow" = "token"): ProxyGssapi & { disposed: number } {
  return {
    nec: false,
    disposed: 0,
    start() {
      return {
        answer: async (question) => {
          if (first === "slow") await new Promise(() => undefined);
          if (first === "no-ticket") {
            const message = 'get a ticket with "kinit"';
            return {
              type: "gssapi",
              error: new AuthError("ERR_SOCKS_GSSAPI_NO_CREDENTIALS", message, { side: "local" }),
            };
          }
          if (question.step === "level") return { type: "gssapi", protection: "integrity" };
          if (question.token === undefined) return { type: "gssapi", token: TOKEN, level: undefined };
          return { type: "gssapi", token: new Uint8Array(0), level: LEVEL };
        },
        protect: () => {
          throw new Error("a probe protects nothing");
        },
        datagrams: () => {
          throw new Error("a probe sends no datagrams");
        },
        dispose: () => void (this.disposed += 1),
      };
    },
  };
}

/** A proxy that takes GSS-API only, and answers message by message; `"end"` closes, nothing more is silence. */
async function proxyThatAnswers(answers: readonly string[]): Promise<number> {
  server = await listenTcp((socket) => {
    socket.on("error", () => undefined);
    let step = -1;
    socket.on("data", (data) => {
      if (step === -1) {
        const offered = [...data.subarray(2)];
        if (data[0] !== 0x05) return void socket.end();
        socket.write(octets(offered.includes(0x01) ? "05 01" : "05 ff"));
        step = 0;
        return;
      }
      const answer = answers[step];
      step += 1;
      if (answer === "end") socket.end();
      else if (answer !== undefined) socket.write(octets(answer));
    });
  });
  return server.port;
}

async function probed(answers: readonly string[], gssapi: ProxyGssapi): Promise<ProbeGssapi | undefined> {
  const port = await proxyThatAnswers(answers);
  const report = await probeProxy({ proxy: `socks5h://127.0.0.1:${port}`, timeoutMs: 400, gssapi });
  expect(report.authMethods.find(({ method }) => method === 0x01)).toMatchObject({ accepted: true });
  return report.gssapi;
}

const ACCEPTED = "01 01 00 0e 60 0c 06 06 2b 06 01 05 05 02 41 50 2d 32";

test("says what is granted, and frees the context", async () => {
  const gssapi = fakeGssapi();
  expect(await probed([ACCEPTED, "01 02 00 03 77 00 01"], gssapi)).toEqual({
    outcome: "granted",
    protection: "integrity",
    elapsedMs: expect.any(Number) as unknown,
  });
  expect(gssapi.disposed).toBe(1);
});

test.each([
  ["the proxy refuses the token", ["01 ff"], { outcome: "failed", code: "ERR_SOCKS_AUTH_REJECTED" }],
  ["the proxy refuses the level", [ACCEPTED, "01 ff"], { outcome: "failed", code: "ERR_SOCKS_AUTH_REJECTED" }],
  ["another version", ["05 01 00 0e"], { outcome: "failed", code: "ERR_SOCKS_AUTH_PROTOCOL" }],
  ["a request's message too early", ["01 03 00 01 00"], { outcome: "failed", code: "ERR_SOCKS_AUTH_PROTOCOL" }],
  ["half a frame", ["01 01 00 0e 60"], { outcome: "silent" }],
  ["a frame that is cut off", [ACCEPTED, "end"], { outcome: "closed" }],
  ["no answer", [], { outcome: "silent" }],
] as const)("%s", async (_what, answers, expected) => {
  const gssapi = fakeGssapi();
  expect(await probed(answers, gssapi)).toMatchObject(expected);
  expect(gssapi.disposed).toBe(1);
});

test("without a ticket the report has the error, with what helps", async () => {
  const gssapi = fakeGssapi("no-ticket");
  expect(await probed([], gssapi)).toMatchObject({
    outcome: "failed",
    code: "ERR_SOCKS_GSSAPI_NO_CREDENTIALS",
    message: expect.stringContaining("kinit") as unknown,
  });
  expect(gssapi.disposed).toBe(1);
});

test("a KDC that stays silent ends with the time that each answer has", async () => {
  const gssapi = fakeGssapi("slow");
  expect(await probed([], gssapi)).toMatchObject({ outcome: "failed", code: "ERR_SOCKS_GSSAPI_KDC_UNREACHABLE" });
  expect(gssapi.disposed).toBe(1);
});

test("a proxy that does not accept it is not asked, and nobody is without the option", async () => {
  const port = await proxyThatAnswers([]);
  expect(await probeProxy({ proxy: `socks5h://127.0.0.1:${port}`, timeoutMs: 400 })).not.toHaveProperty("gssapi");
});
