// Every conversation of the vectors, cut at every place, through the machine of either side.
import {
  type ClientAuthMethod,
  type ServerAuthMethod,
  noneClient,
  noneServer,
  userPassClient,
  userPassServer,
} from "@sockskit/auth";
import { concat, everySplit, hex, octets, singleOctets } from "@sockskit/testing";
import { type Conversation, type Message, conversations, messageOctets, vectorFiles } from "@sockskit/vectors";
import { parseHostPort } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  type HandshakeCommand,
  ServerHandshake,
  type ServerHandshakeOptions,
} from "../src/index.ts";
import { type ServerOwner, runClient, runServer } from "./machine-log.ts";

const COMMANDS: Readonly<Record<number, HandshakeCommand>> = {
  0x01: "connect",
  0x02: "bind",
  0x03: "udp-associate",
  0xf0: "resolve",
  0xf1: "resolve-ptr",
};
const LATER = octets("16 03 01 00");

/** Conversations that a server machine has no part in, or plays otherwise, and why. */
const NOT_FOR_SERVER: Readonly<Record<string, string>> = {
  "s5-udp-frag": "datagrams only",
  "s5-literal-in-domain": "requests only; see below",
  "tor-f6": "a reply only",
  "tor-iso": "user name and password only",
};

describe("server", () => {
  for (const conversation of ours("client")) {
    if (conversation.name in NOT_FOR_SERVER) continue;
    test(conversation.name, () => {
      const sent = octetsOf(conversation, "client");
      const expected = hex(octetsOf(conversation, "server"));
      const [options, owner] = serverOf(conversation);
      const whole = runServer(new ServerHandshake(options), [sent], owner);
      expect(sends(whole)).toBe(expected);
      for (const late of [false, true]) {
        for (const split of everySplit(sent)) {
          expect(runServer(new ServerHandshake(options), split, { ...owner, late })).toEqual(whole);
        }
        expect(runServer(new ServerHandshake(options), singleOctets(sent), { ...owner, late })).toEqual(whole);
      }
      if (owner.replies?.at(-1)?.rep !== 0x00) return;
      // Whatever comes behind the last message, and however it is cut off, is left for the application.
      for (const split of everySplit(concat(sent, LATER))) {
        expect(runServer(new ServerHandshake(options), split, owner)).toEqual([...whole, `trailing ${hex(LATER)}`]);
      }
    });
  }

  test("s5-literal-in-domain", () => {
    const requests = conversations().find(({ name }) => name === "s5-literal-in-domain")?.steps ?? [];
    const lines = requests.map(({ messages: [request] }) => {
      const sent = concat(octets("05 01 00"), messageOctets(request as Message));
      return runServer(new ServerHandshake({ authMethods: [noneServer()] }), [sent]).at(-1);
    });
    expect(lines).toEqual([
      "request 5 connect 127.0.0.1:8080 none nobody",
      "request 5 connect [2001:db8::1]:443 none nobody",
    ]);
  });
});

/** Conversations that our client would not begin, and why. */
const NOT_FOR_CLIENT: Readonly<Record<string, string>> = {
  "s5-badcmd": "command 09",
  "s5-badatyp": "ATYP 02",
  "s5-emptycreds": "empty user name",
  "s5-udp-frag": "datagrams only",
  "s5-literal-in-domain": "requests only",
  "s4-badcmd": "command 03 of SOCKS 4",
  "s4a-connect-user": "0.0.0.255 before the name; we send 0.0.0.1",
  "tor-f6": "a reply only; see below",
  "tor-iso": "user name and password only",
  "url-s5-empty-pass": "ends before the request",
  "pp1-tcp4": "ends before the request",
  "capture-microsocks-port-zero": "port 0",
  "capture-dante-socks5-port-zero": "port 0",
  "capture-dante-socks5-unknown-command": "command 09",
  "capture-tor-unknown-command": "command 09",
};

describe("client", () => {
  for (const conversation of ours("server")) {
    if (conversation.name in NOT_FOR_CLIENT) continue;
    test(conversation.name, () => {
      const received = octetsOf(conversation, "server");
      const options = clientOf(conversation);
      const whole = runClient(new ClientHandshake(options), [received]);
      expect(sends(whole)).toBe(hex(octetsOf(conversation, "client")));
      expect(whole.at(-1)).toBe(clientEnd(conversation));
      for (const split of everySplit(received)) {
        expect(runClient(new ClientHandshake(options), split)).toEqual(whole);
      }
      expect(runClient(new ClientHandshake(options), singleOctets(received))).toEqual(whole);
      if (!whole.at(-1)?.startsWith("established")) return;
      for (const split of everySplit(concat(received, LATER))) {
        expect(runClient(new ClientHandshake(options), split)).toEqual([...whole, `trailing ${hex(LATER)}`]);
      }
    });
  }

  test("tor-f6", () => {
    const machine = new ClientHandshake({ version: 5, destination: parseHostPort("bad.onion:80") });
    const log = runClient(machine, [octets("05 00"), octetsOf(named("tor-f6"), "server")]);
    expect(log.at(-1)).toBe("failed ERR_SOCKS_REQUEST_REFUSED remote request reply f6");
  });
});

test("every exception above is about a conversation that exists", () => {
  const names = new Set(conversations().map(({ name }) => name));
  for (const name of [...Object.keys(NOT_FOR_SERVER), ...Object.keys(NOT_FOR_CLIENT)]) expect(names).toContain(name);
});

