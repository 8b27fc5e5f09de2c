import type { RemoteInfo } from "node:dgram";
import { FragmentReassembly } from "@sockskit/handshake";
import type { Question } from "@sockskit/policy";
import {
  type Address,
  type DomainAddress,
  type IpAddress,
  parseIpAddress,
  type UdpDatagram,
  unmapAddress,
  withPort,
} from "@sockskit/wire";
import type { Traffic } from "../relay/relay.ts";
import { familyOf, type Settings } from "../session/settings.ts";
import { ClientLock } from "./client-lock.ts";
import type { DatagramCounts, DropReason } from "./datagram-counts.ts";
import { DatagramCounter } from "./datagram-counter.ts";
import { type DatagramSocket, isAboutDatagram } from "./datagram-socket.ts";
import { Destination, Destinations, headerFor } from "./destinations.ts";
import type { FlowLane } from "./flow-lane.ts";
import type { Gate, Verdict } from "./gate.ts";
import { latin1, readAddress, readDatagram, startsWith } from "./incoming.ts";
import { NameBook } from "./name-book.ts";
import type { Outlet, OutletEvents } from "./outlet.ts";
import type { UpstreamOutlet, UpstreamOutletEvents } from "./upstream-outlet.ts";

/** What UDP over IPv4 carries at most, header of SOCKS included: 65535 without the headers of IPv4 and UDP. */
const MAX_PAYLOAD_IPV4: number = 0xffff - 20 - 8;
/** The same over IPv6, whose length does not count its own header. */
const MAX_PAYLOAD_IPV6: number = 0xffff - 8;

/** What an {@link Association} is made of. */
export interface AssociationOptions {
  readonly settings: Pick<Settings, "outbound" | "udp">;
  readonly question: Pick<Question, "client" | "destination">;
  readonly gate: Gate;
  /** Makes the way out. */
  readonly outlet: (events: OutletEvents) => Outlet;
  /** Makes the way out by an upstream. */
  readonly upstream: (name: string, events: UpstreamOutletEvents) => UpstreamOutlet;
  /** Relays for the association what it has decided on. */
  readonly lane?: FlowLane | undefined;
  /** The socket failed in a way that no datagram explains. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Relays the datagrams of one client (RFC 1928 section 7). What may not pass is dropped without a word and counted.
 *
 * The way of most datagrams, to the same destination as the one before and back, decodes nothing and copies nothing.
 */
export class Association implements Traffic {
  readonly #gate: Gate;
  readonly #lock: ClientLock;
  readonly #onFailure: AssociationOptions["onFailure"];
  readonly #fullCone: boolean;
  readonly #maxPayload: number;
  readonly #counter = new DatagramCounter();
  readonly #lane: FlowLane | undefined;
  readonly #destinations: Destinations;
  readonly #names: NameBook;
  readonly #outlet: Outlet;
  readonly #openUpstream: AssociationOptions["upstream"];
  readonly #upstreams = new Map<string, UpstreamOutlet>();
  #socket: Pick<DatagramSocket, "send" | "close"> | undefined;
  #reassembly: FragmentReassembly | undefined;
  /** The header of the client's last datagram, and where it led. */
  #lastHeader: Uint8Array | undefined;
  #last: Destination | undefined;
  /** Where the last answer came from. */
  #lastSource: Destination | undefined;

