import { conversations, messageOctets } from "@sockskit/vectors";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { droppedCount } from "../../src/associate/datagram-counts.ts";
import { world } from "./association-world.ts";

/** Datagrams of clients, as real programs and the specification have them. */
const CORPUS = conversations()
  .flatMap(({ steps }) => steps)
  .filter((step) => step.from === "client" && step.transport === "udp")
  .flatMap((step) => step.messages.map(messageOctets));

/** A datagram with a few octets changed, cut or added; or none at all. */
const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .record({
      base: fc.constantFrom(...CORPUS),
      changes: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 3 }),
      length: fc.option(fc.nat(40)),
    })
    .map(({ base, changes, length }) => {
      const bytes = Uint8Array.from(base).slice(0, length ?? base.length);
      for (const [index, octet] of changes) if (index < bytes.length) bytes[index] = octet;
      return bytes;
    }),
);
const from = fc.constantFrom("192.0.2.200", "::ffff:192.0.2.200", "192.0.2.201", "2001:db8::1");
const port = fc.constantFrom(40_000, 40_001);

describe("whatever comes", () => {
  test("nothing is thrown, nothing lost from the count, and nothing goes where it may not", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(datagram, from, port), { maxLength: 20 }), async (all) => {
        const { association, events, out, back, failures } = world();
        let firstPort: number | undefined;
        for (const [bytes, address, clientPort] of all) {
          const before = out.length;
          association.fromClient(Buffer.from(bytes), { address, port: clientPort });
          if (out.length === before) continue;
          // Who was heard once is the only one that is heard.
          expect(address).toMatch(/192\.0\.2\.200$/u);
          firstPort ??= clientPort;
          expect(clientPort).toBe(firstPort);
        }
        for (let i = 0; i < 5; i++) await Promise.resolve();
        expect(failures).toEqual([]);
        for (const { to } of out) {
          expect(to.port).not.toBe(0);
          expect(to.type === "ipv4" ? (to.octets[0] as number) < 224 : to.octets[0] !== 0xff).toBe(true);
          expect(to.type === "ipv4" && to.port < 1024 && to.host.startsWith("198.51.100.")).toBe(false);
        }
        const counts = association.datagrams;
        expect(counts.in).toBe(out.length);
        expect(counts.in).toBeLessThanOrEqual(all.length);
        expect(counts.in + droppedCount(counts)).toBeLessThanOrEqual(all.length);
        // An answer comes back from where something went, and from nowhere else.
        const written = new Set(out.map(({ to }) => `${to.host} ${to.port}`));
        for (const key of [...written, "203.0.113.77 53"]) {
          const [address = "", sourcePort = ""] = key.split(" ");
          const family = address.includes(":") ? "IPv6" : "IPv4";
          events.onDatagram(Buffer.from("answer"), { address, port: Number(sourcePort), family, size: 6 });
        }
        expect(back).toHaveLength(written.size);
        for (const answer of back) expect(answer.port).toBe(firstPort);
        association.close();
      }),
      { numRuns: 2_000 },
    );
  });

  test("there are datagrams of real programs to begin with", () => {
    expect(CORPUS.length).toBeGreaterThan(3);
  });
});
