import { noneServer, userPassServer } from "@sockskit/auth";
import { compilePolicy } from "@sockskit/policy";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { COUNTER, COUNTER_COUNT, type HandedOver, type LoopEnd, type LoopHost } from "../../src/loop/host.ts";
import { Loop } from "../../src/loop/loop.ts";
import type { Session } from "../../src/loop/session.ts";
import type { End } from "./connection.ts";
import { type Faults, SimulatedKernel } from "./kernel.ts";
import { Random } from "./random.ts";
import { Talker } from "./talker.ts";

/** What may be different from the way it should be. */
export interface Tampering {
  /** Puts something between the loop and its kernel. */
  readonly kernel?: (kernel: SimulatedKernel) => Kernel;
  /** Changes the loop itself. */
  readonly loop?: (loop: Loop) => void;
}

/** What came of one schedule. */
export interface Outcome {
  /** Everything that was not as it must be. */
  readonly problems: readonly string[];
  /** The order of what happened, to compare two runs of one seed. */
  readonly trace: readonly string[];
  readonly finished: number;
}

type Command = "connect" | "name" | "bind" | "silence";

interface Visit {
  readonly client: Client;
  readonly target: Talker;
  readonly command: Command;
  readonly fate: "accepted" | "refused" | "silent";
  readonly isLoggedIn: boolean;
}

const TIMEOUTS = { handshakeMs: 10_000, connectMs: 30_000, idleMs: 3_600_000, lingerMs: 5_000 };
const MAX_TURNS = 200_000;

/** Runs one schedule, which its seed decides whole. */
export function simulate(seed: number, tampering: Tampering = {}): Outcome {
  const random = new Random(seed);
  const isHarsh = random.chance(0.25);
  const faults: Faults = {
    interrupted: random.pick([0, 0.02, 0.2]),
    shortTransfer: random.pick([0, 0.1, 0.5]),
    spurious: random.pick([0, 0.1, 0.5]),
    descriptors: isHarsh ? random.int(6, 20) : 10_000,
    noPipe: random.pick([0, 0, 0.5, 1]),
    noSocket: isHarsh ? random.pick([0, 0.3]) : 0,
  };
  const isBulk = random.chance(0.1);
  const simulated = new SimulatedKernel(random, faults, isBulk ? 100_000 : random.pick([1_000, 20_000, 200_000]));
  return new World(random, simulated, { isHarsh, isBulk }, tampering).run();
}

class World implements LoopHost {
  readonly #random: Random;
  readonly #kernel: SimulatedKernel;
  /** Whether the system has less than everybody wants. */
  readonly #isHarsh: boolean;
  /** Whether everybody has much to say. */
  readonly #isBulk: boolean;
  readonly #loop: Loop;
  readonly #counters = new Float64Array(COUNTER_COUNT);
  readonly #visits: Visit[] = [];
  readonly #answers: (() => void)[] = [];
  readonly #trace: string[] = [];
  readonly #problems: string[] = [];
  readonly #open = new Map<number, Session>();
  readonly #ends = new Map<number, LoopEnd & { readonly bytesIn: number; readonly bytesOut: number }>();
  readonly #listener: number;
  readonly #tunnels = new Set<string>();
  #lastId = 0;

