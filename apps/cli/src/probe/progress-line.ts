/** How often the line is drawn at most. */
const REDRAW_MS = 100;
const BAR_WIDTH = 20;
const DEFAULT_WIDTH = 80;

/** One line on a terminal's standard error that tells how far it is. Where standard error is no terminal it does nothing. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  readonly #isShown: boolean;
  #doneCount = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  /** @param stream - `process.stderr` but for tests. */
  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
    this.#isShown = stream.isTTY && total > 1;
    this.#draw();
  }

  /** Says how many are done. */
  update(doneCount: number): void {
    this.#doneCount = doneCount;
    if (performance.now() - this.#drawnAt >= REDRAW_MS) this.#draw();
  }

  /** Draws the line again, below what was written meanwhile. */
  restore(): void {
    if (!this.#isDrawn) this.#draw();
  }

  /** Takes the line away: before something else is written to the terminal, and at the end. */
  clear(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    this.#stream.write("\r\u001b[K");
  }

  #draw(): void {
    if (!this.#isShown) return;
    this.#isDrawn = true;
    this.#drawnAt = performance.now();
    const share = this.#doneCount / this.#total;
    const filled = Math.floor(share * BAR_WIDTH);
    const bar = `${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}`;
    const text = `[${bar}] ${this.#doneCount} of ${this.#total} proxies`;
    // Some terminals do not know their width.
    const width = this.#stream.columns > 0 ? this.#stream.columns : DEFAULT_WIDTH;
    this.#stream.write(`\r${text.slice(0, width - 1)}\u001b[K`);
  }
}
