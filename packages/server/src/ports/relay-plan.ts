import { badOption } from "../errors.ts";
import type { BindOptions, UdpOptions } from "../options.ts";
import { type PortRange, portRange } from "./port-range.ts";

/** How BIND is served, checked and with its defaults. */
export interface BindPlan {
  /** `undefined`: the system chooses. */
  readonly ports: PortRange | undefined;
  readonly allowAnyPeer: boolean;
}

/** How UDP ASSOCIATE is served, checked and with its defaults. */
export interface UdpPlan {
  /** `undefined`: the system chooses. */
  readonly ports: PortRange | undefined;
  readonly fullCone: boolean;
}

/** @throws ServerError `ERR_SOCKS_BAD_OPTION`. */
export function bindPlan({ ports, allowAnyPeer }: BindOptions = {}): BindPlan {
  return { ports: portRange(ports, ["bind", "ports"]), allowAnyPeer: flag(allowAnyPeer, "bind", "allowAnyPeer") };
}

/** @throws ServerError `ERR_SOCKS_BAD_OPTION`. */
export function udpPlan({ ports, fullCone }: UdpOptions = {}): UdpPlan {
  return { ports: portRange(ports, ["udp", "ports"]), fullCone: flag(fullCone, "udp", "fullCone") };
}

function flag(value: boolean | undefined, section: string, key: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw badOption([section, key], "expected true or false");
}
