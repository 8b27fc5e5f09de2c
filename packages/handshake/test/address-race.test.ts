// Expected orders and times come from RFC 8305 sections 4, 5 and 8.
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import {
  AddressRace,
  DEFAULT_ATTEMPT_DELAY_MS,
  MAX_ATTEMPT_DELAY_MS,
  MAX_RACE_ADDRESSES,
  MIN_ATTEMPT_DELAY_MS,
  sortAddresses,
  type AddressRaceOptions,
} from "../src/index.ts";
import { raceLine } from "./machine-log.ts";

function ips(text: string): IpAddress[] {
  return text.split(" ").flatMap((host) => (host === "" ? [] : (parseIpAddress(host, 443) as IpAddress)));
}

function race(addresses: string, options: Partial<AddressRaceOptions> = {}): AddressRace {
  return new AddressRace({ addresses: ips(addresses), ...options });
}

const SIX_FOUR = "::1 ::2 ::3 1.1.1.1 2.2.2.2";

describe("order", () => {
  test.each([
    { addresses: SIX_FOUR, count: 1, order: "::1 1.1.1.1 ::2 2.2.2.2 ::3" },
    { addresses: SIX_FOUR, count: 2, order: "::1 ::2 1.1.1.1 ::3 2.2.2.2" },
    { addresses: SIX_FOUR, count: 9, order: "::1 ::2 ::3 1.1.1.1 2.2.2.2" },
    { addresses: "1.1.1.1 ::1 2.2.2.2 ::2", count: 1, order: "1.1.1.1 ::1 2.2.2.2 ::2" },
    { addresses: "1.1.1.1 2.2.2.2 3.3.3.3 ::1", count: 1, order: "1.1.1.1 ::1 2.2.2.2 3.3.3.3" },
    { addresses: "1.1.1.1 2.2.2.2", count: 1, order: "1.1.1.1 2.2.2.2" },
    { addresses: "::1 ::1 1.1.1.1 ::1", count: 1, order: "::1 1.1.1.1" },
    { addresses: "", count: 1, order: "" },
  ])("$addresses, $count first", ({ addresses, count, order }) => {
    const sorted = sortAddresses(ips(addresses), count);
    expect(sorted.map(({ host }) => host).join(" ")).toBe(order);
  });

  test("one family first is the default", () => {
    expect(sortAddresses(ips(SIX_FOUR))).toEqual(sortAddresses(ips(SIX_FOUR), 1));
  });

  test("the same address with another port is another address", () => {
    const addresses = [parseIpAddress("::1", 1), parseIpAddress("::1", 2)] as IpAddress[];
    expect(sortAddresses(addresses)).toEqual(addresses);
  });
});

describe("pace", () => {
  test("an attempt every 250 ms", () => {
    const it = race(SIX_FOUR);
    expect(it.start(1000).map(raceLine)).toEqual(["attempt 0 ::1"]);
    expect(it.nextTimeoutMs(1000)).toBe(250);
    expect(it.nextTimeoutMs(1100)).toBe(150);
    expect(it.tick(1249)).toEqual([]);
    expect(it.tick(1250).map(raceLine)).toEqual(["attempt 1 1.1.1.1"]);
    expect(it.tick(1499)).toEqual([]);
    // A late tick starts one attempt, not all that were missed.
    expect(it.tick(9000).map(raceLine)).toEqual(["attempt 2 ::2"]);
    expect(it.nextTimeoutMs(9000)).toBe(250);
    expect(it.nextTimeoutMs(9999)).toBe(0);
  });

  test("another delay, within 10 ms and 2 s", () => {
    const it = race(SIX_FOUR, { attemptDelayMs: 10 });
    it.start(0);
    expect(it.nextTimeoutMs(0)).toBe(10);
    for (const attemptDelayMs of [9, 2001, Number.NaN, -1]) {
      expect(() => race(SIX_FOUR, { attemptDelayMs })).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }),
      );
    }
    for (const firstFamilyCount of [0, -1, Number.NaN]) {
      expect(() => race(SIX_FOUR, { firstFamilyCount })).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION" }),
      );
    }
    expect([DEFAULT_ATTEMPT_DELAY_MS, MIN_ATTEMPT_DELAY_MS, MAX_ATTEMPT_DELAY_MS]).toEqual([250, 10, 2000]);
  });

  test("a failure starts the next at once, and the pause begins anew", () => {
    const it = race(SIX_FOUR);
    it.start(0);
    expect(it.failed(0, 100, new Error("refused")).map(raceLine)).toEqual(["attempt 1 1.1.1.1"]);
    expect(it.tick(250)).toEqual([]);
    expect(it.nextTimeoutMs(250)).toBe(100);
    expect(it.tick(350).map(raceLine)).toEqual(["attempt 2 ::2"]);
  });

  test("nothing waits for its time when every address was tried", () => {
    const it = race("::1");
    expect(it.nextTimeoutMs(0)).toBeUndefined();
    it.start(0);
    expect(it.nextTimeoutMs(0)).toBeUndefined();
    expect(it.tick(250)).toEqual([]);
  });
});

