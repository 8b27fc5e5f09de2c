import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

// What a process and its descendants use, from Linux' /proc. Elsewhere nothing is known.

let ticksPerSecond: number | undefined;

/** Processor time in seconds of a process and its descendants, ended ones included; `undefined` without /proc. */
export function processorTime(pid: number): number | undefined {
  try {
    ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
    let ticks = 0;
    for (const member of family(pid)) {
      // utime, stime, and those of children that ended: fields 14 to 17 of proc(5)
      for (const field of statFields(member).slice(11, 15)) ticks += Number(field);
    }
    return ticks / ticksPerSecond;
  } catch {
    return undefined;
  }
}

/** Memory in bytes of a process and its descendants, shared pages counted once; `undefined` without /proc. */
export function memory(pid: number): number | undefined {
  try {
    let total = 0;
    for (const member of family(pid)) {
      const text = readFileSync(`/proc/${member}/smaps_rollup`, "latin1");
      total += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    }
    return total;
  } catch {
    return undefined;
  }
}

function family(pid: number): Set<number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statFields(Number(name))[1]));
    } catch {
      // it ended meanwhile
    }
  }
  const members = new Set([pid]);
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const [child, parent] of parents) if (members.has(parent)) members.add(child);
  }
  return members;
}

/** Fields of /proc/PID/stat behind the name, which may hold blanks: state is the first. */
function statFields(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
