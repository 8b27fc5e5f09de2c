import { join } from "node:path";
import { expect, test } from "vitest";
import { listenEcho, octets, readOctets } from "@sockskit/testing";
import { connectTo, folder, runToEnd, Sockskitd } from "./sockskitd.ts";

const isHere = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
const why = isHere ? "" : " (not run: it needs Linux on x86-64 or arm64)";

/** Modules that take away what the fast path needs, and what is then said of it. */
const LACKS: readonly (readonly [what: string, prelude: string, reason: string])[] = [
  ["the package is not installed", lacks("@sockskit/fastpath"), "the package @sockskit/fastpath cannot be loaded: "],
  ["koffi is not installed", lacks("koffi"), "the library koffi does not work here: there is no koffi"],
  [
    "koffi has no library for this machine",
    `import { registerHooks } from "node:module";
     registerHooks({ load: (url, context, next) => url.includes("/koffi/")
       ? { format: "module", shortCircuit: true, source: "throw new TypeError('no library')" } : next(url, context) });`,
    "no library",
  ],
  [
    "another system",
    `Object.defineProperty(process, "platform", { value: "sunos" });`,
    "it needs Linux, and this is sunos",
  ],
  [
    "another processor",
    `Object.defineProperty(process, "arch", { value: "riscv64" });`,
    "it knows the processors x64 and arm64, and this is riscv64",
  ],
  [
    "a Node that does not tell descriptors",
    `import net from "node:net";
     const { listen } = net.Server.prototype;
     net.Server.prototype.listen = function (...words) {
       this.once("listening", () => Object.defineProperty(this._handle, "fd", { value: undefined }));
       return listen.apply(this, words);
     };`,
    "this Node does not tell the descriptor of a listening socket",
  ],
  [
    "a thread that ends as it starts",
    `import threads from "node:worker_threads";
     import { syncBuiltinESMExports } from "node:module";
     threads.Worker = class extends threads.Worker {
       constructor() { super("throw new TypeError('not here')", { eval: true }); }
     };
     syncBuiltinESMExports();`,
    "its thread does not start: not here",
  ],
];

function lacks(name: string): string {
  return `import { registerHooks } from "node:module";
    registerHooks({ resolve(specifier, context, next) {
      if (specifier === "${name}") throw Object.assign(new TypeError("there is no ${name}\\nRequire stack:"), { code: "ERR_MODULE_NOT_FOUND" });
      return next(specifier, context);
    } });`;
}

test.runIf(isHere).each(LACKS)(
  `%s: auto serves portably and says so once, fastpath is refused${why}`,
  async (_, prelude, reason) => {
    const preludes = [join(folder({ "prelude.mjs": prelude }), "prelude.mjs")];
    const server = new Sockskitd(["--listen", "127.0.0.1:0", "--listen", "[::1]:0"], { preludes });
    const line = await server.line("engine");
    expect(line).toMatchObject({ level: "info", engine: "portable" });
    expect(line["reason"]).toContain(`the fast path cannot run here: `);
    expect(line["reason"]).toContain(reason);
    expect(line["reason"]).not.toContain("\n");
    await tunnel(await server.port());
    server.child.kill("SIGTERM");
    expect((await server.finished).status).toBe(0);
    expect(server.lines().filter((other) => JSON.stringify(other).includes("fast path"))).toEqual([line]);
    expect(server.stderr).toBe("");

    const refused = await runToEnd(["--engine", "fastpath", "--listen", "127.0.0.1:0"], { preludes });
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain(reason);
  },
);

test.runIf(isHere)(`auto is the fast path where it can run, and portable stays portable${why}`, async () => {
  const auto = new Sockskitd(["--listen", "127.0.0.1:0"]);
  const portable = new Sockskitd(["--listen", "127.0.0.1:0", "--engine", "portable"]);
  const fields = { level: "info", msg: "engine", time: expect.any(String) as string };
  expect(await auto.line("engine")).toEqual({ ...fields, engine: "fastpath", reason: "it can run here" });
  expect(await portable.line("engine")).toEqual({
    ...fields,
    engine: "portable",
    reason: "the option engine says so",
  });
  for (const server of [auto, portable]) await tunnel(await server.port());
});

test.runIf(isHere)(`check says which engine would run, and why${why}`, async () => {
  expect((await runToEnd(["check"])).stdout).toContain("\nengine: auto # fastpath: it can run here\n");
  expect((await runToEnd(["check", "--engine", "portable"])).stdout).toContain(
    "\nengine: portable # portable: the option engine says so\n",
  );
  const preludes = [join(folder({ "prelude.mjs": lacks("koffi") }), "prelude.mjs")];
  expect((await runToEnd(["check"], { preludes })).stdout).toContain(
    "\nengine: auto # portable: the fast path cannot run here: ",
  );
  expect(await runToEnd(["check", "--engine", "fastpath"], { preludes })).toMatchObject({ status: 2, stdout: "" });
});

/** One tunnel with five octets there and back. */
async function tunnel(port: number): Promise<void> {
  const echo = await listenEcho();
  const client = await connectTo(port);
  client.write(octets(`05 01 00 05 01 00 01 7f 00 00 01 ${echo.port.toString(16).padStart(4, "0")}`));
  client.write("hello");
  const answer = await readOctets(client, 17);
  expect(Buffer.from(answer.subarray(12)).toString()).toBe("hello");
  client.destroy();
  await echo.close();
}
