import type { Socket } from "node:net";
import { CMD, type IpAddress } from "@sockskit/wire";
import { ServerError } from "../errors.ts";
import type { PreparedKeys } from "../gssapi/gssapi-keys.ts";
import type { Entrance } from "../session/host.ts";
import { resetSocket } from "../transport/reset.ts";
import { TlsGate } from "../transport/tls-gate.ts";
import { type ListenPlan, placeText } from "./listen-plan.ts";
import { Listener } from "./listener.ts";
import { setAccess } from "./unix-socket.ts";

/** An address that a server listens on. */
export interface ListeningAddress {
  /** The address; 127.0.0.1 for a Unix socket. */
  readonly host: string;
  /** The port, the one that was taken where 0 was asked for; 0 for a Unix socket. */
  readonly port: number;
  /** Path of a Unix socket. */
  readonly path?: string;
}

/** What a {@link ListenerSet} tells the server. */
export interface ListenerSetEvents {
  /** A client was accepted. */
  readonly onClient: (socket: Socket, client: IpAddress, entrance: Entrance) => void;
  /** Accepting failed; the listener goes on. */
  readonly onError: (error: Error) => void;
  /** A listener has its terms, the first ones or new ones. */
  readonly onTerms: (listener: Listener, plan: ListenPlan, entrance: Entrance) => void;
}

interface OpenListener {
  /** What it was asked for by last. */
  plan: ListenPlan;
  readonly listener: Listener;
  /** What new clients of it get. Absent until the whole set is taken; a reload replaces it. */
  entrance: Entrance | undefined;
}

/** The listeners of a server, replaced all at once or not at all. */
export class ListenerSet {
  readonly #events: ListenerSetEvents;
  #open: readonly OpenListener[] = [];

  constructor(events: ListenerSetEvents) {
    this.#events = events;
  }

  /** What is listened on, in the order of the plans. */
  get addresses(): readonly ListeningAddress[] {
    return this.#open.map(({ plan: { unix }, listener: { address } }) => {
      const { host, port } = address;
      return unix === undefined ? { host, port } : { host, port, path: unix.path };
    });
  }

  /** Those of them that are addresses of this host. */
  get ipAddresses(): readonly IpAddress[] {
    return this.#open.filter(({ plan }) => plan.unix === undefined).map(({ listener }) => listener.address);
  }

  /**
   * Opens what the plans want and is not open yet. Nothing else changes before the returned function is called with
   * true: then these listeners are the set, and those that are not among them close. False closes the new ones.
   *
   * @throws ServerError `ERR_SOCKS_LISTEN_FAILED`; then everything is as before.
   */
  async prepare(
    plans: readonly ListenPlan[],
    acceptors: PreparedKeys["acceptors"],
  ): Promise<(commit: boolean) => void> {
    const left = [...this.#open];
    const opened: OpenListener[] = [];
    const next: OpenListener[] = [];
    try {
      for (const plan of plans) {
        const index = left.findIndex((open) => isSamePlace(open.plan, plan));
        const [kept] = index === -1 ? [] : left.splice(index, 1);
        // eslint-disable-next-line no-await-in-loop -- one after the other: which port fails must be told
        next.push(kept ?? (await this.#openOne(plan, opened)));
      }
    } catch (error) {
      for (const { listener } of opened) listener.close();
      throw error;
    }
    return (commit) => {
      for (const { listener } of commit ? left : opened) listener.close();
      if (!commit) return;
      for (const [index, open] of next.entries()) {
        const plan = plans[index] as ListenPlan;
        this.#grantAccess(open.plan, plan);
        open.plan = plan;
        open.entrance = entranceOf(open.listener, plan, acceptors);
        this.#events.onTerms(open.listener, plan, open.entrance);
      }
      this.#open = next;
    };
  }

  /** Closes all of them. Clients that were accepted stay. */
  close(): void {
    for (const { listener } of this.#open) listener.close();
    this.#open = [];
  }

  async #openOne(plan: ListenPlan, opened: OpenListener[]): Promise<OpenListener> {
    const listener = await Listener.open({
      address: plan.address,
      ipv6Only: plan.ipv6Only,
      unix: plan.unix,
      onClient: (socket, client) => {
        // Nobody is served by rules that do not know this listener yet.
        if (open.entrance === undefined) resetSocket(socket);
        else this.#events.onClient(socket, client, open.entrance);
      },
      onError: this.#events.onError,
    });
    const open: OpenListener = { plan, listener, entrance: undefined };
    opened.push(open);
    return open;
  }

  /** A socket stays where it is while its group or permissions change. */
  #grantAccess({ unix: before }: ListenPlan, { unix: after }: ListenPlan): void {
    if (after === undefined || (before?.mode === after.mode && before.group === after.group)) return;
    try {
      setAccess(after.path, after);
    } catch (cause) {
      const message = `the permissions of unix:${after.path} could not be changed: ${(cause as Error).message}`;
      this.#events.onError(new ServerError("ERR_SOCKS_LISTEN_FAILED", message, { cause }));
    }
  }
}

function isSamePlace(a: ListenPlan, b: ListenPlan): boolean {
  return a.ipv6Only === b.ipv6Only && placeText(a) === placeText(b);
}

/** Commands that there is a task for. */
const COMMANDS: readonly number[] = [CMD.connect, CMD.bind, CMD.udpAssociate, CMD.resolve, CMD.resolvePtr];

function entranceOf({ address }: Listener, plan: ListenPlan, acceptors: PreparedKeys["acceptors"]): Entrance {
  const { methods, ssl, versions, advertise, unix, proxyFrom } = plan;
  const tls = plan.tls === undefined ? undefined : new TlsGate(plan.tls);
  return {
    address,
    path: unix?.path,
    proxyFrom,
    tls,
    ssl,
    gssapi: plan.gssapi && acceptors.get(plan.gssapi),
    advertise,
    handshake: { authMethods: methods, versions, commands: COMMANDS },
  };
}