  constructor({ settings, question, gate, outlet, upstream, lane, onFailure }: AssociationOptions) {
    const { client, destination } = question;
    const { outbound, udp } = settings;
    this.#gate = gate;
    this.#lock = new ClientLock(client, destination);
    this.#onFailure = onFailure;
    this.#openUpstream = upstream;
    this.#lane = lane;
    this.#destinations = new Destinations((destination) => lane?.wasUsed(destination) === true);
    this.#fullCone = udp.fullCone;
    this.#maxPayload = client.type === "ipv4" ? MAX_PAYLOAD_IPV4 : MAX_PAYLOAD_IPV6;
    this.#names = new NameBook(outbound.resolver, familyOf(outbound), {
      onAnswer: (asked, addresses, data) => {
        try {
          this.#relayToName(asked, addresses, data);
        } catch (error) {
          this.onError(error as Error);
        }
      },
    });
    this.#outlet = outlet({
      onDatagram: (data, from) => this.#fromOutside(data, from),
      onError: (error) => this.onError(error),
      onDropped: (reason) => this.#counter.drop(reason),
    });
  }

  get bytesIn(): number {
    return this.#counter.bytesIn + (this.#lane?.figures.bytesIn ?? 0);
  }

  get bytesOut(): number {
    return this.#counter.bytesOut + (this.#lane?.figures.bytesOut ?? 0);
  }

  get datagrams(): DatagramCounts {
    return this.#counter.counts(this.#lane?.figures);
  }

  /** How many datagrams were relayed, both ways: what does not change is idle. */
  get relayed(): number {
    const counts = this.datagrams;
    return counts.in + counts.out;
  }

  /** Answers go through this socket, the one on which the client's datagrams come. */
  attach(socket: Pick<DatagramSocket, "send" | "close">): void {
    this.#socket = socket;
  }

  /** A datagram came where those of the client are awaited. */
  readonly fromClient = (message: Buffer, { address, port }: Pick<RemoteInfo, "address" | "port">): void => {
    if (!this.#lock.admits(address, port)) return this.#counter.drop("stranger");
    const lastHeader = this.#lastHeader;
    if (lastHeader !== undefined && startsWith(message, lastHeader)) {
      if (this.#reassembly !== undefined) this.#forgetFragments(this.#reassembly);
      const last = this.#last as Destination;
      this.#relay(last, message.subarray(lastHeader.length));
      return this.#offer(last, lastHeader);
    }
    const datagram = readDatagram(message);
    if (datagram === undefined) return this.#counter.drop("malformed");
    this.#lock.pin(address, port);
    const whole = this.#assemble(datagram);
    if (whole === undefined) return undefined;
    // A reassembled one has a header that is not the one of any datagram.
    const header = whole === datagram ? message.subarray(0, message.length - datagram.data.length) : undefined;
    return this.#route(whole, header);
  };

  /** Whether a datagram from there can be the client's. */
  admits({ address, port }: Pick<RemoteInfo, "address" | "port">): boolean {
    return this.#lock.admits(address, port);
  }

  /** A datagram of the client could not be read. */
  onMalformed(): void {
    this.#counter.drop("malformed");
  }

  /** The system refused to send a datagram to the client. */
  readonly onUnsent = (): void => this.#counter.drop("unsent");

  /** The system reported an error; one about a datagram that was sent before ends nothing. */
  readonly onError = (error: NodeJS.ErrnoException): void => {
    if (isAboutDatagram(error)) this.#counter.errors += 1;
    else this.#onFailure(error);
  };

  /** Frees a sequence of fragments that has waited too long. */
  tick(nowMs: number): void {
    if (this.#reassembly === undefined) return;
    const before = this.#reassembly.droppedCount;
    this.#reassembly.tick(nowMs);
    this.#counter.drop("fragment", this.#reassembly.droppedCount - before);
  }

  /** Closes everything. */
  close(): void {
    this.#socket?.close();
    this.#outlet.close();
    for (const upstream of this.#upstreams.values()) upstream.close();
    this.#names.close();
    this.#gate.leave();
  }

  #assemble(datagram: UdpDatagram): UdpDatagram | undefined {
    if (datagram.frag === 0x00 && this.#reassembly === undefined) return datagram;
    const reassembly = (this.#reassembly ??= new FragmentReassembly());
    const before = reassembly.droppedCount;
    const whole = reassembly.receive(datagram, performance.now());
    this.#counter.drop("fragment", reassembly.droppedCount - before);
    return whole;
  }

  /** A whole datagram abandons what was begun before it. */
  #forgetFragments(reassembly: FragmentReassembly): void {
    const before = reassembly.droppedCount;
    reassembly.clear();
    this.#counter.drop("fragment", reassembly.droppedCount - before);
  }

  /** Finds out where a datagram goes. */
  #route({ atyp, dstAddr, dstPort, data }: UdpDatagram, header: Uint8Array | undefined): void {
    const key = `${atyp} ${dstPort} ${latin1(dstAddr)}`;
    const known = this.#destinations.named(key);
    if (known !== undefined) {
      if (header !== undefined) this.#remember(known, header);
      this.#relay(known, data);
      return header === undefined ? undefined : this.#offer(known, header);
    }
    const asked = readAddress(atyp, dstAddr, dstPort);
    if (asked === undefined) return this.#counter.drop("malformed");
    if (asked.type !== "domain") return this.#relay(this.#add(key, asked, asked, this.#gate.judge(asked, asked)), data);
    const verdict = this.#gate.judgeName(asked);
    if (verdict !== "look-up") {
      if (verdict.drop !== undefined) return this.#counter.drop(verdict.drop);
      return this.#relay(this.#add(key, asked, undefined, verdict), data);
    }
    const answer = this.#names.ask(asked, data);
    if (answer === "waiting") return undefined;
    if (answer === "full") return this.#counter.drop("limit");
    return this.#relayToName(asked, answer, data, key);
  }

  /** The first address of a name that the rules allow is the one that all datagrams for it go to. */
  #relayToName(asked: DomainAddress, addresses: readonly IpAddress[], data: Uint8Array, key?: string): void {
    if (addresses.length === 0) return this.#counter.drop("unresolved");
    const place = key ?? nameKey(asked);
    const known = this.#destinations.named(place);
    if (known !== undefined) return this.#relay(known, data);
    for (const found of addresses) {
      const address = withPort(unmapAddress(found), asked.port);
      const verdict = this.#gate.judge(asked, address);
      if (verdict.drop === undefined) return this.#relay(this.#add(place, asked, address, verdict), data);
    }
    return this.#counter.drop("denied");
  }

  #add(key: string, asked: Address, address: IpAddress | undefined, verdict: Verdict): Destination {
    const destination = new Destination(asked, address, verdict);
    const forgotten = this.#destinations.add(key, destination);
    // The short ways are closed too: on them it would never be remembered again.
    if (forgotten !== undefined && forgotten === this.#last) this.#last = this.#lastHeader = undefined;
    if (forgotten !== undefined && forgotten === this.#lastSource) this.#lastSource = undefined;
    if (forgotten !== undefined) this.#lane?.forget(forgotten);
    return destination;
  }

  /** Has others relay what nothing is to be asked about: it goes directly, and no rate holds for it. */
  #offer(destination: Destination, header: Uint8Array): void {
    const { address, verdict } = destination;
    if (this.#lane === undefined || address === undefined || !this.#gate.isCurrent(verdict)) return;
    if (verdict.drop !== undefined || verdict.bucket !== undefined || verdict.via !== undefined) return;
    const client = parseIpAddress(this.#lock.host, this.#lock.port);
    if (client !== undefined) this.#lane.offer(destination, address, header, client);
  }

  #remember(destination: Destination, header: Uint8Array): void {
    this.#last = destination;
    // A copy: the view would keep the whole datagram in memory.
    this.#lastHeader = new Uint8Array(header);
  }

  #relay(destination: Destination, data: Uint8Array): void {
    const reason = this.#check(destination, data.length) ?? this.#send(destination, data);
    if (reason !== undefined) return this.#counter.drop(reason);
    this.#counter.in += 1;
    this.#counter.bytesIn += data.length;
  }

  #send({ verdict: { via }, asked, address }: Destination, data: Uint8Array): DropReason | undefined {
    if (via !== undefined) return this.#upstreamNamed(via).send(data, address ?? asked);
    return address === undefined ? "unresolved" : this.#outlet.send(data, address);
  }

  #upstreamNamed(name: string): UpstreamOutlet {
    let outlet = this.#upstreams.get(name);
    if (outlet === undefined) {
      outlet = this.#openUpstream(name, {
        onAnswer: (data, source) => this.#fromUpstream(name, data, source),
        onDropped: (reason) => this.#counter.drop(reason),
      });
      this.#upstreams.set(name, outlet);
    }
    return outlet;
  }

  #fromOutside(data: Buffer, from: RemoteInfo): void {
    const source = this.#sourceOf(from);
    if (source === undefined) return this.#counter.drop("unsolicited");
    return this.#toClient(source, source.header, data, undefined);
  }

  /** An upstream tells addresses, also of names that it looked up; some tell names. */
  #fromUpstream(via: string, data: Buffer, told: Address): void {
    try {
      const { port } = told;
      if (told.type === "domain") {
        const source = this.#destinations.named(nameKey(told));
        if (source === undefined) return this.#counter.drop("unsolicited");
        return this.#toClient(source, headerFor(told), data, via);
      }
      const address = unmapAddress(told);
      const known = this.#destinations.at(address.host, port);
      if (known !== undefined) return this.#toClient(known, known.header, data, via);
      const named = this.#destinations.passedOn(port);
      const source = named ?? (this.#fullCone ? this.#uninvited(address) : undefined);
      if (source === undefined) return this.#counter.drop("unsolicited");
      return this.#toClient(source, headerFor(address), data, via);
    } catch (error) {
      return this.onError(error as Error);
    }
  }

  /** @param via How the answer came: the way on which the question went. */
  #toClient(source: Destination, header: Uint8Array, data: Buffer, via: string | undefined): void {
    if (header.length + data.length > this.#maxPayload) return this.#counter.drop("tooLong");
    const reason = this.#check(source, data.length);
    if (reason !== undefined) return this.#counter.drop(reason);
    if (source.verdict.via !== via) return this.#counter.drop("unsolicited");
    // Two parts: the system gathers them, and nothing is copied here.
    const sent = this.#socket?.send([header, data], this.#lock.port, this.#lock.host) ?? false;
    if (!sent) return this.#counter.drop("limit");
    this.#counter.out += 1;
    this.#counter.bytesOut += data.length;
    return undefined;
  }

  /** Who sent an answer, if anybody asked for one. */
  #sourceOf({ address, port, family }: RemoteInfo): Destination | undefined {
    const last = this.#lastSource;
    if (last?.address !== undefined && last.address.port === port && last.address.host === address) return last;
    let source = this.#destinations.at(address, port);
    if (source === undefined && (family === "IPv6" || this.#fullCone)) {
      // The system and we may write an IPv6 address differently.
      const canonical = parseIpAddress(address, port);
      source = canonical === undefined ? undefined : this.#destinations.at(canonical.host, port);
      if (source === undefined && canonical !== undefined && this.#fullCone) return this.#uninvited(canonical);
    }
    this.#lastSource = source;
    return source;
  }

  /** Somebody whom the client has not written to; the rules that hold for writing to it hold for hearing of it. */
  #uninvited(address: IpAddress): Destination {
    return new Destination(address, address, this.#gate.judge(address, address));
  }

  /** Why nothing passes between the client and a destination, if so. */
  #check(destination: Destination, length: number): DropReason | undefined {
    destination.isRecent = true;
    if (!this.#gate.isCurrent(destination.verdict)) {
      destination.verdict = this.#judge(destination);
    }
    const { drop, bucket } = destination.verdict;
    if (drop !== undefined || bucket === undefined || bucket.take(length)) return drop;
    return "limit";
  }

  #judge({ asked, address }: Destination): Verdict {
    if (address !== undefined) return this.#gate.judge(asked, address);
    const verdict = this.#gate.judgeName(asked as DomainAddress);
    if (verdict !== "look-up") return verdict;
    // New rules want the address of a name that was passed on: the next datagram for it begins anew.
    this.#destinations.forget(nameKey(asked as DomainAddress));
    this.#last = this.#lastHeader = undefined;
    return { policy: undefined, drop: "unresolved", bucket: undefined, via: undefined };
  }
}

/** What the client calls a name, as a key. */
function nameKey({ port, octets }: DomainAddress): string {
  return `3 ${port} ${latin1(octets)}`;
}
