import type { Readable } from "node:stream";
import { RowError } from "./row.ts";

/** Reads text without ending the stream, which a `for await` loop would do when it is left. */
export class TextReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #text = "";

  constructor(stream: Readable) {
    this.#iterator = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next `length` characters. */
  async text(length: number): Promise<string> {
    while (this.#text.length < length) {
      const { done, value } = await this.#iterator.next();
      if (done === true) throw new RowError(`the stream ended after ${JSON.stringify(this.#text)}`);
      this.#text += value.toString("latin1");
    }
    const text = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return text;
  }

  /** Everything up to the end. */
  async all(): Promise<string> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done === true) return this.#text;
      this.#text += value.toString("latin1");
    }
  }
}
