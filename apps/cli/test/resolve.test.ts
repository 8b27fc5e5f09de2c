import { listenScript, octets, type ScriptStep } from "@sockskit/testing";
import { afterEach, expect, test } from "vitest";

import { run, stopAll } from "./run-sockskit.ts";

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await stopAll();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const GREETING: ScriptStep = { receive: octets("05 01 00"), send: octets("05 00") };
const RESOLVE = "05 f0 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 00";
const RESOLVE_PTR = "05 f1 00 01 c0 00 02 0a 00 00";

/** The way to a proxy that expects one request and answers it. */
async function through(request: string, answer: string): Promise<readonly string[]> {
  const server = await listenScript([GREETING, { receive: octets(request), send: octets(answer) }]);
  open.push(server);
  return ["resolve", "-x", `socks5://127.0.0.1:${server.port}`];
}

test("the address of a name, which is sent as it is", async () => {
  const way = await through(RESOLVE, "05 00 00 01 c0 00 02 0a 00 00");
  expect(await run([...way, "example.com"])).toEqual({ status: 0, stdout: "192.0.2.10\n", stderr: "" });
});

test("the name of an address", async () => {
  const way = await through(RESOLVE_PTR, "05 00 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d 00 00");
  expect(await run([...way, "192.0.2.10"])).toEqual({ status: 0, stdout: "example.com\n", stderr: "" });
});

test("as JSON", async () => {
  const way = await through(RESOLVE, `05 00 00 04 20 01 0d b8 ${"00 ".repeat(11)} 07 00 00`);
  const { stdout } = await run([...way, "--json", "example.com"]);
  expect(JSON.parse(stdout)).toEqual({
    query: "example.com",
    answer: "2001:db8::7",
    proxies: [`${way[2]}`],
    elapsedMs: expect.any(Number) as number,
  });
});

test("with -v the answer is a step", async () => {
  const way = await through(RESOLVE, "05 00 00 01 c0 00 02 0a 00 00");
  const { stderr } = await run([...way, "-v", "example.com"]);
  expect(stderr).toContain("answered that example.com is 192.0.2.10\n");
});

test("a refusal is one of the request", async () => {
  const way = await through(RESOLVE, "05 07 00 01 00 00 00 00 00 00");
  const { status, stdout, stderr } = await run([...way, "example.com"]);
  expect({ status, stdout }).toEqual({ status: 7, stdout: "" });
  expect(stderr).toContain(" does not look example.com up, which few proxies but Tor do: command not supported");
});

test("what is no host, and a host with a port, are mistakes of usage", async () => {
  for (const subject of ["exa mple", "example.com:80", ""]) {
    const { status, stderr } = await run(["resolve", "-x", "socks5h://127.0.0.1:1", subject]);
    expect(status).toBe(2);
    expect(stderr).toContain("[ERR_SOCKS_USAGE]");
  }
});
