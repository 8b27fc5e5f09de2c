/**
 * A value of the configuration that remembers where it was written. Maps are
 * `Map`s: no key, whatever its name, touches a prototype.
 */
export interface Located {
  /** Where the value begins: `sockskit.yaml:14:5`, or the flag that gave it. */
  readonly place: string;
  /** Where its key is, in a map. */
  readonly keyPlace?: string;
  /** Text, number, boolean or null; the entries of a list; the values of a map. */
  readonly content: Scalar | readonly Located[] | ReadonlyMap<string, Located>;
}

/** A value without parts. */
export type Scalar = string | number | boolean | null;

/** The plain value, as validation takes it. */
export function plainOf({ content }: Located): unknown {
  if (Array.isArray(content)) return (content as readonly Located[]).map(plainOf);
  if (content instanceof Map) {
    return Object.fromEntries(
      [...(content as ReadonlyMap<string, Located>)].map(([key, value]) => [key, plainOf(value)]),
    );
  }
  return content;
}

/** The value at a path, or the last one on the way there. */
export function find(
  root: Located,
  path: readonly PropertyKey[],
): { readonly node: Located; readonly isExact: boolean } {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) return { node, isExact: false };
    node = next;
  }
  return { node, isExact: true };
}

function childOf({ content }: Located, step: PropertyKey): Located | undefined {
  if (Array.isArray(content)) return typeof step === "number" ? (content as readonly Located[])[step] : undefined;
  return content instanceof Map ? (content as ReadonlyMap<PropertyKey, Located>).get(step) : undefined;
}

/** The tree with one more value in it, which wins over what was there; maps on the way are made. */
export function withValue(root: Located, path: readonly string[], value: Located): Located {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const map = root.content instanceof Map ? (root.content as ReadonlyMap<string, Located>) : new Map<string, Located>();
  const child = map.get(key) ?? { place: value.place, content: new Map() };
  const content = new Map(map).set(key, withValue(child, rest, value));
  return { ...root, content };
}
