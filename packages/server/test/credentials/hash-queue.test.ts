import { afterEach, expect, test } from "vitest";
import { HashQueue } from "../../src/credentials/hash-queue.ts";
import { parsePasswordHash } from "../../src/credentials/password-hash.ts";
import { hashPassword } from "../../src/credentials/passwords.ts";

const queues: HashQueue[] = [];
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close()));
});

function queueOf(limit: number, threads = 1): HashQueue {
  const queue = new HashQueue({ threads, limit, threadIdleMs: 1_000 });
  queues.push(queue);
  return queue;
}

const hash = parsePasswordHash(await hashPassword("right"));
const job = (client: string, password = "wrong", cancelled = () => false) => ({
  client,
  hash,
  password: Buffer.from(password),
  cancelled,
});

test("tells right from wrong", async () => {
  const queue = queueOf(10);
  expect(await queue.check(job("a", "right"))).toBe("match");
  expect(await queue.check(job("a", "wrong"))).toBe("mismatch");
  expect(await queue.check(job("a", "right\0"))).toBe("mismatch");
  expect(queue.computed).toBe(3);
});

test("a full queue refuses at once, and counts", async () => {
  const queue = queueOf(2);
  const first = queue.check(job("a"));
  const waiting = [queue.check(job("a")), queue.check(job("a"))];
  expect(queue.length).toBe(2);
  expect(await queue.check(job("a"))).toBe("busy");
  expect(queue.refused).toBe(1);
  expect(await Promise.all([first, ...waiting])).toEqual(["mismatch", "mismatch", "mismatch"]);
  expect(queue.computed).toBe(3);
});

test("clients take turns, and who floods makes room for others", async () => {
  const queue = queueOf(4);
  const order: string[] = [];
  const ask = (client: string) =>
    queue.check(job(client)).then((outcome) => {
      order.push(`${client} ${outcome}`);
    });
  const flood = [ask("flood"), ask("flood"), ask("flood"), ask("flood"), ask("flood")];
  const others = [ask("one"), ask("two")];
  await Promise.all([...flood, ...others]);
  expect(order.filter((entry) => entry === "flood busy")).toHaveLength(2);
  expect(order.filter((entry) => entry.endsWith("mismatch"))).toEqual([
    "flood mismatch",
    "flood mismatch",
    "one mismatch",
    "two mismatch",
    "flood mismatch",
  ]);
});

test("a newcomer with as many jobs as everybody else gets no place", async () => {
  const queue = queueOf(2);
  const running = queue.check(job("a"));
  const waiting = [queue.check(job("b")), queue.check(job("c"))];
  expect(await queue.check(job("d"))).toBe("busy");
  await Promise.all([running, ...waiting]);
});

test("nothing is computed for somebody who left, and the place is free at once", async () => {
  const queue = queueOf(1);
  let left = false;
  const running = queue.check(job("a"));
  const waiting = queue.check(job("a", "wrong", () => left));
  left = true;
  const next = queue.check(job("a", "right"));
  expect(await waiting).toBe("cancelled");
  expect(await next).toBe("match");
  expect(await running).toBe("mismatch");
  expect(queue.computed).toBe(2);
});

test("hashing does not take the threads of libuv", async () => {
  const { lookup } = await import("node:dns/promises");
  const queue = queueOf(100, 2);
  const hashing = Array.from({ length: 12 }, (_, i) => queue.check(job(`client ${i}`)));
  let hashed = 0;
  for (const check of hashing) void check.then(() => (hashed += 1));
  // Four look-ups fill libuv's pool of four threads; they finish long before twelve hashes on two threads.
  await Promise.all(Array.from({ length: 4 }, () => lookup("127.0.0.1")));
  expect(hashed).toBeLessThan(12);
  await Promise.all(hashing);
});

test("closing lets those end that somebody waits for, and takes no more", async () => {
  const queue = queueOf(10);
  const running = queue.check(job("a", "right"));
  const waiting = queue.check(job("a", "right"));
  const closed = queue.close();
  expect(await queue.check(job("a", "right"))).toBe("cancelled");
  await closed;
  expect(await Promise.all([running, waiting])).toEqual(["match", "match"]);
});

test("after some time without work the threads are gone, and come back", async () => {
  const queue = new HashQueue({ threads: 1, limit: 10, threadIdleMs: 1 });
  queues.push(queue);
  expect(await queue.check(job("a", "right"))).toBe("match");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await queue.check(job("a", "right"))).toBe("match");
});
