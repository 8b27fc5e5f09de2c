// Records what real programs say on the wire, as data for tests/vectors:
//   node tests/interop/src/capture/run.ts [--only TEXT] [--print]
// Without --print the recordings go to tests/vectors/data. A program that is not installed keeps its old ones.
import { createSocket } from "node:dgram";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../harness/port.ts";
import { RunningProcess, withDeadline } from "../harness/process.ts";
import { Scope } from "../harness/scope.ts";
import { describeTool, missing, type Tool } from "../harness/tools.ts";
import { CLIENT_SCENARIOS, type ClientScenario } from "./clients.ts";
import { hex, type MessageName } from "./frame.ts";
import { recordClient, recordServer, type Script, type Spoken } from "./recorder.ts";
import { SERVER_SCENARIOS, type PortName, type ServerScenario } from "./servers.ts";

/** One recorded conversation, in the schema of tests/vectors. */
interface Conversation {
  readonly name: string;
  readonly title: string;
  readonly source: {
    readonly program: string;
    readonly version: string;
    readonly command: string;
    readonly peer: string;
  };
  readonly steps: readonly Step[];
}

interface Step {
  readonly from: "client" | "server";
  readonly note: string;
  readonly transport?: "udp";
  readonly closes?: true;
  readonly messages: readonly {
    type: MessageName;
    hex: string;
    decoded: Record<string, number | string>;
    address?: string;
  }[];
}

const NOTES: Readonly<Record<MessageName, string>> = {
  MethodRequest: "greeting",
  MethodReply: "method",
  UserPassRequest: "user name and password",
  UserPassReply: "status",
  Socks5Request: "request",
  Socks5Reply: "reply",
  Socks4Request: "request",
  Socks4Reply: "reply",
  UdpDatagram: "datagram",
};

/** The other end of every conversation: octets that are written down in this folder. */
const RECORDER = "the recorder in tests/interop/src/capture";

/** Longest wait for one conversation, in milliseconds; a circuit of Tor's takes two seconds to fail. */
const CONVERSATION_MS = 15_000;

const { values: options } = parseArgs({
  options: { only: { type: "string" }, print: { type: "boolean", default: false } },
});
const wanted = (name: string): boolean => name.includes(options.only ?? "");

let failed = 0;
await capture("captures-clients.json", captureClients());
await capture("captures-servers.json", captureServers());
process.exitCode = failed === 0 ? 0 : 1;

async function capture(file: string, made: AsyncIterable<Conversation>): Promise<void> {
  const path = fileURLToPath(new URL(`../../../vectors/data/${file}`, import.meta.url));
  const old = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as { conversations: Conversation[] }).conversations
    : [];
  const byName = new Map(old.map((conversation) => [conversation.name, conversation]));
  for await (const conversation of made) {
    byName.set(conversation.name, conversation);
    console.log(`recorded ${conversation.name}`);
    for (const { from, messages, closes } of conversation.steps) {
      for (const message of messages)
        console.log(`  ${from === "client" ? "C>S" : "S>C"} ${message.type} ${message.hex}${closes ? ", closes" : ""}`);
    }
  }
  if (!options.print) writeFileSync(path, layOut([...byName.values()]));
}

/** JSON with one message per line, as the other vector files have it. */
function layOut(conversations: readonly Conversation[]): string {
  const messages: string[] = [];
  const text = JSON.stringify(
    { conversations },
    (key, value: unknown) => {
      if (key !== "messages" && key !== "source") return value;
      const list = Array.isArray(value) && value.length > 0;
      messages.push(list ? `[\n            ${oneLine(value[0])}\n          ]` : oneLine(value));
      return `@@${messages.length - 1}@@`;
    },
    2,
  );
  return `${text.replace(/"@@(\d+)@@"/g, (_, index: string) => messages[Number(index)] ?? "")}\n`;
}

function oneLine(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/\n */g, " ").replaceAll("{ ", "{").replaceAll(" }", "}");
}

async function usable(tools: readonly Tool[], names: string): Promise<boolean> {
  for (const tool of tools) {
    const why = await missing(tool);
    if (why === undefined) continue;
    console.log(`skipped ${names}: ${why}`);
    return false;
  }
  return true;
}

