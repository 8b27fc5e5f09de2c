import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type AuthAnswer,
  type AuthEvidence,
  type AuthQuestion,
  type AuthVerdict,
  chapClient,
  chapServer,
  cramClient,
  cramServer,
  gssapiClient,
  type GssapiEvidence,
  gssapiServer,
  mafClient,
  mafServer,
  noneClient,
  noneServer,
  sslClient,
  sslServer,
  userPassClient,
  userPassServer,
} from "@sockskit/auth";
import {
  ClientHandshake,
  HandshakeError,
  MAX_BUFFERED_LENGTH,
  ServerHandshake,
  type ClientHandshakeOptions,
  type ServerEvent,
  type ServerHandshakeOptions,
} from "@sockskit/handshake";
import { concat, hex } from "@sockskit/testing";
import {
  type Conversation,
  type Message,
  type MessageType,
  conversations,
  messageOctets,
  messages,
} from "@sockskit/vectors";
import { mafId, METHOD, parseAddress } from "@sockskit/wire";
import { cut } from "./mutate.ts";
import type { Target } from "./target.ts";

/** What went out, and how it ended: the same however the input was cut. */
interface Outcome {
  readonly events: readonly string[];
  readonly sent: string;
  readonly trailing: string;
}

const challenge = (): Uint8Array => Uint8Array.from({ length: 16 }, (_, index) => index);
const md5 = (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest();
const METHOD_ID = mafId(0x0001_0000);

/** Servers by name; each input gets one that knows nothing of the inputs before. */
const SERVERS: Readonly<Record<string, () => ServerHandshakeOptions>> = {
  ServerHandshake: () => ({ authMethods: [noneServer()], commands: [0x01, 0x02, 0x03, 0xf0, 0xf1] }),
  "ServerHandshake with a password": () => ({ authMethods: [userPassServer()] }),
  "ServerHandshake with a choice": () => ({ authMethods: [userPassServer(), noneServer()] }),
  "ServerHandshake with CHAP": () => ({ authMethods: [chapServer({ challenge, algorithms: ["hmac-md5", "md5"] })] }),
  "ServerHandshake with CRAM": () => ({ authMethods: [cramServer()] }),
  "ServerHandshake with GSS-API": () => ({ authMethods: [gssapiServer({ nec: true })] }),
  "ServerHandshake with SSL": () => ({
    authMethods: [sslServer({ methods: [userPassServer(), cramServer()], udpNaked: true })],
    commands: [0x01, 0x02, 0x03],
  }),
  "ServerHandshake with MAF": () => ({
    authMethods: [mafServer({ methods: [{ id: METHOD_ID, start: () => cramServer().start() }] })],
  }),
};

const TARGET = parseAddress("example.com", 80);
const CREDENTIALS = { username: "alice", password: "secret" };
const USER = userPassClient(CREDENTIALS);
const MAF = mafClient({ methods: [{ id: METHOD_ID, start: () => cramClient(CREDENTIALS).start() }] });
const CLIENTS: readonly (readonly [name: string, options: ClientHandshakeOptions])[] = [
  ["SOCKS 4", { version: 4, destination: TARGET }],
  ["SOCKS 5", { version: 5, destination: TARGET }],
  ["SOCKS 5 with a password", { version: 5, destination: TARGET, authMethods: [noneClient(), USER] }],
  ["SOCKS 5, strict", { version: 5, destination: TARGET, authMethods: [USER], strict: true }],
  ["SOCKS 5 BIND", { version: 5, destination: TARGET, command: "bind" }],
  [
    "SOCKS 5 with CHAP",
    {
      version: 5,
      destination: TARGET,
      authMethods: [chapClient({ ...CREDENTIALS, md5, challenge, algorithms: ["hmac-md5", "md5"] })],
    },
  ],
  ["SOCKS 5 with CRAM", { version: 5, destination: TARGET, authMethods: [cramClient(CREDENTIALS)] }],
  ["SOCKS 5 with GSS-API", { version: 5, destination: TARGET, authMethods: [gssapiClient()] }],
  [
    "SOCKS 5 with SSL",
    {
      version: 5,
      destination: TARGET,
      authMethods: [sslClient({ methods: [USER, cramClient(CREDENTIALS)], udpNaked: true })],
    },
  ],
  ["SOCKS 5 with MAF", { version: 5, destination: TARGET, authMethods: [MAF] }],
];

/** The server machine, one target per choice of methods. */
export function serverMachines(
  create = (options: ServerHandshakeOptions): ServerHandshake => new ServerHandshake(options),
): Target[] {
  return Object.entries(SERVERS).map(([name, options]) => ({
    name,
    corpus: corpusFor("client", options().authMethods),
    check(input, random) {
      const accept = random.below(2) === 0;
      const run = (pieces: readonly Uint8Array[]): Outcome => runServer(create(options()), options(), pieces, accept);
      const whole = run([input]);
      assert.deepEqual(run(cut(input, random)), whole, "cut up, it ends otherwise");
    },
  }));
}

/** The client machine, one target per kind of handshake. */
export function clientMachines(
  create = (options: ClientHandshakeOptions): ClientHandshake => new ClientHandshake(options),
): Target[] {
  return CLIENTS.map(([name, options]) => ({
    name: `ClientHandshake, ${name}`,
    corpus: corpusFor("server", options.authMethods ?? []),
    check(input, random) {
      const whole = runClient(create(options), [input]);
      assert.deepEqual(runClient(create(options), cut(input, random)), whole, "cut up, it ends otherwise");
    },
  }));
}

function runServer(
  machine: ServerHandshake,
  options: ServerHandshakeOptions,
  pieces: readonly Uint8Array[],
  accept: boolean,
): Outcome {
  const events: string[] = [];
  const sent: Uint8Array[] = [];
  const open = options.authMethods.some((method) => method.immediate === true);
  let granted = false;
  let proven = false;
  let over = false;
  const take = (list: readonly ServerEvent[]): void => {
    for (const event of list) {
      assert.ok(!over, `"${event.type}" after the end`);
      if (event.type === "send") sent.push(event.data);
      else events.push(event.type === "failed" ? failure(event.error) : event.type);
      if (event.type === "failed") over = true;
      if (event.type === "authenticated") {
        assert.ok(granted || event.methodName === "none", "authenticated without a verdict");
        proven = true;
      }
      if (event.type === "authenticate") {
        const verdict = verdictOn(event.evidence, accept);
        granted = verdict.accepted;
        take(machine.authenticated(verdict));
      }
      if (event.type === "secure") {
        // A layer that changes nothing; what came behind belongs to it.
        const early = machine.takeTrailingData();
        take(machine.secured());
        if (early !== undefined) take(machine.receive(early));
      }
      if (event.type === "request") {
        assert.ok(proven || (open && event.request.version === 4), "a request before the password was checked");
        const { command, destination } = event.request;
        assert.ok(command !== "resolve-ptr" || destination.type !== "domain", "looks up the name of a name");
        assert.ok(command?.startsWith("resolve") !== true || destination.port === 0, "a port of what is looked up");
        take(machine.reply({ rep: 0x00 }));
        if (event.request.cmd === 0x02 && !over) take(machine.reply({ rep: 0x00 }));
      }
    }
  };
  for (const piece of pieces) {
    take(machine.receive(piece));
    assert.ok(machine.bufferedLength <= MAX_BUFFERED_LENGTH, "holds more than it may");
  }
  return { events, sent: hex(concat(...sent)), trailing: trailing(machine) };
}

function runClient(machine: ClientHandshake, pieces: readonly Uint8Array[]): Outcome {
  const events: string[] = [];
  const sent: Uint8Array[] = [];
  let over = false;
  const step = (list: ReturnType<ClientHandshake["receive"]>): void => {
    for (const event of list) {
      assert.ok(!over, `"${event.type}" after the end`);
      if (event.type === "send") sent.push(event.data);
      else events.push(event.type === "failed" ? failure(event.error) : event.type);
      if (event.type === "failed") over = true;
      if (event.type === "question") step(machine.answer(answerTo(event.question)));
      if (event.type === "secure") {
        const early = machine.takeTrailingData();
        step(machine.secured());
        if (early !== undefined) step(machine.receive(early));
      }
    }
  };
  step(machine.start());
  for (const piece of pieces) {
    step(machine.receive(piece));
    assert.ok(machine.bufferedLength <= MAX_BUFFERED_LENGTH, "holds more than it may");
  }
  return { events, sent: hex(concat(...sent)), trailing: trailing(machine) };
}

/** GSS-API goes on until a token begins with 60, and takes every level. */
function answerTo(question: AuthQuestion): AuthAnswer {
  if (question.type === "cram") return { type: "cram", response: "an answer" };
  if (question.step === "level") return { type: "gssapi", protection: "integrity" };
  const isLast = question.token?.[0] === 0x60;
  return { type: "gssapi", token: Uint8Array.of(0x60), level: isLast ? Uint8Array.of(0x77, 0x00, 0x01) : undefined };
}

function verdictOnToken({ step, token }: GssapiEvidence, accept: boolean): AuthVerdict {
  if (step === "context") return { accepted: false, token: Uint8Array.of(0x61), complete: token[0] === 0x60 };
  if (!accept) return { accepted: false };
  const response = step === "level" ? Uint8Array.of(0x77, 0x00, 0x01) : Uint8Array.of(0x01);
  return { accepted: true, response, protection: "integrity" };
}

/** Accepts or rejects; CRAM gets three challenges before that, CHAP a proof of the server. */
function verdictOn(evidence: AuthEvidence, accept: boolean): AuthVerdict {
  if (evidence.type === "gssapi") return verdictOnToken(evidence, accept);
  if (evidence.type === "cram" && evidence.round < 3) return { accepted: false, challenge: "what?", text: "say" };
  return accept ? { accepted: true, response: challenge() } : { accepted: false };
}

function failure(error: HandshakeError): string {
  assert.ok(error instanceof HandshakeError);
  assert.equal(error.side, "remote", `blames us for what a peer sent: ${error.code}`);
  return `failed ${error.code}`;
}

function trailing(machine: { takeTrailingData(): Uint8Array | undefined }): string {
  return hex(machine.takeTrailingData() ?? new Uint8Array(0));
}

/** Methods whose messages few conversations have, and the type of those messages. */
const RARE: Readonly<Record<number, MessageType>> = {
  0x01: "GssapiFrame",
  0x03: "AttributeList",
  0x05: "AttributeList",
  0x08: "MafMessage",
};

// For a rare method its conversations, and each of its messages behind the method choice; for the others all conversations.
function corpusFor(side: "client" | "server", methods: readonly { readonly method: number }[]): Uint8Array[] {
  const method = methods[0]?.method ?? 0x00;
  if (method === METHOD.secureSocketsLayer) return insideTls(side);
  const type = RARE[method];
  if (type === undefined) return conversations().flatMap((talk) => sentIn(talk, side));
  const choice = side === "client" ? Uint8Array.of(0x05, 0x01, method) : Uint8Array.of(0x05, method);
  return [
    ...conversations()
      .filter(({ steps }) => steps.some(({ messages: sent }) => sent.some((message) => chooses(message, method))))
      .flatMap((talk) => sentIn(talk, side)),
    ...messages()
      .filter((message) => message.type === type && message.from === side)
      .map((message) => concat(choice, messageOctets(message))),
  ];
}

/** The example of the draft without its frames and records, whole and without its end. */
function insideTls(side: "client" | "server"): Uint8Array[] {
  const example = conversations().find(({ name }) => name === "ssl-frames");
  const sent = (example?.steps ?? [])
    .filter(({ from }) => from === side)
    .flatMap((step) => step.messages)
    .filter(({ type, decoded }) => type === "MethodRequest" || type === "MethodReply" || Number(decoded?.["state"]) > 1)
    .map((message) => (message.type === "SslFrame" ? messageOctets(message).subarray(4 + 5) : messageOctets(message)));
  return sent.map((_, index) => concat(...sent.slice(0, index + 1)));
}

function chooses(message: Message, method: number): boolean {
  return message.type === "MethodReply" && message.decoded?.["method"] === method;
}

// Everything that one side of a recorded or specified exchange sends, in one piece.
function sentIn(talk: Conversation, side: "client" | "server"): Uint8Array[] {
  const steps = talk.steps.filter((step) => step.from === side && step.transport !== "udp");
  const sent = concat(...steps.flatMap((step) => step.messages.map(messageOctets)));
  return sent.length > 0 ? [sent] : [];
}
