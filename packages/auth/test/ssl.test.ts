// Octets inside TLS: those of the draft's example, and what may go wrong there.
import { checkNoSecrets, octets } from "@sockskit/testing";
import { conversations, messageOctets } from "@sockskit/vectors";
import { describe, expect, test } from "vitest";
import {
  type AuthStep,
  type ClientAuthExchange,
  type ClientAuthMethod,
  type ClientAuthStep,
  type ServerAuthExchange,
  type ServerAuthMethod,
  type ServerAuthStep,
  chapServer,
  noneClient,
  noneServer,
  sslClient,
  type SslClientOptions,
  sslServer,
  type SslServerOptions,
  userPassClient,
  userPassServer,
} from "../src/index.ts";

const userPass = userPassClient({ username: "alice", password: "s3cret" });
const canary = userPassClient({ username: "alice", password: "canary-5t8" });
const secure = { type: "secure", consumed: 0, layer: { type: "ssl" } };
const send = (hex: string): object => expect.objectContaining({ type: "send", data: octets(hex) }) as object;
const failed = (code: string, hex?: string): object => ({
  type: "failed",
  error: { code, side: "remote" },
  ...(hex === undefined ? {} : { send: octets(hex) }),
});
const misuse = expect.objectContaining({ code: "ERR_SOCKS_AUTH_PROTOCOL", side: "local" }) as Error;

/** What each frame of the example carries between the two TLS handshakes and the request, without the record header. */
function inside(from: "client" | "server"): readonly Uint8Array[] {
  const example = conversations().find(({ name }) => name === "ssl-frames");
  return (example?.steps ?? [])
    .filter((step) => step.from === from)
    .flatMap((step) => step.messages)
    .filter((message) => message.type === "SslFrame" && message.decoded?.["state"] === 2)
    .map((message) => messageOctets(message).subarray(4 + 5));
}

function client(options: SslClientOptions = { methods: [userPass], udpNaked: true }): ClientAuthExchange {
  const exchange = sslClient(options).start();
  expect(exchange.begin()).toBeUndefined();
  expect(exchange.receive(new Uint8Array(0))).toEqual(secure);
  return exchange;
}

function server(options: SslServerOptions = { methods: [userPassServer()] }): ServerAuthExchange {
  const exchange = sslServer(options).start();
  expect(exchange.receive(new Uint8Array(0))).toEqual(secure);
  expect(exchange.secured?.()).toEqual({ type: "incomplete" });
  return exchange;
}

const clientSteps = (options: SslClientOptions | undefined, ...messages: string[]): readonly ClientAuthStep[] => {
  const exchange = client(options);
  return [(exchange.secured as () => AuthStep)(), ...messages.map((message) => exchange.receive(octets(message)))];
};
const serverSteps = (options: SslServerOptions | undefined, ...messages: string[]): readonly ServerAuthStep[] => {
  const exchange = server(options);
  return messages.map((message) => exchange.receive(octets(message)));
};

test("the example of the draft, as client", () => {
  const [options, methods, credentials] = inside("client");
  const [chosen, choice, accepted] = inside("server") as [Uint8Array, Uint8Array, Uint8Array];
  const exchange = client();
  expect(exchange.secured?.()).toEqual({ type: "send", consumed: 0, data: options });
  expect(exchange.receive(chosen)).toMatchObject({ type: "send", data: methods });
  expect(exchange.receive(choice)).toMatchObject({ type: "send", data: credentials });
  expect(exchange.receive(accepted)).toMatchObject({ type: "done", consumed: 2 });
});

test("the example of the draft, as server", () => {
  const [options, methods, credentials] = inside("client") as [Uint8Array, Uint8Array, Uint8Array];
  const [chosen, choice, accepted] = inside("server");
  const exchange = server();
  expect(exchange.receive(options)).toMatchObject({ type: "send", data: chosen });
  expect(exchange.receive(methods)).toMatchObject({ type: "send", data: choice });
  expect(exchange.receive(credentials)).toMatchObject({ type: "verify" });
  expect(exchange.resolve({ accepted: true, identity: "alice" })).toEqual({
    type: "done",
    consumed: 0,
    send: accepted,
    identity: "alice",
    withoutUdp: true,
  });
});

