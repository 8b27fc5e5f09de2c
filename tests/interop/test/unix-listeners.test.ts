// Unix sockets with real programs: curl, Ncat and socat.

import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, freePort, has, run, serve, start, startWeb } from "./listener-support.ts";

const hasCurl = has("curl");
const hasNcat = has("ncat");
const hasSocat = has("socat");

test.runIf(hasCurl)("curl", async () => {
  const web = await startWeb(Buffer.from("page"));
  const path = join(folder(), "socks");
  await serve({ unix: { path } });
  const { stdout, stderr } = await run("curl", [
    "-sS",
    "-x",
    `socks5h://localhost${path}`,
    `http://127.0.0.1:${web.port}/`,
  ]);
  expect([stdout.toString(), stderr]).toEqual(["page", ""]);
});

test.runIf(hasNcat)("ncat -U", async () => {
  const path = join(folder(), "socks");
  await serve({ unix: { path } });
  const { stdout } = await run("ncat", ["-U", "--no-shutdown", "-i", "1", path], Buffer.from("050100", "hex"));
  expect(stdout.toString("hex")).toBe("0500");
});

test.runIf(hasSocat && hasCurl)("socat as the way there", async () => {
  const web = await startWeb(Buffer.from("page"));
  const path = join(folder(), "socks");
  await serve({ unix: { path } });
  const local = await freePort();
  await start(["socat", `TCP-LISTEN:${local},bind=127.0.0.1,reuseaddr,fork`, `UNIX-CONNECT:${path}`], local);
  const { stdout } = await run("curl", ["-sS", "-x", `socks4a://127.0.0.1:${local}`, `http://127.0.0.1:${web.port}/`]);
  expect(stdout.toString()).toBe("page");
});
