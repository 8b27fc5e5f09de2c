// A client whose clock is wrong, with the library and the KDC as they are.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type KerberosRealm, realmProblem, startRealm, useRealm } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);

async function fakeClockProblem(): Promise<string | undefined> {
  try {
    await run("faketime", ["--version"]);
    return undefined;
  } catch {
    return "faketime is not installed (Debian package faketime)";
  }
}

const problem = (await realmProblem()) ?? (await fakeClockProblem());
if (problem !== undefined) console.warn(`skipped: ${problem}`);

// The built package, because the clock is that of a process of its own.
const PACKAGE = new URL("../dist/index.js", import.meta.url).href;
const CLIENT = `
  const { GssapiInitiator } = await import(process.argv[1]);
  const initiation = new GssapiInitiator({ service: process.argv[2] }).start({ host: "localhost" });
  const answer = await initiation.answer({ type: "gssapi", step: "context", token: undefined });
  initiation.dispose();
  const { code, message } = answer.error ?? {};
  process.stdout.write(JSON.stringify({ clock: Date.now(), code, message }), () => process.exit(0));
`;

interface Outcome {
  readonly clock: number;
  /** Of the error; `undefined` without one. */
  readonly code?: string;
  readonly message?: string;
}

describe.skipIf(problem !== undefined)("a client whose clock is wrong", () => {
  let realm: KerberosRealm;
  let undo: () => void;

  beforeAll(async () => {
    realm = await startRealm();
    undo = useRealm(realm);
  });

  afterAll(async () => {
    undo?.();
    await realm?.stop();
  });

  async function attempt(shift: string, service = "rcmd"): Promise<Outcome> {
    // Node's own timers keep the right clock.
    const options = ["--exclude-monotonic", "-f", shift];
    const node = [process.execPath, "--input-type=module", "-e", CLIENT, PACKAGE, service];
    const { stdout } = await run("faketime", [...options, ...node], { timeout: 60_000 });
    return JSON.parse(stdout) as Outcome;
  }

  const MINUTES = 60_000;

  test("is told so, and what to do", async () => {
    const { clock, code, message } = await attempt("+20m");
    expect(clock - Date.now()).toBeGreaterThan(15 * MINUTES);
    expect(code).toBe("ERR_SOCKS_GSSAPI_CLOCK_SKEW");
    expect(message).toMatch(/Clock skew too great.*timedatectl/su);
  });

  test("is not told so for a minute, nor for what else is wrong", async () => {
    const { clock, ...rest } = await attempt("+1m");
    expect(clock - Date.now()).toBeGreaterThan(MINUTES / 2);
    expect(rest).toEqual({});
    expect(await attempt("+1m", "nosuch")).toMatchObject({ code: "ERR_SOCKS_GSSAPI_SERVICE_UNKNOWN" });
    expect(await attempt("+3d")).toMatchObject({ code: "ERR_SOCKS_GSSAPI_EXPIRED" });
  });
});
