import { describe, expect, test } from "vitest";

import { ProgressLine } from "../../src/probe/progress-line.ts";

/** What is written to a terminal of that width, or to something else. */
function streamOf(columns: number | undefined) {
  const written: string[] = [];
  const stream = { isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
  return { written, stream: stream as unknown as NodeJS.WriteStream };
}

describe("the progress line", () => {
  test("is drawn on a terminal, and taken away", () => {
    const { written, stream } = streamOf(80);
    const line = new ProgressLine(4, stream);
    expect(written).toEqual(["\r[--------------------] 0 of 4 proxies\u001b[K"]);
    line.clear();
    line.update(2);
    expect(written.slice(1)).toEqual(["\r\u001b[K", "\r[##########----------] 2 of 4 proxies\u001b[K"]);
    line.clear();
    line.clear();
    expect(written).toHaveLength(4);
    line.restore();
    line.restore();
    expect(written.slice(4)).toEqual([written[2]]);
  });

  test("is not redrawn for each", () => {
    const { written, stream } = streamOf(80);
    const line = new ProgressLine(1000, stream);
    for (let count = 1; count < 1000; count++) line.update(count);
    expect(written.length).toBeLessThan(100);
  });

  test("never wraps", () => {
    const { written, stream } = streamOf(12);
    new ProgressLine(4, stream).clear();
    expect(written[0]).toBe("\r[----------\u001b[K");
  });

  test("has a width of its own where the terminal knows none", () => {
    const { written, stream } = streamOf(0);
    new ProgressLine(4, stream).clear();
    expect(written[0]).toBe("\r[--------------------] 0 of 4 proxies\u001b[K");
  });

  test("is nothing where there is no terminal, and for one proxy", () => {
    for (const [columns, total] of [
      [undefined, 4],
      [80, 1],
    ] as const) {
      const { written, stream } = streamOf(columns);
      const line = new ProgressLine(total, stream);
      line.update(1);
      line.clear();
      expect(written).toEqual([]);
    }
  });
});