describe("a client", () => {
  test("shows no credentials to a server that asks for none", () => {
    expect(clientSteps(undefined, "00")).toMatchObject([{ type: "send" }, { type: "done", consumed: 1 }]);
    expect(clientSteps({}, "00")).toMatchObject([send("00"), { type: "done" }]);
  });

  test("offers what it was told, no more", () => {
    expect(clientSteps({ methods: [userPass] })).toMatchObject([send("01 01")]);
    expect(clientSteps({ udpNaked: true })).toMatchObject([send("01 10")]);
    expect(clientSteps({ methods: [noneClient(), userPass] }, "01 01").at(-1)).toMatchObject(send("05 02 00 02"));
  });

  test("takes no option and no method that it did not offer", () => {
    expect(clientSteps({ methods: [userPass] }, "01 10").at(-1)).toMatchObject(failed("ERR_SOCKS_AUTH_PROTOCOL"));
    expect(clientSteps({}, "01 01").at(-1)).toMatchObject(failed("ERR_SOCKS_AUTH_PROTOCOL"));
    const after = (choice: string): unknown => clientSteps({ methods: [userPass] }, "01 01", choice).at(-1);
    expect(after("05 00")).toMatchObject(failed("ERR_SOCKS_METHOD_NOT_OFFERED"));
    expect(after("05 01")).toMatchObject(failed("ERR_SOCKS_METHOD_NOT_OFFERED"));
    expect(after("05 ff")).toMatchObject(failed("ERR_SOCKS_NO_ACCEPTABLE_METHOD"));
    expect(after("04 02")).toMatchObject(failed("ERR_SOCKS_AUTH_PROTOCOL"));
  });

  test("is rejected inside", () => {
    expect(clientSteps({ methods: [userPass] }, "01 01", "05 02", "01 01").at(-1)).toMatchObject(
      failed("ERR_SOCKS_AUTH_REJECTED"),
    );
  });

  test("keeps its password to itself", () => {
    const exchange = client({ methods: [canary] });
    exchange.secured?.();
    exchange.receive(octets("01 01"));
    checkNoSecrets({ exchange, step: exchange.receive(octets("05 ff")) }, ["canary-5t8"]);
  });
});

describe("a server", () => {
  test("lets in who does not authenticate only where nobody has to", () => {
    expect(serverSteps(undefined, "00")).toMatchObject([failed("ERR_SOCKS_NO_ACCEPTABLE_METHOD", "00")]);
    expect(serverSteps(undefined, "01 10")).toMatchObject([failed("ERR_SOCKS_NO_ACCEPTABLE_METHOD", "00")]);
    const open = { methods: [userPassServer(), noneServer()] };
    expect(serverSteps(open, "00")).toMatchObject([{ type: "done", send: octets("00"), identity: undefined }]);
    expect(serverSteps(open, "01 01", "05 01 00").at(-1)).toMatchObject({ type: "done", send: octets("05 00") });
  });

  test("chooses what both have", () => {
    expect(serverSteps({ methods: [userPassServer()], udpNaked: true }, "04 77 10 fe 01")).toMatchObject([
      send("02 01 10"),
    ]);
    expect(serverSteps(undefined, "01 01", "05 03 00 01 06").at(-1)).toMatchObject(
      failed("ERR_SOCKS_NO_ACCEPTABLE_METHOD", "05 ff"),
    );
    expect(serverSteps(undefined, "01 01", "04 01 02").at(-1)).toMatchObject(
      failed("ERR_SOCKS_AUTH_PROTOCOL", "05 ff"),
    );
  });

  test("says that datagrams are not protected, unless both take them so", () => {
    const naked = { methods: [noneServer()], udpNaked: true };
    expect(serverSteps(naked, "01 10").at(-1)).toMatchObject({ type: "done", withoutUdp: false });
    expect(serverSteps(naked, "00").at(-1)).toMatchObject({ type: "done", withoutUdp: true });
    expect(serverSteps({ methods: [noneServer()] }, "01 10").at(-1)).toMatchObject({ type: "done", withoutUdp: true });
  });

  test("a rejection inside is one", () => {
    const exchange = server();
    exchange.receive(octets("01 01"));
    exchange.receive(octets("05 01 02"));
    exchange.receive(octets("01 01 61 01 62"));
    expect(exchange.resolve({ accepted: false })).toMatchObject(failed("ERR_SOCKS_AUTH_REJECTED", "01 01"));
  });
});

test("verbs out of turn are misuse", () => {
  const from = client();
  expect(() => from.answer?.({ type: "cram", response: "" })).toThrow(misuse);
  from.secured?.();
  expect(() => from.secured?.()).toThrow(misuse);
  const to = server();
  expect(() => to.secured?.()).toThrow(misuse);
  expect(() => to.resolve({ accepted: true })).toThrow(misuse);
});

test("what protects the connection itself does not run inside, and other numbers are no numbers of it", () => {
  const wrong = expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }) as Error;
  expect(() => sslClient({ methods: [sslClient()] })).toThrow(wrong);
  expect(() => sslServer({ methods: [sslServer({ methods: [noneServer()], method: 0x86 })] })).toThrow(wrong);
  expect(() => sslServer({ methods: [] })).toThrow(wrong);
  expect(() => sslServer({ methods: [noneServer()], method: 0x80 })).toThrow(wrong);
  // A private method that protects what follows, under a number that nobody knows.
  const protecting = { type: "secure", consumed: 1, layer: { type: "ssl" } } as const;
  const inClient: ClientAuthMethod = {
    method: 0xf0,
    name: "private",
    start: () => ({ maxMessageLength: 1, begin: () => undefined, receive: () => protecting }),
  };
  const inServer: ServerAuthMethod = {
    ...inClient,
    start: () => ({
      ...chapServer({ challenge: () => new Uint8Array(16) }).start(),
      maxMessageLength: 1,
      receive: () => protecting,
      resolve: () => protecting,
    }),
  };
  const notHere = { type: "failed", error: { code: "ERR_SOCKS_BAD_OPTION", side: "local" } };
  expect(clientSteps({ methods: [inClient] }, "01 01", "05 f0", "00").at(-1)).toMatchObject(notHere);
  expect(serverSteps({ methods: [inServer] }, "01 01", "05 01 f0", "00").at(-1)).toMatchObject(notHere);
});
