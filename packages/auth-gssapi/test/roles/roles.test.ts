// Both roles against each other, on a mechanism that is not real.
import type { GssapiAnswer, GssapiProtection } from "@sockskit/auth";
import { octets } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { type AcceptorOptions, createAcceptor, GssapiInitiator, type InitiatorOptions } from "../../src/index.ts";
import { fakeMechanism, INFO } from "../fake-mechanism.ts";

interface Agreed {
  readonly client: GssapiAnswer;
  readonly identity: string | undefined;
  readonly granted: GssapiProtection | undefined;
}

const CONTEXT = { type: "gssapi", step: "context" } as const;

async function agree(client: InitiatorOptions, server: AcceptorOptions): Promise<Agreed> {
  const initiation = new GssapiInitiator({ mechanism: fakeMechanism(), ...client }).start({ host: "localhost" });
  const acceptor = await createAcceptor({ mechanism: fakeMechanism(), ...server });
  const acceptance = acceptor.accept();
  const first = await initiation.answer({ ...CONTEXT, token: undefined });
  if (!("token" in first)) return { client: first, identity: undefined, granted: undefined };
  const replied = await acceptance.judge({ ...CONTEXT, token: first.token });
  if (!("token" in replied.verdict)) throw new Error("the server refused the context");
  const asked = await initiation.answer({ ...CONTEXT, token: replied.verdict.token });
  if (!("level" in asked) || asked.level === undefined)
    return { client: asked, identity: undefined, granted: undefined };
  const step = client.nec === true ? "level-unprotected" : "level";
  const { verdict } = await acceptance.judge({ type: "gssapi", step, token: asked.level });
  if (!verdict.accepted) return { client: asked, identity: undefined, granted: undefined };
  const end = await initiation.answer({ type: "gssapi", step: "level", token: verdict.response });
  return { client: end, identity: verdict.identity, granted: verdict.protection };
}

test.each([
  [["confidentiality", "integrity"], ["confidentiality", "integrity"], "confidentiality"],
  [["integrity"], ["confidentiality", "integrity"], "integrity"],
  [["confidentiality", "integrity"], ["integrity"], "integrity"],
  [["none", "integrity"], ["none"], "none"],
] as const)("a client that allows %j and a server that allows %j agree on %s", async (ours, theirs, expected) => {
  for (const nec of [false, true]) {
    const agreed = await agree({ protection: ours, nec }, { protection: theirs });
    expect(agreed).toEqual({
      client: { type: "gssapi", protection: expected },
      identity: "alice",
      granted: expected,
    });
  }
});

describe("a client goes on with no less than it allows", () => {
  const refused = { error: { code: "ERR_SOCKS_GSSAPI_PROTECTION" } };

  test("integrity for confidentiality", async () => {
    const agreed = await agree({ protection: ["confidentiality"] }, { protection: ["integrity"] });
    expect(agreed.client).toMatchObject(refused);
  });

  test("nothing for integrity, whoever says so", async () => {
    expect((await agree({}, { answerNone: true })).client).toMatchObject(refused);
    expect((await agree({ nec: true }, { answerNone: true })).client).toMatchObject(refused);
  });

  test("a context that can do less", async () => {
    const weak = fakeMechanism({ ...INFO, confidentiality: false });
    expect((await agree({ mechanism: weak, protection: ["confidentiality"] }, {})).client).toMatchObject(refused);
    expect((await agree({ mechanism: weak }, { mechanism: weak })).granted).toBe("integrity");
  });
});

test("a server refuses a level that is none, or of no form", async () => {
  for (const token of [octets("04"), octets(""), octets("02 02")]) {
    const acceptance = (await createAcceptor({ mechanism: fakeMechanism() })).accept();
    await acceptance.judge({ ...CONTEXT, token: octets("60 01") });
    const judged = await acceptance.judge({ type: "gssapi", step: "level-unprotected", token });
    expect(judged).toMatchObject({ verdict: { accepted: false }, error: { code: "ERR_SOCKS_GSSAPI_PROTECTION" } });
  }
});

test("a token that is none is a refusal with its reason", async () => {
  const acceptance = (await createAcceptor({ mechanism: fakeMechanism() })).accept();
  const judged = await acceptance.judge({ ...CONTEXT, token: octets("61") });
  expect(judged).toMatchObject({ verdict: { accepted: false }, error: { code: "ERR_SOCKS_GSSAPI_TAMPERED" } });
});

test("what cannot be used is refused at once", () => {
  const bad = expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }) as Error;
  expect(() => new GssapiInitiator({ protection: [] })).toThrow(bad);
  expect(() => new GssapiInitiator({ credentials: { type: "password", password: "x" } })).toThrow(bad);
});

test("without an agreement there is nothing to protect with", async () => {
  const acceptance = (await createAcceptor({ mechanism: fakeMechanism() })).accept();
  expect(() => acceptance.datagrams()).toThrow(expect.objectContaining({ side: "local" }) as Error);
});
