import { readFileSync } from "node:fs";

/** The system's groups, `name:password:number:members` on each line. */
const GROUP_FILE = "/etc/group";

/** The number of a group, by its name in {@link GROUP_FILE}; `undefined` when there is none of that name. */
export function groupNumber(group: string | number): number | undefined {
  if (typeof group === "number") return group;
  for (const line of groupFile().split("\n")) {
    const [name, , number = ""] = line.split(":");
    if (name === group && /^\d{1,10}$/u.test(number)) return Number(number);
  }
  return undefined;
}

function groupFile(): string {
  try {
    return readFileSync(GROUP_FILE, "utf8");
  } catch {
    return "";
  }
}
