import type { Resolver } from "@sockskit/dial";
import { type DomainAddress, type IpAddress, parseAddress } from "@sockskit/wire";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MAX_NAMES, MAX_PENDING_NAMES, MAX_WAITING_LENGTH, NameBook } from "../../src/associate/name-book.ts";

const ADDRESS = parseAddress("192.0.2.1", 0) as IpAddress;
const name = (host: string): DomainAddress => parseAddress(host, 53) as DomainAddress;

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A book whose look-ups are answered by hand. */
function bookOf(): {
  readonly book: NameBook;
  readonly asked: string[];
  readonly answered: string[];
  readonly answer: (host: string, addresses: readonly IpAddress[] | undefined) => Promise<void>;
} {
  const asked: string[] = [];
  const answered: string[] = [];
  const waiting = new Map<string, (addresses: readonly IpAddress[] | undefined) => void>();
  const resolver: Resolver = {
    resolve: (host) => {
      asked.push(host);
      return new Promise((resolve, reject) => {
        waiting.set(host, (addresses) => (addresses === undefined ? reject(new RangeError("no")) : resolve(addresses)));
      });
    },
  };
  const book = new NameBook(resolver, "auto", {
    onAnswer: (destination, addresses, data) => answered.push(`${destination.host} ${addresses.length} ${data.length}`),
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  const answer = async (host: string, addresses: readonly IpAddress[] | undefined): Promise<void> => {
    await settle();
    waiting.get(host)?.(addresses);
    await settle();
  };
  return { book, asked, answered, answer };
}

const data = (length: number): Uint8Array => new Uint8Array(length);

test("a name is looked up once; what waits is told in order, what comes later knows at once", async () => {
  const { book, asked, answered, answer } = bookOf();
  expect(book.ask(name("a.example"), data(1))).toBe("waiting");
  expect(book.ask(name("a.example"), data(2))).toBe("waiting");
  await answer("a.example", [ADDRESS]);
  expect(answered).toEqual(["a.example 1 1", "a.example 1 2"]);
  expect(book.ask(name("a.example"), data(3))).toEqual([ADDRESS]);
  expect(asked).toEqual(["a.example"]);
});

test("a failure is remembered for a while", async () => {
  const { book, asked, answered, answer } = bookOf();
  book.ask(name("a.example"), data(1));
  await answer("a.example", undefined);
  expect(answered).toEqual(["a.example 0 1"]);
  expect(book.ask(name("a.example"), data(1))).toEqual([]);
  vi.advanceTimersByTime(5_001);
  expect(book.ask(name("a.example"), data(1))).toBe("waiting");
  await answer("a.example", []);
  expect(asked).toHaveLength(2);
});

test("what waits is bounded: datagrams for a name, names, and bytes over all of them", async () => {
  const { book, answer } = bookOf();
  const some = Array.from({ length: 17 }, () => book.ask(name("n0.example"), data(1)));
  expect(some.filter((answered) => answered === "full")).toHaveLength(1);
  for (let i = 1; i < MAX_PENDING_NAMES; i++) expect(book.ask(name(`n${i}.example`), data(1))).toBe("waiting");
  expect(book.ask(name("more.example"), data(1))).toBe("full");
  expect(book.ask(name("n1.example"), data(MAX_WAITING_LENGTH))).toBe("full");
  expect(book.ask(name("n1.example"), data(1))).toBe("waiting");
  await answer("n0.example", [ADDRESS]);
  // The place and the bytes are free again.
  expect(book.ask(name("more.example"), data(MAX_WAITING_LENGTH - 64))).toBe("waiting");
});

test("names are bounded, too: those that are known make room", async () => {
  const { book, asked, answer } = bookOf();
  for (let i = 0; i <= MAX_NAMES; i++) {
    book.ask(name(`n${i}.example`), data(1));
    await answer(`n${i}.example`, [ADDRESS]);
  }
  expect(book.ask(name(`n${MAX_NAMES}.example`), data(1))).toEqual([ADDRESS]);
  expect(book.ask(name("n0.example"), data(1))).toBe("waiting");
  await answer("n0.example", [ADDRESS]);
  expect(asked).toHaveLength(MAX_NAMES + 2);
});

test("a resolver that throws is one that finds nothing", async () => {
  const answered: number[] = [];
  const resolver: Resolver = {
    resolve: () => {
      throw new RangeError("broken");
    },
  };
  const book = new NameBook(resolver, 4, { onAnswer: (_name, addresses) => answered.push(addresses.length) });
  book.ask(name("a.example"), data(1));
  for (let i = 0; i < 5; i++) await Promise.resolve();
  expect(answered).toEqual([0]);
});

test("after the end nothing is told", async () => {
  const { book, answered, answer } = bookOf();
  book.ask(name("a.example"), data(1));
  book.close();
  await answer("a.example", [ADDRESS]);
  expect(answered).toEqual([]);
});
