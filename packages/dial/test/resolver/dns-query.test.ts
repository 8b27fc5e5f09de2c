import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { createResolver } from "../../src/index.ts";
import { createDnsQuery, type DnsQuery } from "../../src/resolver/dns-query.ts";
import { HostsFile } from "../../src/resolver/hosts-file.ts";
import { LookupPool } from "../../src/resolver/lookup-pool.ts";
import { type NameServer, startNameServer } from "../support/name-server.ts";

let folder: string;
let server: NameServer;
let query: DnsQuery;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sockskit-dial-"));
  const hosts = [
    "# a comment",
    "127.0.0.1 localhost",
    "10.9.8.7\tDB.example  db2.example # the database",
    "fd00::7 db.example",
    "not-an-address ignored.example",
    "",
  ];
  await writeFile(join(folder, "hosts"), hosts.join("\n"));
  server = await startNameServer({
    "two.example A": [192, 0, 2, 1],
    "two.example AAAA": [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    "four.example A": [192, 0, 2, 4],
    "half.example A": [192, 0, 2, 5],
  });
  query = createDnsQuery(new HostsFile(join(folder, "hosts")), [server.address]);
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

test("asks for both versions, or the one that is wanted", async () => {
  expect(await query("two.example", "auto")).toMatchObject([{ host: "2001:db8::1" }, { host: "192.0.2.1" }]);
  expect(await query("two.example", 4)).toMatchObject([{ host: "192.0.2.1" }]);
  expect(await query("two.example", 6)).toMatchObject([{ host: "2001:db8::1" }]);
  expect(await query("four.example", "auto")).toMatchObject([{ host: "192.0.2.4" }]);
  expect(server.questions.filter((question) => question.startsWith("two.")).toSorted()).toEqual([
    "two.example A",
    "two.example A",
    "two.example AAAA",
    "two.example AAAA",
  ]);
});

test("finds nothing rather than fail", async () => {
  expect(await query("unknown.example", "auto")).toEqual([]);
  expect(await query("four.example", 6)).toEqual([]);
});

test("the hosts file comes first", async () => {
  expect(await query("db.example", "auto")).toMatchObject([{ host: "10.9.8.7" }, { host: "fd00::7" }]);
  expect(await query("db2.example", 6)).toEqual([]);
  expect(server.questions.join()).not.toContain("db");
});

test("without a hosts file the name servers are asked", async () => {
  const without = createDnsQuery(new HostsFile(join(folder, "missing")), [server.address]);
  expect(await without("four.example", 4)).toMatchObject([{ host: "192.0.2.4" }]);
});

test.each(["intranet", "printer.local"])(
  "%s is left to the system, which knows search lists and multicast",
  async (name) => {
    expect(await query(name, "auto")).toEqual([]);
    expect(server.questions.join()).not.toContain(name);
  },
);

test("look-ups that are stuck in the system delay nobody else", async () => {
  const pool = new LookupPool({ concurrency: 2, timeoutMs: 5000, lookup: () => undefined }, query);
  const slow = ["slow1.example", "slow2.example"].map((name) => pool.resolve(name, { family: 4 }).catch(() => "late"));
  const found = await pool.resolve("four.example", { family: 4 });
  expect(found).toMatchObject([{ host: "192.0.2.4" }]);
  pool.close();
  expect(await Promise.all(slow)).toEqual(["late", "late"]);
});

test("an idle resolver keeps no handle", async () => {
  const before = process.getActiveResourcesInfo().toSorted();
  await createResolver()
    .resolve("no-such-name.invalid", { family: 4 })
    .catch(() => undefined);
  await query("two.example", "auto");
  expect(process.getActiveResourcesInfo().toSorted()).toEqual(before);
});
