import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "tests/*/test/**/*.test.ts", "tooling/*/test/**/*.test.ts"],
    benchmark: { include: ["{packages,apps}/*/test/**/*.bench.ts"] },
    // Most tests wait for sockets: one thread per processor would leave the processors idle.
    maxWorkers: Math.max(3, availableParallelism()),
    // The system decides when a reset or a datagram arrives. In CI a test may need a second try; the report names it.
    retry: process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 40_000,
    hookTimeout: 30_000,
    passWithNoTests: false,
    coverage: {
      provider: "v8",
      include: ["{packages,apps}/*/src/**/*.ts"],
      exclude: ["packages/testing/**", "**/*.d.ts"],
      reporter: ["text-summary", "html", "json-summary"],
    },
  },
});
