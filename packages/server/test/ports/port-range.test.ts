import { describe, expect, test } from "vitest";
import { openOnFreePort, portRange } from "../../src/ports/port-range.ts";

describe("how a range is written", () => {
  test.each<[unknown, unknown]>([
    [undefined, undefined],
    ["40000-40999", { from: 40_000, to: 40_999 }],
    ["40000", { from: 40_000, to: 40_000 }],
    [
      { from: 1, to: 65_535 },
      { from: 1, to: 65_535 },
    ],
  ])("%j", (written, range) => {
    expect(portRange(written as string, ["bind", "ports"])).toEqual(range);
  });

  test.each([["0-5"], ["5-4"], ["-5"], ["5-"], ["1-65536"], [" 1-2"], ["1-2-3"], ["1e3"], [null], [{ from: 1 }], [{}]])(
    "%j is none",
    (written) => {
      expect(() => portRange(written as string, ["bind", "ports"])).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", path: ["bind", "ports"] }) as Error,
      );
    },
  );
});

/** What Node rejects with when a port is taken. */
function inUse(): Error {
  return Object.assign(new RangeError("in use"), { code: "EADDRINUSE" });
}

describe("a free port", () => {
  test("is what the system gives, without a range", async () => {
    expect(await openOnFreePort(undefined, (port) => Promise.resolve(port))).toBe(0);
  });

  test("is found wherever in the range it is, and every port is tried once", async () => {
    for (let free = 100; free <= 109; free++) {
      const tried: number[] = [];
      const port = await openOnFreePort({ from: 100, to: 109 }, (candidate) => {
        tried.push(candidate);
        return candidate === free ? Promise.resolve(candidate) : Promise.reject(inUse());
      });
      expect(port).toBe(free);
      expect(new Set(tried).size).toBe(tried.length);
    }
  });

  test("is not the same at first each time", async () => {
    const ports = new Set<number>();
    for (let i = 0; i < 50; i++)
      ports.add(await openOnFreePort({ from: 1, to: 60_000 }, (port) => Promise.resolve(port)));
    expect(ports.size).toBeGreaterThan(40);
  });

  test("there may be none", async () => {
    await expect(openOnFreePort({ from: 7, to: 9 }, () => Promise.reject(inUse()))).rejects.toMatchObject({
      code: "ERR_SOCKS_LISTEN_FAILED",
      message: "every port from 7 to 9 is in use",
      cause: { code: "EADDRINUSE" },
    });
  });

  test("what is wrong with all of them is said at the first", async () => {
    const tried: number[] = [];
    const failure = Object.assign(new RangeError("too many"), { code: "EMFILE" });
    const opened = openOnFreePort({ from: 1, to: 9 }, (port) => {
      tried.push(port);
      return Promise.reject(failure);
    });
    await expect(opened).rejects.toBe(failure);
    expect(tried).toHaveLength(1);
  });
});