/** Those of the specifications, and those in which a real program plays `side`; but for those of methods.test.ts. */
function ours(side: "client" | "server"): readonly Conversation[] {
  const other = side === "client" ? "captures-servers.json" : "captures-clients.json";
  const leftOut = [other, "other-auth.json", "captures-chap.json", "gssapi.json", "ssl.json"];
  return [...vectorFiles()].flatMap(([file, { conversations = [] }]) => (leftOut.includes(file) ? [] : conversations));
}

function named(name: string): Conversation {
  return conversations().find((conversation) => conversation.name === name) as Conversation;
}

function octetsOf(conversation: Conversation, from: "client" | "server"): Uint8Array {
  return concat(...messagesOf(conversation, from).map(messageOctets));
}

function messagesOf(conversation: Conversation, from: "client" | "server"): Message[] {
  const steps = conversation.steps.filter((step) => step.from === from && step.transport !== "udp");
  // A PROXY header is taken off before the machine gets anything.
  return steps.flatMap((step) => step.messages.filter(({ type }) => type !== "Data" && type !== "ProxyHeader"));
}

/** Field of the first message of a type. */
function field(messages: readonly Message[], type: Message["type"], name: string): number | undefined {
  const value = messages.find((message) => message.type === type)?.decoded?.[name];
  return typeof value === "number" ? value : undefined;
}

/** Octets of a field, or others where the message or the field is missing. */
function octetsField(fields: Message["decoded"], name: string, missing: string): Uint8Array {
  const value = fields?.[name];
  return octets(typeof value === "string" ? value : missing);
}

/** The octets of all `send` lines. */
function sends(log: readonly string[]): string {
  return log.flatMap((line) => /^send ([0-9a-f ]+?)(?: \(secret\))?$/.exec(line)?.[1] ?? []).join(" ");
}

/** A server that would answer as the one in the conversation. */
function serverOf(conversation: Conversation): [ServerHandshakeOptions, ServerOwner] {
  const answers = messagesOf(conversation, "server");
  const method = field(answers, "MethodReply", "method") ?? 0x00;
  const authMethods = [method === 0x00 ? noneServer() : method === 0x02 ? userPassServer() : unused(0x90)];
  const replies = answers.flatMap(({ type, decoded, address }) => {
    if (type !== "Socks5Reply" && type !== "Socks4Reply") return [];
    const code = (decoded?.["rep"] ?? decoded?.["cd"]) as number;
    const granted = code === 0x00 || code === 0x5a;
    return granted ? { rep: 0x00, boundAddress: parseHostPort(address as string) } : { rep: code, cd: code };
  });
  const options = { authMethods, commands: [0x01, 0x02, 0x03, 0xf0, 0xf1] };
  return [options, { accept: field(answers, "UserPassReply", "status") === 0x00, replies }];
}

/** A client that would ask as the one in the conversation. */
function clientOf(conversation: Conversation): ClientHandshakeOptions {
  const asked = messagesOf(conversation, "client");
  const request = asked.find(({ type }) => type === "Socks5Request" || type === "Socks4Request");
  const credentials = asked.find(({ type }) => type === "UserPassRequest")?.decoded;
  const greeting = asked.find(({ type }) => type === "MethodRequest")?.decoded;
  const authMethods = [...octetsField(greeting, "methods", "00")].map((method): ClientAuthMethod => {
    if (method === 0x00) return noneClient();
    if (method !== 0x02) return unused(method);
    return userPassClient({
      username: octetsField(credentials, "uname", "61"),
      password: octetsField(credentials, "passwd", ""),
    });
  });
  const cmd = (request?.decoded?.["cmd"] ?? request?.decoded?.["cd"] ?? 1) as number;
  return {
    version: request?.type === "Socks4Request" ? 4 : 5,
    command: COMMANDS[cmd],
    destination: parseHostPort(request?.address ?? "192.0.2.1:80"),
    userId: octetsField(request?.decoded, "userid", ""),
    authMethods,
  };
}

/** The last event that the server's octets must lead to. */
function clientEnd(conversation: Conversation): string {
  const last = messagesOf(conversation, "server").at(-1);
  const reply = last?.decoded?.["rep"] ?? last?.decoded?.["cd"];
  if (typeof reply === "number") {
    const octet = hex(Uint8Array.of(reply));
    return reply === 0x00 || reply === 0x5a
      ? `established ${last?.address} ${octet}`
      : `failed ERR_SOCKS_REQUEST_REFUSED remote request reply ${octet}`;
  }
  if (last?.type === "UserPassReply") return "failed ERR_SOCKS_AUTH_REJECTED remote authenticate";
  if (last?.decoded?.["method"] === 0xff) return "failed ERR_SOCKS_NO_ACCEPTABLE_METHOD remote negotiate";
  // The server closed without a word: the client waits for the answer to what it sent last.
  return `send ${hex(messageOctets(messagesOf(conversation, "client").at(-1) as Message))}`;
}

/** A method that is offered or wanted, but never chosen. */
function unused(method: number): ClientAuthMethod & ServerAuthMethod {
  return {
    method,
    name: "unused",
    start() {
      throw new TypeError(`METHOD ${method} must not be chosen`);
    },
  };
}
