// Real programs that use BIND and UDP ASSOCIATE of sockskitd: active-mode FTP with vsftpd, DNS with unbound.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bind, connect, createUdpSocket } from "@sockskit/client";
import { readToEnd } from "@sockskit/testing";
import { type Address, formatAddress } from "@sockskit/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { Scope } from "../src/harness/scope.ts";
import { locate } from "../src/harness/tools.ts";
import { startServer } from "../src/peers/server-peer.ts";

const SOCKSKITD = fileURLToPath(new URL("../../../apps/server/bin/sockskitd.js", import.meta.url));
const SOCKSKIT = fileURLToPath(new URL("../../../apps/cli/bin/sockskit.js", import.meta.url));
const DEADLINE_MS = 20_000;
/** Debian's own Python, which has PySocks when python3-socks is installed. */
const PYTHON = "/usr/bin/python3";
const FILE_LENGTH = 3_000_000;
/** An A query for www.sockskit.test with the identifier 1234, RFC 1035 section 4. */
const QUERY = Buffer.from("1234010000010000000000000377777708736f636b736b697404746573740000010001", "hex");
/** 192.0.2.53, the address that the answer ends with. */
const ANSWER = "c0000235";

const PACKAGES = { vsftpd: "vsftpd", unbound: "unbound", curl: "curl", socksify: "dante-client" } as const;
const problems = Object.entries(PACKAGES).flatMap(([program, debian]) =>
  locate(program) === undefined ? [`${program} is not installed (Debian package ${debian})`] : [],
);
if ((await run([PYTHON, "-c", "import socks"])).status !== 0) {
  problems.push("PySocks is not installed (Debian package python3-socks)");
}
const required = process.env["CI"] === "true";
for (const problem of problems) console.log(`skipped: ${problem}`);

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}, input = ""): Promise<Finished> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { env: { ...process.env, ...env }, timeout: DEADLINE_MS });
  child.on("error", () => undefined);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("latin1").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("latin1").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined).end(input);
  const [status] = (await once(child, "close").catch(() => [null])) as [number | null];
  return { status, stdout, stderr };
}

