import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { FIGURE, FIGURE_COUNT, MAX_FLOWS, type RelayReport } from "../../src/datagrams/orders.ts";
import { RelayTable } from "../../src/datagrams/relay-table.ts";
import { LINUX } from "../../src/kernel/layout.ts";
import { COUNTER_COUNT, type LoopHost, type LoopSettings } from "../../src/loop/host.ts";
import { Loop } from "../../src/loop/loop.ts";
import type { DatagramEnd } from "../simulation/datagrams.ts";
import { type Faults, SimulatedKernel } from "../simulation/kernel.ts";
import { Random } from "../simulation/random.ts";

const ip = (host: string, port: number): IpAddress => parseIpAddress(host, port) as IpAddress;
const CLIENT = ip("192.0.2.1", 1_000);
const STRANGERS = [ip("192.0.2.2", 1_000), ip("192.0.2.1", 1_001)];
/** The owner allows even ports. */
const DESTINATIONS = [
  ip("203.0.113.1", 2),
  ip("203.0.113.1", 3),
  ip("203.0.113.2", 4),
  ip("2001:db8::1", 6),
  ip("2001:db8::1", 7),
];
/** What stands before a datagram, written out from RFC 1928 section 7. */
const header = ({ type, octets, port }: IpAddress, frag = 0): number[] => [
  0,
  0,
  frag,
  type === "ipv4" ? 1 : 4,
  ...octets,
  port >> 8,
  port & 0xff,
];
const NO_FAULTS = { interrupted: 0, shortBatch: 0, noRoom: 0, refused: 0 };
const FAULTS = { interrupted: 0.1, shortBatch: 0.5, noRoom: 0.05, refused: 0.05 };

/** A relay over a simulated kernel, and an owner that decides by the port. */
class World {
  readonly random: Random;
  readonly kernel: SimulatedKernel;
  readonly loop: Loop;
  readonly table: RelayTable;
  readonly figures: Float64Array = new Float64Array(FIGURE_COUNT);
  readonly used: Uint8Array = new Uint8Array(MAX_FLOWS);
  readonly ends: Record<"client" | "ipv4" | "ipv6", DatagramEnd>;
  /** What the owner was told and has not looked at. */
  readonly told: RelayReport[] = [];
  readonly seen: RelayReport[] = [];
  readonly written = new Set<string>();
  ownerDropped = 0;
  #slots = new Map<string, number>();

  constructor(seed: number, datagrams: Faults["datagrams"]) {
    this.random = new Random(seed);
    const faults = { interrupted: 0, shortTransfer: 0, spurious: 0.05, descriptors: 100, noPipe: 0, noSocket: 0 };
    this.kernel = new SimulatedKernel(this.random, { ...faults, ...(datagrams && { datagrams }) }, 1_000);
    this.loop = new Loop(this.kernel, {} as LoopHost, new Float64Array(COUNTER_COUNT), {} as LoopSettings);
    this.table = new RelayTable(this.loop, (_, report) => this.told.push(report), seed);
    const client = this.kernel.datagramSocket(LINUX.AF_INET);
    const ipv4 = this.kernel.datagramSocket(LINUX.AF_INET);
    const ipv6 = this.kernel.datagramSocket(LINUX.AF_INET6);
    const end = (fd: number): DatagramEnd => this.kernel.datagramEnd(fd);
    this.ends = { client: end(client), ipv4: end(ipv4), ipv6: end(ipv6) };
    this.table.obey(1, { type: "open", fd: client, figures: this.figures, used: this.used });
    this.table.obey(1, { type: "reach", side: "ipv4", fd: ipv4 });
    this.table.obey(1, { type: "reach", side: "ipv6", fd: ipv6 });
  }

  from(client: IpAddress, destination: IpAddress, data: readonly number[], frag = 0): void {
    this.ends.client.arrive({ data: Uint8Array.from([...header(destination, frag), ...data]), peer: client });
  }

  answer(source: IpAddress, data: readonly number[]): void {
    this.ends[source.type].arrive({ data: Uint8Array.from(data), peer: source });
  }

  turn(): void {
    this.loop.turn(0);
  }

