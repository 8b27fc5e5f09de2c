import { compilePolicy } from "@sockskit/policy";
import { type IpAddress, parseAddress } from "@sockskit/wire";
import { Association } from "../../src/associate/association.ts";
import { Gate } from "../../src/associate/gate.ts";
import type { OutletEvents } from "../../src/associate/outlet.ts";
import type { SessionHost } from "../../src/session/host.ts";

const CLIENT = parseAddress("192.0.2.200", 40_000) as IpAddress;
const POLICY = compilePolicy({
  rules: [
    { action: "deny", to: ["198.51.100.0/24"], ports: ["1-1023"] },
    { action: "deny", to: ["*.secret.example"] },
    { action: "allow" },
  ],
});

/** An association without sockets, and what became of its datagrams. */
export interface World {
  readonly association: Association;
  readonly events: OutletEvents;
  readonly out: { readonly data: Uint8Array; readonly to: IpAddress }[];
  readonly back: { readonly parts: readonly Uint8Array[]; readonly port: number; readonly host: string }[];
  readonly failures: Error[];
  /** Names that were looked up. */
  readonly asked: string[];
}

/** Makes one. */
export function world(): World {
  const out: World["out"] = [];
  const back: World["back"] = [];
  const failures: Error[] = [];
  const asked: string[] = [];
  const resolve = (name: string): Promise<readonly IpAddress[]> => {
    asked.push(name);
    return Promise.resolve([]);
  };
  const question = { client: CLIENT, command: "udp-associate", destination: parseAddress("0.0.0.0", 0) } as const;
  const host = { settings: { policy: POLICY }, policyFor: () => POLICY } as unknown as SessionHost;
  let events: OutletEvents | undefined;
  const association = new Association({
    settings: {
      outbound: { localAddress: undefined, family: "auto", resolver: { resolve }, proxyProtocol: "off" },
      udp: { ports: undefined, fullCone: false },
    },
    question,
    gate: new Gate(host, question),
    outlet: (given) => {
      events = given;
      return {
        send: (data, to) => void out.push({ data, to }),
        close: () => undefined,
      };
    },
    upstream: () => {
      throw new TypeError("no rule names an upstream");
    },
    onFailure: (error) => failures.push(error),
  });
  association.attach({
    send: (parts, port, hostName) => back.push({ parts: parts as readonly Uint8Array[], port, host: hostName }) > 0,
    close: () => undefined,
  });
  return { association, events: events as OutletEvents, out, back, failures, asked };
}