async function* captureClients(): AsyncIterable<Conversation> {
  for (const scenario of CLIENT_SCENARIOS) {
    if (!wanted(scenario.name) || !(await usable([scenario.tool], scenario.name))) continue;
    const { spoken, log } = await captureClient(scenario);
    if (spoken === undefined) complain(scenario.name, log);
    else {
      const source = { ...(await describeTool(scenario.tool)), command: scenario.how, peer: RECORDER };
      yield { name: `capture-${scenario.name}`, title: titleOf(scenario.name), source, steps: steps(spoken, false) };
    }
  }
}

async function captureClient(
  scenario: ClientScenario,
): Promise<{ spoken: readonly Spoken[] | undefined; log: string }> {
  const scope = new Scope();
  try {
    const recorder = await recordClient(scenario.answers);
    scope.defer(() => recorder.close());
    const running = new RunningProcess(
      await scenario.prepare(recorder.port, await scope.temporaryFolder()),
    ).logOutput();
    scope.defer(() => running.stop(0));
    const spoken = await withDeadline(recorder.conversation, CONVERSATION_MS);
    return { spoken, log: running.log };
  } finally {
    await scope.close();
  }
}

async function* captureServers(): AsyncIterable<Conversation> {
  for (const scenario of SERVER_SCENARIOS) {
    const scripts = Object.entries(scenario.scripts).filter(([name]) => wanted(name));
    const tools = [scenario.tool, ...(scenario.needs ?? [])];
    if (scripts.length > 0 && (await usable(tools, scripts.map(([name]) => name).join(", "))))
      yield* captureServer(scenario, scripts);
  }
}

async function* captureServer(
  scenario: ServerScenario,
  scripts: readonly [string, Script][],
): AsyncIterable<Conversation> {
  const scope = new Scope();
  try {
    const ports: Record<PortName, number> = {
      TARGET: await startTarget(scope),
      CLOSED: await freePort(),
      DENIED: await freePort(),
      ECHO: await startEcho(scope),
    };
    const peer = await scenario.start(scope, ports.DENIED);
    const source = { ...(await describeTool(scenario.tool)), command: scenario.how, peer: RECORDER };
    for (const [name, script] of scripts) {
      const filled = script.map((step) => ({ ...step, send: fill(step.send, ports) }));
      const { spoken, closed, rest } = await recordServer(peer.port, filled, CONVERSATION_MS);
      if (spoken.length === 0 || rest.length > 0) complain(`${name}, "${hex(rest)}" left over`, peer.process.log);
      else yield { name: `capture-${name}`, title: titleOf(name), source, steps: steps(spoken, closed) };
    }
  } finally {
    await scope.close();
  }
}

function fill(octets: string, ports: Readonly<Record<PortName, number>>): string {
  return octets.replace(/[A-Z]{2,}/g, (name) => ports[name as PortName].toString(16).padStart(4, "0"));
}

async function startEcho(scope: Scope): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (data, { port, address }) => socket.send(data, port, address));
  scope.defer(() => socket.close());
  await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
  return socket.address().port;
}

async function startTarget(scope: Scope): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  scope.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

function steps(spoken: readonly Spoken[], closed: boolean): readonly Step[] {
  const last = spoken.at(-1);
  const made: Step[] = spoken.map((one) => ({
    from: one.from,
    note: NOTES[one.message],
    ...(one.message === "UdpDatagram" ? { transport: "udp" as const } : {}),
    ...(closed && one === last && one.from === "server" ? { closes: true as const } : {}),
    messages: [message(one)],
  }));
  if (closed && last?.from === "client")
    made.push({ from: "server", note: "closes without a word", closes: true, messages: [] });
  return made;
}

/** `dante-socks5-name-unknown` is "dante: socks5 name unknown". */
function titleOf(name: string): string {
  const program = /^(netcat-openbsd|npm-server|npm-socks|dante-client|[a-z]+)-/.exec(name)?.[1] ?? "";
  return `${program.replace("-", " ")}: ${name.slice(program.length + 1).replaceAll("-", " ")}`;
}

function message({ message: type, bytes, fields, address }: Spoken): Step["messages"][number] {
  return { type, hex: hex(bytes), decoded: { ...fields }, ...(address === undefined ? {} : { address }) };
}

function complain(name: string, log: string): void {
  failed++;
  console.error(`${name}: not recorded\n${log}`);
}
