import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { createServer, type SocksServer } from "@sockskit/server";
import { concat, hex, octets, readOctets } from "@sockskit/testing";
import { messageOctets, messages } from "@sockskit/vectors";
import { addressFromFields, parseIpAddress, type UdpDatagram, WireError } from "@sockskit/wire";
import { FragmentTable } from "./fragments.ts";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** The port that inputs name where they mean the target, whose own port is known only when it is open. */
const PLACEHOLDER_PORT = 8080;
/** The only name that leads anywhere. */
const NAME = "echo.test";
/** An association ends after so many inputs, so that its beginning and its end are met often. */
const INPUTS_PER_ASSOCIATION = 500;
/** More at once might not fit into what a system keeps for a socket that is not read. */
const MAX_DATAGRAMS = 24;
/** A stalled machine must not be taken for a lost datagram; fragments are given up after five seconds. */
const PATIENCE_MS = 4_000;

/**
 * A whole UDP association, over sockets: a server, a client, an echo behind the server, and strangers. What the echo gets is
 * what the specification says, read by hand from the same octets; every answer comes back; strangers are not heard.
 *
 * @param spoil - Stands for a fault on the way of the client's datagrams.
 */
export function udpAssociation(spoil: (datagram: Uint8Array) => Uint8Array = (datagram) => datagram): Target {
  let opened: Promise<World> | undefined;
  let inputs = 0;
  const close = async (): Promise<void> => {
    const world = opened;
    opened = undefined;
    await (await world)?.close();
  };
  return {
    name: "UDP association",
    corpus: corpus(),
    async check(input, random) {
      if (inputs % INPUTS_PER_ASSOCIATION === 0) await close();
      inputs += 1;
      const world = await (opened ??= World.open());
      try {
        await world.check(input, random, spoil);
      } catch (error) {
        // Whatever is still on its way must not be met by the next input.
        await close();
        throw error;
      }
    },
    close,
  };
}

/** Everything that takes part. */
class World {
  readonly #server: SocksServer;
  readonly #control: net.Socket;
  readonly #relayPort: number;
  readonly #echo: UdpSocket;
  readonly #client: UdpSocket;
  /** Another port of the client's address, and another address. */
  readonly #strangers: readonly UdpSocket[];
  /** What the echo got, and what came back, since the last input. */
  readonly #arrived: string[] = [];
  readonly #answers: string[] = [];
  readonly #failures: unknown[] = [];
  #markers = 0;
  #onAnswer: () => void = () => undefined;

