import { realmProblem, startRealm, type KerberosRealm } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, runToEnd } from "./sockskitd.ts";

const problem = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("GSS-API", () => {
  let realm: KerberosRealm;

  beforeAll(async () => {
    realm = await startRealm();
  });

  afterAll(() => realm?.stop());

  async function check(gssapi: string): Promise<Awaited<ReturnType<typeof runToEnd>>> {
    const cwd = folder({ "c.yaml": `auth:\n  methods: [gssapi]\n  gssapi: ${gssapi}\n` });
    return runToEnd(["check", "-c", "c.yaml"], { cwd });
  }

  test("check: the keytab has the service's key", async () => {
    const { serviceKeytab: keytab } = realm;
    const checked = await check(`{ keytab: ${keytab}, service: rcmd@localhost, protection: [integrity] }`);
    expect(checked).toMatchObject({ status: 0, stderr: "" });
    expect(checked.stdout).toContain(
      `  gssapi: { keytab: "${keytab}", service: "rcmd@localhost", protection: [integrity], nec: refuse, answerNone: false }`,
    );
  });

  test.each([
    ["is missing", "/nonexistent/keytab", "rcmd@localhost"],
    ["lacks the service", undefined, "nosuch@localhost"],
  ])("check: a keytab that %s, with the command that helps", async (_name, keytab, service) => {
    const path = keytab ?? realm.serviceKeytab;
    const checked = await check(`{ keytab: ${path}, service: ${service} }`);
    expect(checked).toMatchObject({ status: 2, stdout: "" });
    expect(checked.stderr).toContain("GSS-API: cannot use the keytab");
    expect(checked.stderr).toContain(`klist -k ${path}`);
  });

  test("no protection is said loudly", async () => {
    const checked = await check(`{ keytab: ${realm.serviceKeytab}, answerNone: true }`);
    expect(checked.status).toBe(0);
    expect(checked.stderr).toMatch(/^warning: .*nothing is protected/u);
  });
});
