import { expect, test } from "vitest";

import { outgoingSettings } from "../../src/address/socket-options.ts";

// What Node was told cannot be read off a socket, so the options are.
test("small writes go out at once, and nothing else is set, unless asked for", () => {
  expect(outgoingSettings({})).toMatchObject({
    family: "auto",
    attemptDelayMs: 250,
    socket: { allowHalfOpen: true, noDelay: true },
    bind: undefined,
  });
  expect(Object.keys(outgoingSettings({}).socket)).toEqual(["allowHalfOpen", "noDelay"]);
  expect(outgoingSettings({ noDelay: false, keepAlive: true, allowHalfOpen: false }).socket).toEqual({
    allowHalfOpen: false,
    noDelay: false,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
});

test("one resolver serves all who bring none", () => {
  expect(outgoingSettings({}).resolver).toBe(outgoingSettings({ family: 4 }).resolver);
});