  private constructor(
    server: SocksServer,
    control: net.Socket,
    relayPort: number,
    [echo, client, ...strangers]: readonly [UdpSocket, UdpSocket, ...UdpSocket[]],
  ) {
    this.#server = server;
    this.#control = control;
    this.#relayPort = relayPort;
    this.#echo = echo;
    this.#client = client;
    this.#strangers = strangers;
    echo.on("message", (data, { port, address }) => {
      this.#arrived.push(hex(data));
      echo.send(data, port, address);
    });
    client.on("message", (data) => {
      this.#answers.push(hex(data));
      this.#onAnswer();
    });
    for (const stranger of strangers) stranger.on("message", () => this.#failures.push("a stranger was answered"));
    server.on("error", (error) => this.#failures.push(error));
    server.on("closed", (event) => this.#failures.push(event));
    control.on("error", () => undefined);
  }

  static async open(): Promise<World> {
    const [echo, client, other] = [await bind("127.0.0.1"), await bind("127.0.0.1"), await bind("127.0.0.1")];
    const { port } = echo.address();
    const address = parseIpAddress("127.0.0.1");
    const server = createServer({
      engine: "portable",
      listen: [{ port: 0 }],
      rules: [{ action: "allow", commands: ["udp-associate"], to: ["127.0.0.1", NAME], ports: [port] }],
      outbound: {
        resolver: { resolve: async (name) => (name === NAME && address !== undefined ? [address] : []) },
      },
    });
    const [listener] = await server.listen();
    const control = net.connect({ port: listener?.port ?? 0, host: "127.0.0.1" });
    control.write(octets("05 01 00 05 03 00 01 00 00 00 00 00 00"));
    const reply = await readOctets(control, 12);
    assert.equal(hex(reply.subarray(0, 10)), "05 00 05 00 00 01 7f 00 00 01", "the association is refused");
    const relayPort = ((reply[10] ?? 0) << 8) | (reply[11] ?? 0);
    return new World(server, control, relayPort, [echo, client, other, await bind("127.0.0.2")]);
  }

  async check(input: Uint8Array, random: Random, spoil: (datagram: Uint8Array) => Uint8Array): Promise<void> {
    const { port } = this.#echo.address();
    const table = new FragmentTable();
    const expected: string[] = [];
    this.#arrived.length = this.#answers.length = 0;
    const startedAtMs = performance.now();
    // The first of an association says from which port the client sends.
    if (this.#markers === 0) await this.#mark(port);
    this.#arrived.length = this.#answers.length = 0;
    for (const datagram of datagramsOf(input, port)) {
      const stranger = random.below(6) === 0 ? random.of(this.#strangers) : undefined;
      (stranger ?? this.#client).send(spoil(datagram), this.#relayPort, "127.0.0.1");
      if (stranger !== undefined) continue;
      const read = readDatagram(datagram);
      const whole = read && table.receive(read, 0);
      if (whole !== undefined && leadsTo(whole, port)) expected.push(hex(whole.data));
    }
    expected.push(await this.#mark(port));
    if (performance.now() - startedAtMs > PATIENCE_MS) return;
    assert.deepEqual(this.#arrived, expected, "something else arrives than the specification says");
    const header = `00 00 00 01 7f 00 00 01 ${hex(Uint8Array.of(port >> 8, port & 0xff))}`;
    const answers = expected.map((data) => `${header} ${data}`.trimEnd());
    assert.deepEqual(this.#answers, answers, "something else comes back than was sent");
    assert.deepEqual(this.#failures, []);
    assert.equal(this.#server.stats.associations, 1, "the association is over");
  }

  /** Sends a datagram that nobody else sends and waits for its answer: all that was sent before has then been met. */
  async #mark(port: number): Promise<string> {
    this.#markers += 1;
    const data = Buffer.from(`marker ${this.#markers}`);
    const marker = concat(octets("00 00 00 01 7f 00 00 01"), Uint8Array.of(port >> 8, port & 0xff), data);
    const text = hex(data);
    const answered = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new assert.AssertionError({ message: "the relay is silent" })), 20_000);
      this.#onAnswer = () => {
        if (this.#answers.at(-1)?.endsWith(text) !== true) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#client.send(marker, this.#relayPort, "127.0.0.1");
    await answered;
    return text;
  }

  async close(): Promise<void> {
    this.#server.removeAllListeners();
    for (const socket of [this.#client, ...this.#strangers]) socket.close();
    this.#control.destroy();
    await this.#server.close();
    this.#echo.close();
  }
}

async function bind(address: string): Promise<UdpSocket> {
  const socket = createSocket("udp4");
  socket.bind({ address, port: 0 });
  await once(socket, "listening");
  return socket;
}

/** An input is a row of datagrams, each behind an octet with its length. */
function* datagramsOf(input: Uint8Array, port: number): Generator<Uint8Array> {
  let count = 0;
  for (let offset = 0; offset < input.length && count < MAX_DATAGRAMS; offset += 1 + (input[offset] ?? 0)) {
    count += 1;
    const datagram = input.slice(offset + 1, offset + 1 + (input[offset] ?? 0));
    const read = readDatagram(datagram);
    if (read?.dstPort === PLACEHOLDER_PORT) {
      const at = datagram.length - read.data.length - 2;
      datagram.set([port >> 8, port & 0xff], at);
    }
    yield datagram;
  }
}

/** A datagram by the table of RFC 1928 section 7; `undefined` for what is none, or leads to port 0. */
function readDatagram(bytes: Uint8Array): UdpDatagram | undefined {
  const [rsv1, rsv2, frag = 0, atyp = 0, nameLength = 0] = bytes;
  if (rsv1 !== 0 || rsv2 !== 0) return undefined;
  const start = atyp === 0x03 ? 5 : 4;
  const length = atyp === 0x01 ? 4 : atyp === 0x04 ? 16 : atyp === 0x03 ? nameLength : undefined;
  if (length === undefined || bytes.length < start + length + 2) return undefined;
  const end = start + length;
  const dstPort = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  if (dstPort === 0) return undefined;
  return { frag, atyp, dstAddr: bytes.slice(start, end), dstPort, data: bytes.slice(end + 2) };
}

/** Whether the only rule lets it through: to the echo, by its address or its name. */
function leadsTo({ atyp, dstAddr, dstPort }: UdpDatagram, port: number): boolean {
  if (dstPort !== port) return false;
  try {
    const { host } = addressFromFields(atyp, dstAddr, dstPort);
    return host === "127.0.0.1" || host === NAME;
  } catch (error) {
    assert.ok(error instanceof WireError);
    return false;
  }
}

/** Datagrams of the vectors, as they are and on their way to the echo, alone and in sequences of fragments. */
function corpus(): Uint8Array[] {
  const vectors = messages()
    .filter(({ type }) => type === "UdpDatagram")
    .map(messageOctets)
    .filter(({ length }) => length <= 0xff);
  const mapped = `${"00 ".repeat(10)} ff ff 7f 00 00 01`;
  const name = `09 ${hex(Buffer.from(NAME))}`;
  const destinations = ["01 7f 00 00 01", `04 ${mapped}`, `03 ${name}`, `03 09 ${hex(Buffer.from("127.0.0.1"))}`];
  const make = (frag: string, destination: string, data: string): Uint8Array =>
    octets(`00 00 ${frag} ${destination} 1f 90 ${data}`);
  const whole = destinations.map((destination) => make("00", destination, "61 62"));
  const sequences = destinations.map((destination) => [
    make("01", destination, "61"),
    make("02", destination, ""),
    make("83", destination, "62 63"),
  ]);
  const row = (datagrams: readonly Uint8Array[]): Uint8Array =>
    concat(...datagrams.flatMap((datagram) => [Uint8Array.of(datagram.length), datagram]));
  return [
    ...vectors.map((datagram) => row([datagram])),
    ...whole.map((datagram) => row([datagram, datagram])),
    ...sequences.map(row),
    row(whole),
    row([...whole.slice(0, 1), ...sequences.flat(), ...whole]),
    row(vectors.slice(0, 6)),
  ];
}
