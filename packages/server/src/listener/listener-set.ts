import type { Socket } from "node:net";
import { CMD, formatAddress, type IpAddress } from "@sockskit/wire";
import type { Entrance } from "../session/host.ts";
import type { ListenPlan } from "./listen-plan.ts";
import { Listener } from "./listener.ts";

/** What a {@link ListenerSet} tells the server. */
export interface ListenerSetEvents {
  /** A client was accepted. */
  readonly onClient: (socket: Socket, client: IpAddress, entrance: Entrance) => void;
  /** Accepting failed; the listener goes on. */
  readonly onError: (error: Error) => void;
}

interface OpenListener {
  readonly plan: ListenPlan;
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

  /** Addresses and ports that are listened on, in the order of the plans. */
  get addresses(): readonly IpAddress[] {
    return this.#open.map(({ listener }) => listener.address);
  }

  /**
   * Opens what the plans want and is not open yet. Nothing else changes before the returned function is called with
   * true: then these listeners are the set, and those that are not among them close. False closes the new ones.
   *
   * @throws ServerError `ERR_SOCKS_LISTEN_FAILED`; then everything is as before.
   */
  async prepare(plans: readonly ListenPlan[]): Promise<(commit: boolean) => void> {
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
      for (const [index, open] of next.entries()) open.entrance = entranceOf(open.listener, plans[index] as ListenPlan);
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
      onClient: (socket, client) => {
        // Nobody is served by rules that do not know this listener yet.
        if (open.entrance === undefined) socket.resetAndDestroy();
        else this.#events.onClient(socket, client, open.entrance);
      },
      onError: this.#events.onError,
    });
    const open: OpenListener = { plan, listener, entrance: undefined };
    opened.push(open);
    return open;
  }
}

function isSamePlace(a: ListenPlan, b: ListenPlan): boolean {
  return a.ipv6Only === b.ipv6Only && formatAddress(a.address) === formatAddress(b.address);
}

/** Commands that there is a task for. */
const COMMANDS: readonly number[] = [CMD.connect, CMD.bind, CMD.udpAssociate, CMD.resolve, CMD.resolvePtr];

function entranceOf({ address }: Listener, { methods, versions, advertise }: ListenPlan): Entrance {
  return { address, advertise, handshake: { authMethods: methods, versions, commands: COMMANDS } };
}