  /** The owner looks at what it was told first. */
  own(): boolean {
    const report = this.told.shift();
    if (report === undefined) return false;
    this.seen.push(report);
    (this.figures[FIGURE.taken] as number) += 1;
    if (report.type !== "datagram") return true;
    const { side, data, from } = report;
    if (side !== "client") {
      // Nobody else is let in.
      if (!this.written.has(key(from))) this.ownerDropped += 1;
      else this.#send("client", [...header(from), ...data], CLIENT);
      return true;
    }
    const destination = DESTINATIONS.find((address) => header(address).every((octet, i) => data[i] === octet));
    if (key(from) !== key(CLIENT) || destination === undefined || destination.port % 2 === 1) {
      this.ownerDropped += 1;
      return true;
    }
    const octets = header(destination);
    this.#send(destination.type, [...data.subarray(octets.length)], destination);
    this.written.add(key(destination));
    this.flow(destination);
    return true;
  }

  flow(destination: IpAddress): number {
    const slot = this.#slots.get(key(destination)) ?? this.#slots.size;
    this.#slots.set(key(destination), slot);
    const octets = Uint8Array.from(header(destination));
    const flow = { slot, header: octets, address: destination, answerHeader: octets, client: CLIENT };
    this.table.obey(1, { type: "flow", flow });
    return slot;
  }

  #send(side: "client" | "ipv4" | "ipv6", data: readonly number[], to: IpAddress): void {
    (this.figures[FIGURE.ordered] as number) += 1;
    this.table.obey(1, { type: "send", side, data: Uint8Array.from(data), to });
  }
}

function key({ host, port }: IpAddress): string {
  return `${host} ${port}`;
}

const text = (octets: Iterable<number>): string => [...octets].join(" ");

/** One schedule, which its seed decides: everything that was not as it must be. */
function simulate(seed: number): string[] {
  const world = new World(seed, FAULTS);
  const { random, ends, figures } = world;
  const problems: string[] = [];
  let arrived = 0;
  const sent = new Map<string, IpAddress>();
  const answered = new Map<string, IpAddress>();
  for (let number = 0; number < 300; number++) {
    const mark = [number >> 8, number & 0xff];
    const destination = random.pick(DESTINATIONS);
    const deeds = [
      () => {
        sent.set(text(mark), destination);
        arrived += 1;
        world.from(CLIENT, destination, mark);
      },
      () => {
        arrived += 1;
        world.from(random.pick(STRANGERS), destination, [...mark, 0xff]);
      },
      () => {
        answered.set(text(mark), destination);
        arrived += 1;
        world.answer(destination, mark);
      },
      () => random.pick([ends.client, ends.ipv4, ends.ipv6]).fail(111),
      () => world.table.forgetFlows(),
      () => world.turn(),
      () => world.own(),
    ];
    random.pick(deeds)();
    if (random.chance(0.3)) world.turn();
    if (random.chance(0.2)) world.own();
  }
  for (let idle = 0; idle < 20; idle++) {
    world.turn();
    if (world.own() || [ends.client, ends.ipv4, ends.ipv6].some(({ incoming }) => incoming.length > 0)) idle = 0;
  }
  for (const side of ["ipv4", "ipv6"] as const) {
    for (const { data, peer } of ends[side].outgoing) {
      const destination = sent.get(text(data));
      if (destination === undefined || key(destination) !== key(peer) || peer.port % 2 === 1 || peer.type !== side)
        problems.push(`${text(data)} went to ${key(peer)}`);
      // Never twice.
      sent.delete(text(data));
    }
  }
  for (const { data, peer } of ends.client.outgoing) {
    if (key(peer) !== key(CLIENT)) problems.push(`an answer went to ${key(peer)}`);
    const mark = text(data.subarray(-2));
    const source = answered.get(mark);
    const isRight = source !== undefined && text(data) === text([...header(source), ...data.subarray(-2)]);
    if (!isRight || !world.written.has(key(source))) problems.push(`the client got ${text(data)}`);
    answered.delete(mark);
  }
  const at = (figure: keyof typeof FIGURE): number => figures[FIGURE[figure]] as number;
  const out = ends.client.outgoing.length + ends.ipv4.outgoing.length + ends.ipv6.outgoing.length;
  const lost = at("stranger") + at("limit") + at("tooLong") + at("unsent") + world.ownerDropped;
  if (out + lost !== arrived) problems.push(`${arrived} came, ${out} went, ${lost} were counted as lost`);
  const errors = at("errors") + world.seen.filter(({ type }) => type === "error").length;
  if (errors === 0 && world.kernel.datagrams.unsent.refused === 0) problems.push("no error was met");
  world.table.obey(1, { type: "close" });
  if (world.kernel.open.length !== 1) problems.push(`descriptors ${world.kernel.open.join()} are open`);
  return [...problems, ...world.kernel.violations];
}