describe.skipIf(problems.length > 0 && !required)("sockskitd", () => {
  const scope = new Scope();
  let folder = "";
  let proxy = 0;
  let ftp = 0;
  let dns = 0;
  let file = Buffer.alloc(0);

  beforeAll(async () => {
    folder = await scope.temporaryFolder();
    [proxy, ftp, dns] = [await freePort(), await freePort(), await freePort()];
    file = randomBytes(FILE_LENGTH);
    await startVsftpd();
    await startUnbound();
    await startServer(scope, proxy, [process.execPath, SOCKSKITD, "--listen", `127.0.0.1:${proxy}`]);
  }, DEADLINE_MS);
  afterAll(() => scope.close());

  async function startVsftpd(): Promise<void> {
    const root = join(folder, "ftp");
    await mkdir(root);
    await writeFile(join(root, "file.bin"), file);
    // Without rights of its own it serves with ours; it refuses a root that can be written.
    await chmod(root, 0o555);
    await chmod(folder, 0o755);
    const settings = {
      listen: "YES",
      listen_address: "127.0.0.1",
      listen_port: String(ftp),
      run_as_launching_user: "YES",
      background: "NO",
      seccomp_sandbox: "NO",
      isolate: "NO",
      isolate_network: "NO",
      anonymous_enable: "YES",
      no_anon_password: "YES",
      anon_root: root,
      port_enable: "YES",
      pasv_enable: "NO",
      connect_from_port_20: "NO",
    };
    const path = join(folder, "vsftpd.conf");
    await writeFile(
      path,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
    );
    await startServer(scope, ftp, [locate("vsftpd") ?? "vsftpd", path]);
  }

  async function startUnbound(): Promise<void> {
    const path = join(folder, "unbound.conf");
    const lines = [
      "server:",
      ` interface: 127.0.0.1@${dns}`,
      ' username: ""',
      ' chroot: ""',
      ` directory: "${folder}"`,
      ' pidfile: ""',
      " use-syslog: no",
      " do-daemonize: no",
      " do-ip6: no",
      " module-config: iterator",
      ' local-zone: "sockskit.test." static',
      ' local-data: "www.sockskit.test. A 192.0.2.53"',
      "",
    ];
    await writeFile(path, lines.join("\n"));
    await startServer(scope, dns, [locate("unbound") ?? "unbound", "-d", "-c", path]);
  }

  /** The environment in which Dante's client sends a program through the proxy. */
  async function danteEnvironment(version: "socks_v4" | "socks_v5"): Promise<Record<string, string>> {
    const path = join(folder, `${version}.conf`);
    const udp = version === "socks_v5";
    const lines = [
      "route {",
      ` from: 0.0.0.0/0 to: 127.0.0.0/8 via: 127.0.0.1 port = ${proxy}`,
      ` command: connect bind${udp ? " udpassociate" : ""}`,
      ` protocol: tcp${udp ? " udp" : ""}`,
      ` proxyprotocol: ${version}`,
      " method: none",
      "}",
      "",
    ];
    await writeFile(path, lines.join("\n"));
    return { SOCKS_CONF: path, SOCKS_AUTOADD_LANROUTES: "no" };
  }

  describe("active-mode FTP with vsftpd", () => {
    test.each(["socks_v4", "socks_v5"] as const)("curl behind Dante's client, %s", async (version) => {
      const output = join(folder, `${version}.bin`);
      const curl = [
        "curl",
        "-sS",
        "--disable-eprt",
        "--ftp-port",
        "-",
        "-o",
        output,
        `ftp://127.0.0.1:${ftp}/file.bin`,
      ];
      const { status, stderr } = await run(["socksify", ...curl], await danteEnvironment(version));
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      expect(Buffer.compare(await readFile(output), file)).toBe(0);
    });

    test.each(["socks4", "socks5h"])("our own client, %s", async (scheme) => {
      const url = `${scheme}://127.0.0.1:${proxy}`;
      const control = await connect({ proxy: url, target: { host: "127.0.0.1", port: ftp } });
      scope.defer(() => control.destroy());
      const lines = createInterface(control)[Symbol.asyncIterator]();
      const answer = async (): Promise<string> => String((await lines.next()).value).slice(0, 3);
      const ask = (command: string): Promise<string> => {
        control.write(`${command}\r\n`);
        return answer();
      };
      expect(await answer()).toBe("220");
      expect(await ask("USER anonymous")).toBe("230");
      expect(await ask("TYPE I")).toBe("200");
      const binding = await bind({ proxy: url, peer: "127.0.0.1" });
      const { host, port } = binding.address;
      expect(await ask(`PORT ${host.replaceAll(".", ",")},${port >> 8},${port & 0xff}`)).toBe("200");
      control.write("RETR file.bin\r\n");
      const data = await binding.accept();
      scope.defer(() => data.destroy());
      expect(Buffer.compare(Buffer.from(await readToEnd(data, DEADLINE_MS)), file)).toBe(0);
      expect(await answer()).toBe("150");
      expect(await answer()).toBe("226");
    });
  });

  describe("DNS with unbound", () => {
    const lookUp = (create: string): string =>
      `import socket, sys\n${create}\ns.settimeout(10)\n` +
      `s.sendto(bytes.fromhex("${QUERY.toString("hex")}"), ("127.0.0.1", ${dns}))\n` +
      "data, source = s.recvfrom(4096)\nprint(data.hex()[-8:], *source)\n";

    test("a Python program behind Dante's client", async () => {
      const program = lookUp("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)");
      const { stdout, stderr } = await run(["socksify", PYTHON, "-c", program], await danteEnvironment("socks_v5"));
      expect(stdout.trim(), stderr).toBe(`${ANSWER} 127.0.0.1 ${dns}`);
    });

    test("PySocks", async () => {
      const program = lookUp(
        `import socks\ns = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)\ns.set_proxy(socks.SOCKS5, "127.0.0.1", ${proxy})`,
      );
      const { stdout, stderr } = await run([PYTHON, "-c", program]);
      expect(stdout.trim(), stderr).toBe(`${ANSWER} 127.0.0.1 ${dns}`);
    });

    test.each(["127.0.0.1", "localhost"])("our own client, which calls the server %s", async (host) => {
      const socket = await createUdpSocket({ proxy: `socks5h://127.0.0.1:${proxy}` });
      scope.defer(() => socket.close());
      const message = once(socket, "message", { signal: AbortSignal.timeout(DEADLINE_MS) });
      await socket.send(QUERY, { host, port: dns });
      const [data, source] = (await message) as [Buffer, Address];
      expect([data.toString("hex").slice(-8), formatAddress(source)]).toEqual([ANSWER, `127.0.0.1:${dns}`]);
    });

    test("sockskit udp", async () => {
      const argv = [process.execPath, SOCKSKIT, "udp", "-x", `socks5h://127.0.0.1:${proxy}`, "--hex", "-n", "1"];
      const { stdout, stderr } = await run([...argv, `127.0.0.1:${dns}`], {}, `${QUERY.toString("hex")}\n`);
      expect(stdout.trim(), stderr).toMatch(new RegExp(`^127\\.0\\.0\\.1:${dns} 1234.*${ANSWER}$`, "u"));
    });
  });
});