  constructor(
    random: Random,
    kernel: SimulatedKernel,
    { isHarsh, isBulk }: { readonly isHarsh: boolean; readonly isBulk: boolean },
    tampering: Tampering,
  ) {
    this.#random = random;
    this.#kernel = kernel;
    this.#isHarsh = isHarsh;
    this.#isBulk = isBulk;
    this.#listener = kernel.listen();
    kernel.elsewhere = () => this.#elsewhere();
    kernel.onConnect = (address, end) => this.#connectTarget(address, end);
    const policy = compilePolicy({ rules: [{ action: "allow" }] });
    const limits = { sessions: 1_000, perClient: 1_000, handshakes: 1_000 };
    this.#loop = new Loop(tampering.kernel?.(kernel) ?? kernel, this, this.#counters, {
      policy,
      timeouts: TIMEOUTS,
      limits,
      family: "auto",
      localAddress: undefined,
      ownPorts: [],
      plainRules: [true],
      leavesAll: false,
      identifies: false,
    });
    tampering.loop?.(this.#loop);
    const authMethods = [userPassServer(), noneServer()];
    const address = parseIpAddress("127.0.0.1", 1080) as IpAddress;
    this.#loop.open(1, this.#listener, { address, handshake: { authMethods, commands: [1, 2, 3] } });
    const count = random.int(1, 10);
    for (let number = 0; number < count; number++) this.#visits.push(this.#plan(number));
  }

  run(): Outcome {
    try {
      this.#runToTheEnd();
    } catch (error) {
      this.#problems.push(`it threw ${error instanceof Error ? error.stack : String(error)}`);
    }
    return {
      problems: [...this.#problems, ...this.#kernel.violations],
      trace: this.#trace,
      finished: [...this.#ends.values()].filter(({ reason }) => reason === "finished").length,
    };
  }

  #runToTheEnd(): void {
    const loop = this.#loop;
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      loop.turn();
      for (const answer of this.#answers.splice(0)) answer();
      const isOver = this.#visits.every(
        ({ client, target }) => client.isDone && (target.isDone || target.end === undefined),
      );
      if (isOver && loop.sessions.size === 0) break;
    }
    loop.shut();
    if (loop.sessions.size > 0) this.#problems.push(`${loop.sessions.size} sessions never end`);
    loop.pipes.close();
    const left = this.#kernel.open.filter((fd) => fd !== loop.epoll);
    if (left.length > 0) this.#problems.push(`descriptors are left open: ${left.join(", ")}`);
    for (const name of ["sessions", "handshakes", "tunnels"] as const) {
      if (this.#counters[COUNTER[name]] !== 0)
        this.#problems.push(`${name} is ${this.#counters[COUNTER[name]]} at the end`);
    }
    if (this.#open.size > 0) this.#problems.push(`${this.#open.size} sessions have no end`);
    for (const visit of this.#visits) this.#judge(visit);
  }

  #judge({ client, target, command, fate, isLoggedIn }: Visit): void {
    const number = client.plan.sends / 2;
    const wrong = (what: string): void => void this.#problems.push(`visit ${number}: ${what}`);
    for (const talker of [client, target]) if (talker.problem !== undefined) wrong(talker.problem);
    if (client.received > target.sent || target.received > client.sent) wrong("more was received than sent");
    const isTunnel = this.#tunnels.has(`192.0.2.${number}`);
    if (isTunnel && client.hasReset && target.sawEnd && !client.end?.outgoing.ended)
      wrong("a reset became an end for the target");
    if (isTunnel && target.hasReset && client.sawEnd && !target.end?.outgoing.ended)
      wrong("a reset became an end for the client");
    const isPlain =
      !this.#isHarsh &&
      (command === "connect" || command === "name") &&
      fate === "accepted" &&
      isLoggedIn &&
      !client.hasReset &&
      !target.hasReset;
    if (!isPlain) return;
    if (client.sawReset || target.sawReset) return wrong("a connection was reset");
    if (target.received !== client.plan.length) wrong(`the target got ${target.received} of ${client.plan.length}`);
    if (client.received !== target.plan.length) wrong(`the client got ${client.received} of ${target.plan.length}`);
    if (!client.sawEnd || !target.sawEnd) wrong("an end did not arrive");
    const end = [...this.#ends.values()].find(
      ({ reason, bytesIn, bytesOut }) =>
        reason === "finished" && bytesIn === client.plan.length && bytesOut === target.plan.length,
    );
    if (end === undefined) wrong("no session was counted like that");
  }

  #plan(number: number): Visit {
    const random = this.#random;
    const length = (): number => random.pick(this.#isBulk ? [150_000, 300_000] : [0, 1, 200, 5_000, 70_000]);
    const lengths = [length(), length()] as const;
    const resetOf = (most: number): number | undefined => (random.chance(0.25) ? random.int(0, most) : undefined);
    const laziness = random.pick([0, 0.3, 0.9]);
    const command = this.#isBulk
      ? "connect"
      : random.pick<Command>(["connect", "connect", "connect", "name", "name", "bind", "silence"]);
    const method = random.pick(["none", "right", "right", "wrong"] as const);
    const client = new Client(
      { sends: number * 2, length: lengths[0], expects: number * 2 + 1, resetsAfter: resetOf(lengths[0]), laziness },
      random,
      number,
      command,
      method,
    );
    const target = new Talker(
      { sends: number * 2 + 1, length: lengths[1], expects: number * 2, resetsAfter: resetOf(lengths[1]), laziness },
      random,
    );
    const fate = random.pick(["accepted", "accepted", "accepted", "refused", "silent"] as const);
    return { client, target, command, fate, isLoggedIn: method !== "wrong" };
  }

  /** One thing happens outside of the loop. */
  #elsewhere(): boolean {
    const random = this.#random;
    const deeds = [
      () => {
        const isPending = this.#kernel.pending.some(({ address }) => this.#visitOf(address)?.fate !== "silent");
        if (this.#kernel.pending.length > 0) this.#kernel.settleOne();
        return isPending;
      },
      () => {
        const next = this.#visits.find(({ client }) => client.end === undefined);
        if (next === undefined) return false;
        const number = next.client.plan.sends / 2;
        next.client.end = this.#kernel.arrive(this.#listener, parseIpAddress(`192.0.2.${number}`, 1_000) as IpAddress);
        return true;
      },
      ...this.#visits.flatMap(({ client, target }) => [() => client.step(), () => target.step()]),
    ];
    const first = random.int(0, deeds.length - 1);
    for (let i = 0; i < deeds.length; i++) if (deeds[(first + i) % deeds.length]?.() === true) return true;
    return false;
  }

  #visitOf(address: IpAddress): Visit | undefined {
    return this.#visits[address.port - 1];
  }

  #connectTarget(address: IpAddress, end: End): "accepted" | "refused" | "silent" {
    const visit = this.#visitOf(address);
    if (visit === undefined) return "refused";
    if (visit.fate === "accepted") visit.target.end = end;
    return visit.fate;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  known(): undefined {
    return undefined;
  }

  verify(session: Session, username: Uint8Array): void {
    const user = Buffer.from(username).toString() === "right" ? { name: "right", groups: [] } : undefined;
    this.#later(() => session.verdict(user));
  }

  resolve(session: Session, name: string): void {
    const addresses = [parseIpAddress("203.0.113.5") as IpAddress, parseIpAddress("2001:db8::5") as IpAddress];
    this.#later(() => session.resolved(name === "a.example" ? { addresses } : { code: "ENOTFOUND", rep: 4 }));
  }

  #later(answer: () => void): void {
    if (this.#random.chance(0.5)) this.#answers.push(answer);
    else this.#answers.push(() => this.#answers.push(answer));
  }

  cancel(): void {}

  handOver({ id, received = new Uint8Array(0), client }: HandedOver): void {
    this.#note(id, "handed over");
    this.#open.delete(id);
    this.#loop.forget(id);
    const visit = this.#visits.find(({ client: other }) => client.host === `192.0.2.${other.plan.sends / 2}`);
    const said = visit?.client.said ?? new Uint8Array(0);
    // What it sent behind its request is part of it.
    if (received.length < said.length || !said.every((octet, i) => received[i] === octet)) {
      this.#problems.push(`session ${id} was handed over with other octets than the client sent`);
    }
  }

  opened(session: Session): void {
    this.#open.set(session.id, session);
    this.#note(session.id, "opened");
  }

  authenticated(session: Session, method: string): void {
    this.#note(session.id, `authenticated ${method}`);
  }

  denied(session: Session, { code }: { readonly code: string }): void {
    this.#note(session.id, `denied ${code}`);
  }

  turnedAway(id: number): void {
    this.#note(id, "turned away");
  }

  connected(session: Session, _destination: unknown, address: IpAddress): void {
    this.#tunnels.add(session.client.host);
    this.#note(session.id, `connected ${address.host} ${address.port}`);
  }

  closed(session: Session, end: LoopEnd): void {
    if (!this.#open.delete(session.id)) this.#problems.push(`session ${session.id} ended twice`);
    this.#ends.set(session.id, { ...end, bytesIn: session.bytesIn, bytesOut: session.bytesOut });
    this.#note(session.id, `closed ${end.reason} ${session.bytesIn} ${session.bytesOut}`);
  }

  failed(session: Session, cause: unknown): void {
    this.#problems.push(`session ${session.id} failed: ${cause instanceof Error ? cause.stack : String(cause)}`);
  }

  acceptFailed(errno: number): void {
    this.#note(0, `accept failed with ${errno}`);
  }

  #note(id: number, what: string): void {
    this.#trace.push(`${this.#kernel.calls} ${id} ${what}`);
  }
}