describe("end", () => {
  test("the first connection wins and the others are cancelled", () => {
    const it = race(SIX_FOUR);
    it.start(0);
    it.tick(250);
    it.tick(500);
    expect(it.over).toBe(false);
    expect(it.succeeded(1).map(raceLine)).toEqual(["won 1 1.1.1.1", "cancel 0", "cancel 2"]);
    expect(it.over).toBe(true);
    expect(it.nextTimeoutMs(500)).toBeUndefined();
    // What the others still have to say no longer matters.
    expect([it.succeeded(0), it.failed(2, 600, new Error("late")), it.tick(9000)]).toEqual([[], [], []]);
    expect(it.addAddresses(ips("::9"), 9000)).toEqual([]);
    expect(it.resolutionDone(9000)).toEqual([]);
    expect(it.cancel()).toEqual([]);
  });

  test("when all fail, all errors come out in their order", () => {
    const it = race("::1 ::2 1.1.1.1");
    it.start(0);
    it.tick(250);
    it.failed(1, 300, new Error("one"));
    it.failed(0, 400, new Error("nought"));
    expect(it.failed(2, 500, new Error("two")).map(raceLine)).toEqual(["exhausted one, nought, two"]);
    expect(it.over).toBe(true);
  });

  test("no address at all", () => {
    expect(race("").start(0).map(raceLine)).toEqual(["exhausted "]);
  });

  test("giving up cancels what runs", () => {
    const it = race(SIX_FOUR);
    expect(race(SIX_FOUR).cancel()).toEqual([]);
    it.start(0);
    it.tick(250);
    expect(it.cancel().map(raceLine)).toEqual(["cancel 0", "cancel 1"]);
    expect(it.over).toBe(true);
    expect(it.failed(0, 300, new Error("aborted"))).toEqual([]);
  });
});

describe("addresses that arrive late", () => {
  test("take their turns with those not tried yet", () => {
    const it = race("1.1.1.1 2.2.2.2", { resolving: true });
    it.start(0);
    expect(it.addAddresses(ips("::1 ::2"), 50)).toEqual([]);
    expect(it.tick(250).map(raceLine)).toEqual(["attempt 1 ::1"]);
    expect(it.tick(500).map(raceLine)).toEqual(["attempt 2 2.2.2.2"]);
    expect(it.tick(750).map(raceLine)).toEqual(["attempt 3 ::2"]);
  });

  test("start at once when the pause is over, or the last attempt failed", () => {
    const waiting = race("1.1.1.1", { resolving: true });
    waiting.start(0);
    expect(waiting.addAddresses(ips("::1"), 300).map(raceLine)).toEqual(["attempt 1 ::1"]);
    const failed = race("1.1.1.1", { resolving: true });
    failed.start(0);
    expect(failed.failed(0, 20, new Error("refused"))).toEqual([]);
    expect(failed.addAddresses(ips("::1"), 30).map(raceLine)).toEqual(["attempt 1 ::1"]);
  });

  test("are waited for until the look-up is done", () => {
    const it = race("", { resolving: true });
    expect(it.start(0)).toEqual([]);
    expect(it.nextTimeoutMs(0)).toBeUndefined();
    expect(it.addAddresses(ips("1.1.1.1"), 10).map(raceLine)).toEqual(["attempt 0 1.1.1.1"]);
    expect(it.failed(0, 20, new Error("refused"))).toEqual([]);
    expect(it.resolutionDone(30).map(raceLine)).toEqual(["exhausted refused"]);
    const none = race("", { resolving: true });
    none.start(0);
    expect(none.resolutionDone(10).map(raceLine)).toEqual(["exhausted "]);
  });

  test("before the start they only wait", () => {
    const it = race("1.1.1.1", { resolving: true });
    expect(it.addAddresses(ips("::1"), 0)).toEqual([]);
    expect(it.resolutionDone(0)).toEqual([]);
    expect(it.start(0).map(raceLine)).toEqual(["attempt 0 1.1.1.1"]);
  });

  test("equal ones are not tried twice", () => {
    const it = race("1.1.1.1", { resolving: true });
    it.start(0);
    expect(it.addAddresses(ips("1.1.1.1"), 300)).toEqual([]);
  });
});

test("more addresses than the limit are left out", () => {
  const addresses = Array.from({ length: 100 }, (_, index) => parseIpAddress(`192.0.2.${index}`, 1) as IpAddress);
  const it = new AddressRace({ addresses });
  let events = it.start(0);
  let attempts = 0;
  for (; events[0]?.type === "attempt"; attempts++) events = it.failed(attempts, 0, new Error("refused"));
  expect(attempts).toBe(MAX_RACE_ADDRESSES);
  expect(events.map(({ type }) => type)).toEqual(["exhausted"]);
});

describe("misuse", () => {
  const misuse = expect.objectContaining({ name: "HandshakeError", code: "ERR_SOCKS_STATE", side: "local" }) as Error;

  test("starting twice", () => {
    const it = race("::1");
    it.start(0);
    expect(() => it.start(0)).toThrow(misuse);
  });

  test("attempts that do not exist or ended before", () => {
    const it = race(SIX_FOUR);
    it.start(0);
    for (const id of [1, -1, 0.5, Number.NaN]) {
      expect(() => it.succeeded(id)).toThrow(misuse);
      expect(() => it.failed(id, 0, new Error("why"))).toThrow(misuse);
    }
    it.failed(0, 0, new Error("refused"));
    expect(() => it.failed(0, 0, new Error("again"))).toThrow(misuse);
    expect(() => it.succeeded(0)).toThrow(misuse);
    it.succeeded(1);
    expect(() => it.succeeded(7)).toThrow(misuse);
  });
});
