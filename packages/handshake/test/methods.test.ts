// CHAP, CRAM and MAF through the machines: every conversation of their drafts and of real programs, cut at every
// place, and both machines against each other.
import { createHash } from "node:crypto";
import {
  AuthError,
  type AuthEvidence,
  type AuthQuestion,
  type AuthVerdict,
  type ClientAuthMethod,
  type ServerAuthMethod,
  chapClient,
  chapServer,
  chapVerdict,
  cramClient,
  cramServer,
  mafClient,
  mafServer,
  noneClient,
  userPassClient,
  userPassServer,
} from "@sockskit/auth";
import { checkNoSecrets, concat, everySplit, hex, octets, questionMethod, singleOctets } from "@sockskit/testing";
import { type Conversation, conversations, messageOctets } from "@sockskit/vectors";
import { mafId, parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { ClientHandshake, ServerHandshake } from "../src/index.ts";
import { type ServerOwner, runClient, runServer } from "./machine-log.ts";

const PASSWORD = "secret"; // of the drafts' vectors and of the captures
const CHALLENGE = octets("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
const destination = parseAddress("example.com", 80);
const md5 = (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest();
const rejected = (): AuthError => new AuthError("ERR_SOCKS_AUTH_REJECTED", "wrong answer", { side: "remote" });
const question = questionMethod(rejected);
const uuid = octets("0f 1e 2d 3c 4b 5a 69 78 87 96 a5 b4 c3 d2 e1 f0");

/** The methods of both sides that fit the conversations. */
const chap: ServerAuthMethod = chapServer({ challenge: () => CHALLENGE });
const maf = (...ids: readonly number[]): ServerAuthMethod =>
  mafServer({ methods: ids.map((id) => ({ id: mafId(id), start: () => question.server() })) });

const judgeChap =
  (password: string) =>
  (evidence: AuthEvidence): AuthVerdict =>
    evidence.type === "chap" ? chapVerdict({ evidence, password, identity: "alice", md5 }) : { accepted: false };

/** A token and a one-time password, as in the vector of the draft. */
function judgeCram(evidence: AuthEvidence): AuthVerdict {
  if (evidence.type !== "cram") return { accepted: false };
  const response = Buffer.from(evidence.response ?? []).toString();
  if (evidence.round === 0) return { accepted: false, challenge: "otp-md5 487 dog2", text: "Enter OTP" };
  if (evidence.round === 1 && response === "ALEC HUH") return { accepted: false, challenge: "token code?" };
  return response === "734193" ? { accepted: true, identity: "alice" } : { accepted: false };
}

const ANSWERS: Readonly<Record<string, string>> = { "otp-md5 487 dog2": "ALEC HUH", "token code?": "734193" };

function responseTo(asked: AuthQuestion): string | undefined {
  return asked.type === "cram" ? ANSWERS[asked.prompt] : undefined;
}

interface Role {
  readonly method: ServerAuthMethod;
  readonly owner: ServerOwner;
  readonly client?: readonly ClientAuthMethod[];
}

const chapClients = [chapClient({ username: "alice", password: PASSWORD, md5 })];
const putty = [noneClient(), ...chapClients, userPassClient({ username: "alice", password: PASSWORD })];
const replies = [{ rep: 0x00 }];

/** Conversations that begin with the method choice, and who plays them. Those without `client`: ours says it otherwise. */
const ROLES: Readonly<Record<string, Role>> = {
  "chap-draft": { method: chap, owner: { judge: judgeChap(PASSWORD) } },
  "chap-compact": { method: chap, owner: { judge: judgeChap(PASSWORD) }, client: putty },
  "capture-plink-chap": { method: chap, owner: { judge: judgeChap(PASSWORD), replies }, client: putty },
  "capture-plink-chap-two-messages": { method: chap, owner: { judge: judgeChap(PASSWORD), replies }, client: putty },
  "capture-plink-chap-rejected": { method: chap, owner: { judge: judgeChap("other") }, client: putty },
  cram: { method: cramServer(), owner: { judge: judgeCram }, client: [cramClient({ username: "alice" })] },
  maf: {
    method: maf(0x0001_0000),
    owner: { accept: true },
    client: [
      mafClient({
        methods: [mafId(0x0001_0000), mafId(0x0001_0001), uuid].map((id) => ({
          id,
          start: () => question.client("A!"),
        })),
      }),
    ],
  },
};

/** Octets of one side. */
function octetsOf(conversation: Conversation, from: "client" | "server"): Uint8Array {
  const steps = conversation.steps.filter((step) => step.from === from);
  return concat(...steps.flatMap((step) => step.messages.map(messageOctets)));
}

function named(name: string): Conversation {
  return conversations().find((conversation) => conversation.name === name) as Conversation;
}

function sends(log: readonly string[]): string {
  return log.flatMap((line) => /^send ([0-9a-f ]+?)(?: \(secret\))?$/.exec(line)?.[1] ?? []).join(" ");
}

describe.each(Object.entries(ROLES))("%s", (name, { method, owner, client }) => {
  const conversation = named(name);
  const fromClient = octetsOf(conversation, "client");
  const fromServer = octetsOf(conversation, "server");

  test("as server", () => {
    const whole = runServer(new ServerHandshake({ authMethods: [method] }), [fromClient], owner);
    // We send algorithm and challenge in one message, as everybody but the draft does.
    const twoMessages = "01 01 11 01 85 01 01 03 10";
    expect(sends(whole)).toBe(hex(fromServer).replace(twoMessages, "01 02 11 01 85 03 10"));
    for (const late of [false, true]) {
      for (const split of [...everySplit(fromClient), singleOctets(fromClient)]) {
        const machine = new ServerHandshake({ authMethods: [method] });
        expect(runServer(machine, split, { ...owner, late })).toEqual(whole);
      }
    }
  });

  if (client === undefined) return;
  test("as client", () => {
    const options = { version: 5 as const, destination, authMethods: client };
    const answer = (asked: AuthQuestion) => ({ type: "cram", response: responseTo(asked) }) as const;
    const run = (chunks: Iterable<Uint8Array>): string[] => runClient(new ClientHandshake(options), chunks, answer);
    const whole = run([fromServer]);
    // The vectors of the drafts end before the SOCKS request.
    const request = "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 50";
    expect(sends(whole).replace(` ${request}`, "")).toBe(hex(fromClient).replace(` ${request}`, ""));
    expect(whole.at(-1)).toMatch(
      name.endsWith("rejected")
        ? /^failed ERR_SOCKS_AUTH_REJECTED remote authenticate$/
        : /^(?:established 0\.0\.0\.0:0 00|send 05 01 00 03 .*)$/,
    );
    for (const split of [...everySplit(fromServer), singleOctets(fromServer)]) expect(run(split)).toEqual(whole);
  });
});

describe("both machines against each other", () => {
  const challenge = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32));
  const user = { username: "zoë", password: "pässword", md5 };
  const none = { accepted: false } as const;
  const userPassMethod = {
    client: { id: uuid, start: () => userPassClient({ username: "zoë", password: "pw" }).start() },
    server: { id: uuid, start: () => userPassServer().start() },
  };

  test.each<readonly [string, ClientAuthMethod, ServerAuthMethod, (evidence: AuthEvidence) => AuthVerdict]>([
    ["chap", chapClient(user), chapServer({ challenge }), judgeChap("pässword")],
    [
      "chap both ways",
      chapClient({ ...user, challenge, requireMutual: true }),
      chapServer({ challenge }),
      judgeChap("pässword"),
    ],
    [
      "chap with MD5 both ways",
      chapClient({ ...user, challenge, requireMutual: true, algorithms: ["hmac-md5", "md5"] }),
      chapServer({ challenge, algorithms: ["md5", "hmac-md5"] }),
      judgeChap("pässword"),
    ],
    ["cram", cramClient({ username: "zoë" }), cramServer(), judgeCram],
    [
      "maf with two methods",
      mafClient({ methods: [userPassMethod.client, { id: mafId(0x0001_0000), start: () => question.client("A!") }] }),
      mafServer({ methods: [{ id: mafId(0x0001_0000), start: () => question.server() }, userPassMethod.server] }),
      () => ({ accepted: true, identity: "alice" }),
    ],
    [
      "maf with chap and cram inside",
      mafClient({
        methods: [
          { id: mafId(1), start: () => chapClient({ ...user, challenge, requireMutual: true }).start() },
          { id: mafId(2), start: () => cramClient({ username: "zoë" }).start() },
        ],
      }),
      mafServer({
        methods: [
          { id: mafId(1), start: () => chapServer({ challenge }).start() },
          { id: mafId(2), start: () => cramServer().start() },
        ],
      }),
      (evidence) => (evidence.type === "cram" ? judgeCram(evidence) : judgeChap("pässword")(evidence)),
    ],
  ])("%s", (_name, clientMethod, serverMethod, judge) => {
    expect(meet(clientMethod, serverMethod, judge)).toEqual({
      client: "requesting",
      server: "deciding",
      identity: "alice",
    });
    expect(meet(clientMethod, serverMethod, () => none)).toEqual({
      client: "failed",
      server: "failed",
      identity: undefined,
    });
  });
});

/** Lets the machines talk until nobody has anything to say. */
function meet(
  clientMethod: ClientAuthMethod,
  serverMethod: ServerAuthMethod,
  judge: (evidence: AuthEvidence) => AuthVerdict,
): { client: string; server: string; identity: string | undefined } {
  const client = new ClientHandshake({ version: 5, destination, authMethods: [clientMethod] });
  const server = new ServerHandshake({ authMethods: [serverMethod] });
  let identity: string | undefined;
  const events: (() => void)[] = [];
  const fromClient = (list: ReturnType<ClientHandshake["receive"]>): void => {
    for (const event of list) {
      checkNoSecrets(event.type === "send" ? "" : event, ["pässword"]);
      if (event.type === "send") events.push(() => fromServer(server.receive(event.data)));
      if (event.type !== "question") continue;
      events.push(() => fromClient(client.answer({ type: "cram", response: responseTo(event.question) })));
    }
  };
  const fromServer = (list: ReturnType<ServerHandshake["receive"]>): void => {
    for (const event of list) {
      if (event.type === "send") events.push(() => fromClient(client.receive(event.data)));
      if (event.type === "authenticate") events.push(() => fromServer(server.authenticated(judge(event.evidence))));
      if (event.type === "request") identity = event.request.identity;
    }
  };
  fromClient(client.start());
  for (let next = events.shift(); next !== undefined; next = events.shift()) next();
  checkNoSecrets({ client, server }, ["pässword"]);
  return { client: client.state, server: server.state, identity };
}
