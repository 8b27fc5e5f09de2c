import { describe, expect, test } from "vitest";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { LINUX } from "../../src/kernel/layout.ts";
import { simulate, type Tampering } from "./world.ts";
import type { SimulatedKernel } from "./kernel.ts";

/** Schedules in which a bug must show. */
const SCHEDULES = 1_000;

/** The simulated kernel, with some calls answered otherwise: as if the loop made, or left out, other calls. */
function tampered(changes: (kernel: SimulatedKernel) => Partial<Kernel>): Tampering {
  return {
    kernel: (kernel) =>
      new Proxy<Kernel>(kernel, {
        get(target, name) {
          const changed = changes(kernel) as Record<PropertyKey, unknown>;
          const value: unknown = changed[name] ?? Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
  };
}

let calls = 0;
const everyTenth = (): boolean => ++calls % 10 === 0;

const BUGS: Readonly<Record<string, Tampering>> = {
  "a descriptor is not always closed": tampered((kernel) => ({
    close: (fd) => (everyTenth() ? 0 : kernel.close(fd)),
  })),
  "a descriptor is closed twice": tampered((kernel) => ({
    close: (fd) => {
      if (everyTenth()) kernel.close(fd);
      return kernel.close(fd);
    },
  })),
  "a write that took a part is taken for whole": tampered((kernel) => ({
    write: (fd, offset, length) => (kernel.write(fd, offset, length) > 0 ? length : -11),
  })),
  "an event is dropped": tampered((kernel) => ({
    eventFlags: (position) => (everyTenth() ? 0 : kernel.eventFlags(position)),
  })),
  "an event of a closed descriptor goes to its successor": tampered((kernel) => ({
    close: (fd) => (everyTenth() ? kernel.epollRemove(3, fd) : kernel.close(fd)),
  })),
  "a reset goes on as an end": tampered(() => ({ resetOnClose: () => 0 })),
  "one end ends both directions": tampered((kernel) => ({
    shutdown: (fd, how) => {
      kernel.resetOnClose(fd);
      return kernel.shutdown(fd, how) + (how === LINUX.SHUT_WR ? kernel.close(fd) : 0);
    },
  })),
  "a pipe that is not empty is used again": {
    loop: ({ pipes }) => {
      const give = pipes.give.bind(pipes);
      pipes.give = (pipe) => give(Object.assign(pipe, { bytes: 0 }));
    },
  },
  "what the receiver has not taken is thrown away": {
    loop: ({ kernel }) => {
      const { memory } = kernel;
      Object.assign(memory, {
        slice: (from: number, to: number) => memory.subarray(from, from + ((to - from) >> 1)).map((octet) => octet),
      });
    },
  },
};

describe("the simulation finds", () => {
  test.each(Object.entries(BUGS))("%s", (_, bug) => {
    calls = 0;
    const found: number[] = [];
    for (let seed = 1; seed <= SCHEDULES && found.length === 0; seed++) {
      if (simulate(seed, bug).problems.length > 0) found.push(seed);
    }
    expect(found).not.toEqual([]);
  });
});

test("a seed repeats its schedule", () => {
  for (let seed = 1; seed <= 20; seed++) expect(simulate(seed)).toEqual(simulate(seed));
});
