import { decideCommand } from "@sockskit/policy";
import { withPort } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import { clientKey } from "../limits/client-key.ts";
import type { LaneEntry } from "../limits/deadline-lane.ts";
import { denialOf, fullDenial, ruleOf } from "../session/rule-share.ts";
import type { Task, TaskContext } from "../session/task.ts";
import { associateVia } from "../upstream/associate-through.ts";
import type { ClientCredentials } from "../upstream/client-credentials.ts";
import { Association } from "./association.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import type { FlowLane } from "./flow-lane.ts";
import { Gate } from "./gate.ts";
import { DirectOutlet } from "./outlet.ts";
import { ProtectedDatagrams } from "./protected-datagrams.ts";
import { type OpenUpstream, UpstreamOutlet } from "./upstream-outlet.ts";

/**
 * UDP ASSOCIATE: relays datagrams until the TCP connection that asked for it ends (RFC 1928 sections 6 and 7), or until
 * none has passed for long.
 */
export class AssociateTask implements Task, LaneEntry {
  readonly #context: TaskContext;
  readonly #key: string;
  readonly #gate: Gate;
  #association: Association | undefined;
  #credentials: ClientCredentials | undefined;
  #hasPlace = false;
  #isOver = false;
  #relayed = 0;
  #activeAtMs = performance.now();

  constructor(context: TaskContext) {
    this.#context = context;
    this.#key = clientKey(context.question.client);
    this.#gate = new Gate(context.host, context.question);
  }

  start(): void {
    const context = this.#context;
    this.#credentials = context.takeCredentials();
    const allowed = decideCommand(context.policy, context.question);
    if (allowed.outcome === "deny") return context.deny(denialOf(allowed));
    const full = this.#fullLimit();
    if (full !== undefined) return context.deny({ code: "ERR_SOCKS_LIMIT", reason: full, rule: undefined });
    // A rule about some destinations limits what goes there; one about all of them limits associations.
    const { to, ports } = ruleOf(context.policy, allowed);
    const isOfEverything = to === undefined && ports === undefined;
    if (isOfEverything && !this.#gate.enter(allowed, context.policy)) return context.deny(fullDenial(allowed));
    this.#hasPlace = true;
    context.host.associations.add(this.#key);
    context.host.tally.associations += 1;
    void this.#open().catch((error: unknown) => context.run(() => context.fail(error as Error)));
    return undefined;
  }

  /** There is nothing to say on this connection: what the client sends is read and thrown away. */
  receive(): boolean {
    return true;
  }

  /** The association ends with its TCP connection, and a FIN is its end. */
  clientEnded(): void {
    this.#context.close("finished");
  }

  stop(): void {
    this.#isOver = true;
    const { host, settings } = this.#context;
    settings.lanes.udp.delete(this);
    this.#association?.close();
    this.#gate.leave();
    if (!this.#hasPlace) return;
    host.associations.remove(this.#key);
    host.tally.associations -= 1;
  }

  /** Asked now and then whether it may go on. */
  expired(nowMs: number): boolean {
    const association = this.#association;
    if (association === undefined) return false;
    association.tick(nowMs);
    if (association.relayed !== this.#relayed) {
      this.#relayed = association.relayed;
      this.#activeAtMs = nowMs;
      return true;
    }
    if (nowMs - this.#activeAtMs < this.#context.settings.timeouts.udpMs) return true;
    this.#context.run(() => this.#context.close("idle"));
    return false;
  }

  #fullLimit(): string | undefined {
    const { host, settings } = this.#context;
    const { associations, associationsPerClient } = settings.limits;
    if (host.tally.associations >= associations) return "the limit of associations is reached";
    if (host.associations.get(this.#key) < associationsPerClient) return undefined;
    return "the limit of associations of one client is reached";
  }

  /** By the settings of that moment: the rules that name the upstream are of that moment as well. */
  async #openUpstream(
    name: string,
    ...[signal, onMessage, onClosed]: Parameters<OpenUpstream>
  ): ReturnType<OpenUpstream> {
    const context = this.#context;
    const { host, question } = context;
    const { settings } = host;
    const deadlineMs = performance.now() + settings.timeouts.connectMs;
    const use = { host, settings, deadlineMs, signal, client: question.client, credentials: this.#credentials };
    const opened = await associateVia(name, use, { onMessage, onClosed });
    context.run(() => context.goesVia(opened.via));
    return opened;
  }

  /** Where a rule has a limit or names an upstream, most datagrams are looked at here; so they come here at once. */
  #lane(): FlowLane | undefined {
    const { host, policy, localAddress, datagrams } = this.#context;
    const isPlain = policy.rules.every(({ limit, via }) => limit === undefined && via === undefined);
    // Only this thread can take protection off, and put it on.
    if (datagrams !== undefined) return undefined;
    // The zone of an address is known by Node's sockets only.
    const hasZone = localAddress.type === "ipv6" && localAddress.zone !== undefined;
    return isPlain && !hasZone ? host.openLane() : undefined;
  }

  async #open(): Promise<void> {
    const context = this.#context;
    const { host, settings, question, localAddress } = context;
    const lane = this.#lane();
    const association = new Association({
      settings,
      lane,
      question,
      gate: this.#gate,
      outlet: (events) => lane?.outlet(settings.outbound, events) ?? new DirectOutlet(settings.outbound, events),
      upstream: (name, events) => new UpstreamOutlet((...opening) => this.#openUpstream(name, ...opening), events),
      onFailure: (cause) => context.run(() => fail(cause)),
    });
    const { onUnsent, onError } = association;
    const guard = context.datagrams && new ProtectedDatagrams(context.datagrams, association);
    const onDatagram = guard?.onDatagram ?? association.fromClient;
    const isIpv4 = localAddress.type === "ipv4";
    // On the address that the client came to, and on no other: nobody elsewhere has anything to send here.
    const zone = isIpv4 || localAddress.zone === undefined ? "" : `%${localAddress.zone}`;
    const place = {
      type: isIpv4 ? "udp4" : "udp6",
      host: `${localAddress.host}${zone}`,
      ports: settings.udp.ports,
    } as const;
    const onFailure = (cause: Error): void => void context.run(() => fail(cause));
    const socket = await (lane?.open(localAddress, settings.udp.ports, { onDatagram, onError, onFailure }) ??
      DatagramSocket.open(place, { onDatagram, onUnsent, onError }));
    association.attach(guard?.over(socket) ?? socket);
    if (this.#isOver) return association.close();
    this.#association = association;
    context.run(() => {
      this.#activeAtMs = performance.now();
      settings.lanes.udp.add(this);
      host.tally.associated += 1;
      context.carry(association);
      context.listening(withPort(localAddress, socket.port), "association", true);
    });
  }
}

/** Ends the session: its socket is of no use any more. */
function fail(cause: Error): never {
  throw new ServerError("ERR_SOCKS_SESSION_FAILED", `the socket for datagrams failed: ${cause.message}`, { cause });
}
