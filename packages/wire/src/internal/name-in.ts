/** Name of a number in a table of code points; `undefined` when it has none. */
export function nameIn<T extends Readonly<Record<string, number>>>(table: T, value: number): keyof T | undefined {
  for (const name in table) {
    if (table[name] === value) return name;
  }
  return undefined;
}