describe("a relay of datagrams", () => {
  test("thousands of schedules: all go where they may, none twice, each is counted", () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const problems = simulate(seed);
      if (problems.length > 0) expect.fail(`seed ${seed}: ${problems.join("; ")}`);
    }
  }, 60_000);

  test("what was decided on goes both ways without its owner, and is counted", () => {
    const world = new World(1, NO_FAULTS);
    const [destination = CLIENT] = DESTINATIONS;
    const slot = world.flow(destination);
    for (let count = 0; count < 100; count++) world.from(CLIENT, destination, [count]);
    while (world.ends.client.incoming.length > 0) world.turn();
    world.answer(destination, [1, 2, 3]);
    for (let count = 0; count < 5; count++) world.turn();
    expect(world.ends.ipv4.outgoing.map(({ data }) => data[0])).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(world.ends.client.outgoing).toEqual([
      { data: Uint8Array.from([...header(destination), 1, 2, 3]), peer: CLIENT },
    ]);
    expect(world.told).toEqual([]);
    expect([...world.figures.subarray(0, 4)]).toEqual([100, 1, 100, 3]);
    expect(world.used[slot]).toBe(1);
  });

  test("an owner who does not look is not buried, and what was too much is counted", () => {
    const world = new World(1, NO_FAULTS);
    for (let count = 0; count < 200; count++) world.from(CLIENT, DESTINATIONS[0] as IpAddress, [count]);
    for (let count = 0; count < 50; count++) world.turn();
    expect(world.told.length).toBe(64);
    expect(world.figures[FIGURE.limit]).toBe(136);
  });

  test("a fragment goes to the owner, and so does the whole one after it, which ends its sequence", () => {
    const world = new World(1, NO_FAULTS);
    const [destination = CLIENT] = DESTINATIONS;
    world.flow(destination);
    world.from(CLIENT, destination, [1], 1);
    world.from(CLIENT, destination, [2]);
    world.from(CLIENT, destination, [3]);
    for (let count = 0; count < 5; count++) world.turn();
    expect(world.told.map((report) => report.type === "datagram" && report.data.at(-1))).toEqual([1, 2]);
    expect(world.ends.ipv4.outgoing.map(({ data }) => data[0])).toEqual([3]);
  });

  test("what is forgotten is asked about again, and its answers too, unless another name leads there", () => {
    const world = new World(1, NO_FAULTS);
    const [address = CLIENT] = DESTINATIONS;
    const named = Uint8Array.from([0, 0, 0, 3, 1, 0x61, 0, 2]);
    const answerHeader = Uint8Array.from(header(address));
    const slot = world.flow(address);
    world.table.obey(1, {
      type: "flow",
      flow: { slot: 9, header: named, address, answerHeader, client: CLIENT },
    });
    world.table.obey(1, { type: "forget", slot });
    world.from(CLIENT, address, [1]);
    world.ends.client.arrive({ data: Uint8Array.from([...named, 2]), peer: CLIENT });
    world.answer(address, [3]);
    for (let count = 0; count < 5; count++) world.turn();
    expect(world.told.length).toBe(1);
    expect(world.ends.ipv4.outgoing.map(({ data }) => data[0])).toEqual([2]);
    expect(world.ends.client.outgoing.length).toBe(1);
    world.table.obey(1, { type: "forget", slot: 9 });
    world.answer(address, [4]);
    for (let count = 0; count < 5; count++) world.turn();
    expect(world.told.length).toBe(2);
    expect(world.ends.client.outgoing.length).toBe(1);
  });

  test("an answer that does not fit with its header is dropped, one octet less passes", () => {
    const world = new World(1, NO_FAULTS);
    const [destination = CLIENT] = DESTINATIONS;
    world.flow(destination);
    world.answer(
      destination,
      Array.from({ length: 65_507 - 9 }, () => 1),
    );
    world.answer(
      destination,
      Array.from({ length: 65_507 - 10 }, () => 1),
    );
    for (let count = 0; count < 5; count++) world.turn();
    expect(world.figures[FIGURE.tooLong]).toBe(1);
    expect(world.ends.client.outgoing.map(({ data }) => data.length)).toEqual([65_507]);
  });
});
