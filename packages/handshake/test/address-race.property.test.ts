import { type IpAddress, ipv4Address, ipv6Address } from "@sockskit/wire";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AddressRace, type AddressRaceEvent } from "../src/index.ts";

const DELAY_MS = 250;

/** What becomes of an attempt: it connects or fails after some time, or never says anything. */
interface Fate {
  readonly outcome: "connects" | "fails" | "hangs";
  readonly afterMs: number;
}

interface Scenario {
  readonly early: readonly IpAddress[];
  readonly late: readonly { readonly atMs: number; readonly addresses: readonly IpAddress[] }[];
  readonly doneAtMs: number;
  readonly firstFamilyCount: number;
  readonly fates: readonly Fate[];
  readonly giveUpAtMs: number;
}

const address: fc.Arbitrary<IpAddress> = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((last) => ipv4Address(Uint8Array.of(192, 0, 2, last), 443)),
  fc.integer({ min: 1, max: 12 }).map((last) => {
    const octets = new Uint8Array(16);
    octets.set([0x20, 0x01, 0x0d, 0xb8]);
    octets[15] = last;
    return ipv6Address(octets, 443);
  }),
);
const addresses = fc.array(address, { maxLength: 8 });

const scenario: fc.Arbitrary<Scenario> = fc.record({
  early: addresses,
  late: fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 1500 }), addresses }), { maxLength: 3 }),
  doneAtMs: fc.integer({ min: 1500, max: 2000 }),
  firstFamilyCount: fc.integer({ min: 1, max: 3 }),
  fates: fc.array(
    fc.record({
      outcome: fc.constantFrom("connects" as const, "fails" as const, "fails" as const, "hangs" as const),
      afterMs: fc.integer({ min: 0, max: 1200 }),
    }),
    { minLength: 32, maxLength: 32 },
  ),
  giveUpAtMs: fc.integer({ min: 0, max: 20_000 }),
});

interface Attempt {
  readonly address: IpAddress;
  readonly startedAtMs: number;
  readonly ends: string[];
}

test("one winner at most, and every attempt is won, failed or cancelled exactly once", () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const { attempts, results, failuresAtMs, race } = play(it);
      expect(race.over).toBe(true);
      for (const { ends } of attempts) expect(ends).toHaveLength(1);
      expect(results.length).toBeLessThanOrEqual(1);
      const won = attempts.filter(({ ends }) => ends[0] === "won");
      expect(won).toHaveLength(results[0]?.type === "won" ? 1 : 0);

      // Each address is tried once, and exhaustion means that every one failed.
      const tried = attempts.map((attempt) => attempt.address.host);
      expect(new Set(tried).size).toBe(tried.length);
      if (results[0]?.type === "exhausted") {
        const known = [...it.early, ...it.late.flatMap((batch) => batch.addresses)].map(({ host }) => host);
        expect(tried.toSorted()).toEqual([...new Set(known)].toSorted());
        expect(results[0].errors.map((error) => error.message)).toEqual(failuresAtMs.map(({ id }) => String(id)));
        for (const { ends } of attempts) expect(ends).toEqual(["failed"]);
      }

      // Attempts keep their distance, unless a failure in between allowed the next one at once.
      for (let id = 1; id < attempts.length; id++) {
        const before = (attempts[id - 1] as Attempt).startedAtMs;
        const now = (attempts[id] as Attempt).startedAtMs;
        const failed = failuresAtMs.some(({ atMs }) => atMs >= before && atMs <= now);
        if (!failed) expect(now - before).toBeGreaterThanOrEqual(DELAY_MS);
      }
    }),
    { numRuns: 1000 },
  );
});

test("with all addresses known, the families take turns while both have some left", () => {
  fc.assert(
    fc.property(scenario, (it) => {
      const { attempts } = play({ ...it, late: [], firstFamilyCount: 1 });
      const left = { ipv4: 0, ipv6: 0 };
      for (const host of new Set(it.early.map((one) => one.host))) left[host.includes(":") ? "ipv6" : "ipv4"]++;
      for (const [
        id,
        {
          address: { type },
        },
      ] of attempts.entries()) {
        const previous = attempts[id - 1]?.address.type;
        if (previous === undefined) expect(type).toBe(it.early[0]?.type);
        else if (left.ipv4 > 0 && left.ipv6 > 0) expect(type).not.toBe(previous);
        left[type]--;
      }
    }),
  );
});

/** Plays a scenario on a simulated clock. */
function play(it: Scenario): {
  readonly attempts: readonly Attempt[];
  readonly results: readonly Extract<AddressRaceEvent, { type: "won" | "exhausted" }>[];
  readonly failuresAtMs: readonly { readonly id: number; readonly atMs: number }[];
  readonly race: AddressRace;
} {
  const { early, firstFamilyCount } = it;
  const race = new AddressRace({ addresses: early, resolving: true, firstFamilyCount, attemptDelayMs: DELAY_MS });
  const attempts: Attempt[] = [];
  const results: Extract<AddressRaceEvent, { type: "won" | "exhausted" }>[] = [];
  const failuresAtMs: { id: number; atMs: number }[] = [];
  const agenda: { readonly atMs: number; readonly run: (nowMs: number) => readonly AddressRaceEvent[] }[] = [
    { atMs: 0, run: (nowMs) => race.start(nowMs) },
    ...it.late.map((batch) => ({
      atMs: batch.atMs,
      run: (nowMs: number) => race.addAddresses(batch.addresses, nowMs),
    })),
    { atMs: it.doneAtMs, run: (nowMs) => race.resolutionDone(nowMs) },
    { atMs: Math.max(it.giveUpAtMs, it.doneAtMs), run: () => race.cancel() },
  ];
  let nowMs = 0;
  for (;;) {
    agenda.sort((a, b) => a.atMs - b.atMs);
    const next = agenda[0];
    const timeoutMs = race.nextTimeoutMs(nowMs);
    if (timeoutMs !== undefined && (next === undefined || nowMs + timeoutMs < next.atMs)) {
      nowMs += timeoutMs;
      take(race.tick(nowMs));
    } else if (next === undefined) {
      return { attempts, results, failuresAtMs, race };
    } else {
      agenda.shift();
      nowMs = Math.max(nowMs, next.atMs);
      take(next.run(nowMs));
    }
  }

  function take(events: readonly AddressRaceEvent[]): void {
    for (const event of events) {
      if (event.type === "attempt") begin(event.id, event.address);
      else if (event.type === "cancel") attempts[event.id]?.ends.push("cancelled");
      else results.push(event);
      if (event.type === "won") attempts[event.id]?.ends.push("won");
    }
  }

  function begin(id: number, address: IpAddress): void {
    expect(id).toBe(attempts.length);
    const attempt: Attempt = { address, startedAtMs: nowMs, ends: [] };
    attempts.push(attempt);
    const fate = it.fates[id] as Fate;
    if (fate.outcome === "hangs") return;
    // A cancelled attempt may still report: the race must not care.
    agenda.push({
      atMs: nowMs + fate.afterMs,
      run(atMs) {
        if (fate.outcome === "connects") return race.succeeded(id);
        if (attempt.ends.length === 0) {
          attempt.ends.push("failed");
          failuresAtMs.push({ id, atMs });
        }
        return race.failed(id, atMs, new Error(String(id)));
      },
    });
  }
}
