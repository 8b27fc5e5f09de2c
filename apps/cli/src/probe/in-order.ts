/** What {@link runInOrder} needs. */
export interface InOrderOptions<Input, Output> {
  /** What is to be done. */
  readonly inputs: readonly Input[];
  /** How many at a time. */
  readonly concurrency: number;
  /** Does one; must not reject. */
  readonly work: (input: Input) => Promise<Output>;
  /** Gets each result, in the order of the inputs, as soon as all before it are there. */
  readonly onResult: (output: Output) => Promise<void>;
  /** Told after each that is done, in whatever order. */
  readonly onDone: (doneCount: number) => void;
  /** Ends it: nothing more is begun or waited for, and what is done is given out, in its order and with gaps. */
  readonly signal: AbortSignal;
}

/**
 * Does many things at a time and gives the results out in a stable order.
 *
 * @throws What `onResult` throws; nothing more is begun then.
 */
export async function runInOrder<Input, Output>(options: InOrderOptions<Input, Output>): Promise<void> {
  const { inputs, concurrency, work, onResult, onDone, signal } = options;
  const done = new Map<number, Output>();
  let next = 0;
  let nextOut = 0;
  let doneCount = 0;
  let isGiving = false;
  let giving = Promise.resolve();
  let hasFailed = false;

  /** One gives out at a time, and takes along what comes meanwhile. */
  const giveOut = async (): Promise<void> => {
    isGiving = true;
    try {
      for (let output = done.get(nextOut); output !== undefined; output = done.get(nextOut)) {
        done.delete(nextOut);
        nextOut += 1;
        await onResult(output);
      }
    } finally {
      isGiving = false;
    }
  };
  const worker = async (): Promise<void> => {
    while (next < inputs.length && !signal.aborted && !hasFailed) {
      const index = next;
      next += 1;
      const output = await work(inputs[index] as Input);
      if (signal.aborted) return;
      done.set(index, output);
      doneCount += 1;
      onDone(doneCount);
      if (isGiving) continue;
      giving = giveOut();
      await giving;
    }
  };
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const workers = Promise.all(Array.from({ length: Math.min(concurrency, inputs.length) }, worker));
  workers.catch(() => (hasFailed = true));
  await Promise.race([workers, stopped]);
  if (!signal.aborted) return;
  await giving;
  for (const index of [...done.keys()].sort((a, b) => a - b)) await onResult(done.get(index) as Output);
}
