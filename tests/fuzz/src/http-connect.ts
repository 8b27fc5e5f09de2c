import assert from "node:assert/strict";
import { HandshakeError, HttpConnectHandshake, MAX_BUFFERED_LENGTH } from "@sockskit/handshake";
import { hex } from "@sockskit/testing";
import { messageOctets, messages } from "@sockskit/vectors";
import { parseAddress } from "@sockskit/wire";
import { cut } from "./mutate.ts";
import type { Target } from "./target.ts";

type Credentials = { readonly username: string; readonly password: string } | undefined;

const DESTINATION = parseAddress("example.com", 80);
const ENDS: readonly string[] = ["established", "failed"];

/** The client machine for an HTTP proxy, with and without credentials. */
export function httpMachines(
  create = (credentials: Credentials): HttpConnectHandshake =>
    new HttpConnectHandshake({ destination: DESTINATION, credentials }),
): Target[] {
  return [undefined, { username: "alice", password: "secret" }].map((credentials) => ({
    name: `HttpConnectHandshake${credentials === undefined ? "" : " with a password"}`,
    corpus: messages()
      .filter(({ type, from }) => type === "HttpConnectResponse" && from === "server")
      .map(messageOctets),
    check(input, random) {
      const whole = run(create(credentials), [input]);
      assert.deepEqual(run(create(credentials), cut(input, random)), whole, "cut up, it ends otherwise");
      assert.doesNotMatch(whole.join(), /[^ -~]/, "shows what could steer a terminal");
      checkTunnel(input, whole);
    },
  }));
}

/** What happened, and what was left for the tunnel. */
function run(machine: HttpConnectHandshake, pieces: readonly Uint8Array[]): readonly string[] {
  const log: string[] = [];
  machine.start();
  for (const piece of pieces) {
    const octets = Uint8Array.from(piece);
    for (const event of machine.receive(octets)) {
      assert.ok(!ENDS.some((end) => log.at(-1)?.startsWith(end)), `"${event.type}" after the end`);
      assert.ok(event.type !== "send", "sends something again");
      if (event.type === "http-answer") log.push(`answer ${event.status} ${event.reason}`);
      else log.push(event.type === "failed" ? failure(event.error) : `${event.type} ${event.reply}`);
    }
    octets.fill(0xee);
    assert.ok(machine.bufferedLength <= MAX_BUFFERED_LENGTH, "holds more than it may");
  }
  const trailing = machine.takeTrailingData();
  return trailing === undefined ? log : [...log, `trailing ${hex(trailing)}`];
}

function failure(error: HandshakeError): string {
  assert.ok(error instanceof HandshakeError);
  assert.equal(error.side, "remote", `blames us for what a peer sent: ${error.code}`);
  return `failed ${error.code} ${error.stage} ${error.httpStatus} ${error.message}`;
}

/** A tunnel begins behind the empty line after a status of 200 to 299, and nowhere else. */
function checkTunnel(input: Uint8Array, log: readonly string[]): void {
  if (!log.some((line) => line.startsWith("established"))) return;
  const text = Buffer.from(input).toString("latin1");
  const answers = log.filter((line) => line.startsWith("answer"));
  assert.match(answers.at(-1) ?? "", /^answer 2/, "a tunnel without a success");
  const heads = text.split("\r\n\r\n").slice(0, answers.length);
  const behind = text.slice(heads.join("").length + 4 * heads.length);
  assert.match(heads.at(-1) ?? "", /^HTTP\/1\.[01] 2/, "another answer made the tunnel");
  const trailing = log.at(-1)?.startsWith("trailing ") === true ? (log.at(-1) ?? "").slice("trailing ".length) : "";
  assert.equal(trailing, hex(Buffer.from(behind, "latin1")), "the tunnel begins elsewhere");
}
