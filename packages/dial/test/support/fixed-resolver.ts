import { type IpAddress, parseIpAddress } from "@sockskit/wire";

import { createResolver, type Resolver } from "../../src/index.ts";

/** What a resolver of {@link fixedResolver} was asked. */
export interface FixedResolver extends Resolver {
  /** The questions: `name family`. */
  readonly questions: readonly string[];
}

/** A resolver that knows these names only. */
export function fixedResolver(names: Readonly<Record<string, readonly string[]>>): FixedResolver {
  const questions: string[] = [];
  const resolver = createResolver({
    whenBusy: "wait",
    lookup: (name, { family }, callback) => {
      questions.push(`${name} ${family}`);
      const found = (names[name] ?? []).map((text) => parseIpAddress(text) as IpAddress);
      const addresses = found
        .map(({ host, type }) => ({ address: host, family: type === "ipv4" ? 4 : 6 }))
        .filter((address) => family === 0 || address.family === family);
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" });
      setImmediate(() => callback(addresses.length === 0 ? error : null, addresses));
    },
  });
  return Object.assign(resolver, { questions });
}
