import { expect, test } from "vitest";
import { Lane, LaneEntry } from "../../src/loop/lane.ts";

class Entry extends LaneEntry {
  readonly name: string;
  readonly log: string[];
  again = false;

  constructor(name: string, log: string[]) {
    super();
    this.name = name;
    this.log = log;
  }

  override expired(nowMs: number): boolean {
    this.log.push(`${this.name} ${nowMs}`);
    return this.again;
  }
}

test("who came first expires first; who left or started again does not", () => {
  const log: string[] = [];
  const lane = new Lane(10);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Entry(name, log)) as [Entry, Entry, Entry, Entry];
  lane.add(a, 0);
  lane.add(b, 1);
  lane.add(c, 2);
  lane.add(d, 3);
  expect(lane.oldest).toBe(a);
  lane.delete(b);
  lane.delete(b);
  lane.add(a, 4);
  expect(lane.dueAtMs).toBe(12);
  lane.expire(11);
  expect(log).toEqual([]);
  lane.expire(12);
  expect(log).toEqual(["c 12"]);
  d.again = true;
  lane.expire(20);
  expect(log).toEqual(["c 12", "d 20", "a 20"]);
  expect(lane.dueAtMs).toBe(30);
  lane.delete(d);
  expect([lane.oldest, lane.dueAtMs]).toEqual([undefined, undefined]);
});

test("an entry is in one lane at a time", () => {
  const log: string[] = [];
  const [short, long] = [new Lane(1), new Lane(100)];
  const entry = new Entry("a", log);
  short.add(entry, 0);
  long.add(entry, 0);
  short.delete(entry);
  short.expire(50);
  expect(log).toEqual([]);
  long.expire(100);
  expect(log).toEqual(["a 100"]);
});
