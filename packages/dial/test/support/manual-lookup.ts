import type { LookupAddress, LookupFunction } from "../../src/index.ts";

/** A look-up function whose answers the test gives. */
export function manualLookup(): {
  lookup: LookupFunction;
  asked: string[];
  answer: (name: string, ...addresses: string[]) => void;
  fail: (name: string, code: string) => void;
} {
  const asked: string[] = [];
  const open = new Map<string, ((error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void)[]>();
  const take = (name: string) => {
    const callback = open.get(name)?.shift();
    if (callback === undefined) throw new TypeError(`nobody asks for ${name}`);
    return callback;
  };
  return {
    asked,
    lookup: (name, _options, callback) => {
      asked.push(name);
      open.set(name, [...(open.get(name) ?? []), callback]);
    },
    answer: (name, ...addresses) =>
      take(name)(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
    fail: (name, code) => take(name)(Object.assign(new Error(code), { code }), []),
  };
}