/** A talker that speaks SOCKS first. */
class Client extends Talker {
  /** What it says before the tunnel. */
  readonly said: Uint8Array;
  readonly #isHasty: boolean;
  readonly #expected: readonly number[];
  readonly #randomness: Random;
  #saidCount = 0;
  #heard = 0;

  constructor(
    plan: Talker["plan"],
    random: Random,
    number: number,
    command: Command,
    method: "none" | "right" | "wrong",
  ) {
    super(plan, random);
    this.#randomness = random;
    this.#isHasty = random.chance(0.5) && command !== "silence";
    const port = [0, number + 1];
    const greeting = method === "none" ? [5, 1, 0] : [5, 1, 2];
    const login = method === "none" ? [] : [1, 5, ...Buffer.from(method), 1, 0x70];
    const address = command === "name" ? [3, 9, ...Buffer.from("a.example")] : [1, 203, 0, 113, 5];
    const request = [5, command === "bind" ? 2 : 1, 0, ...address, ...port];
    const all = [...greeting, ...login, ...request];
    this.said = Uint8Array.from(command === "silence" ? all.slice(0, random.int(0, all.length - 1)) : all);
    // Method, status of the log-in, reply with the address of the simulated kernel.
    this.#expected = [
      5,
      method === "none" ? 0 : 2,
      ...(method === "none" ? [] : [1, 0]),
      5,
      0,
      0,
      1,
      192,
      0,
      2,
      7,
      16,
      146,
    ];
  }

  override step(): boolean {
    const { end } = this;
    if (end === undefined || this.isDone) return false;
    if (this.#heard === this.#expected.length && this.#saidCount === this.said.length) return super.step();
    return (
      this.#speak(end) || this.#hear(end) || (this.#isHasty && this.#saidCount === this.said.length && super.step())
    );
  }

  protected override canReceive(): boolean {
    return this.#heard === this.#expected.length && super.canReceive(this.end as End);
  }

  #speak(end: End): boolean {
    if (this.#saidCount === this.said.length || end.outgoing.room === 0 || end.isReset) return false;
    const part = this.said.subarray(this.#saidCount, this.#saidCount + this.#randomness.pick([1, 3, 100]));
    this.#saidCount += end.send(part);
    return true;
  }

  #hear(end: End): boolean {
    const missing = this.#expected.length - this.#heard;
    if (end.incoming.length > 0) {
      for (const octet of end.receive(this.#randomness.int(1, missing))) {
        // Something else is a refusal: it only waits for the end then.
        if (octet !== this.#expected[this.#heard]) this.#refused = true;
        this.#heard = this.#refused ? 0 : this.#heard + 1;
      }
      return true;
    }
    if (end.isReset) this.sawReset = true;
    else if (end.incoming.ended) {
      this.sawEnd = true;
      end.finish();
    } else return false;
    return true;
  }

  #refused = false;
}
