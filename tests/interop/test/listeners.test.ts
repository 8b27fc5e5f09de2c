// Listeners with TLS, on Unix sockets and behind balancers, with real programs: OpenSSL, stunnel, Ncat and socat as the TLS
// client in front of curl, HAProxy as a balancer that announces clients, HAProxy and nginx as targets that are told who comes.

import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { certificatePair, certificatePath, authorityCertificate } from "@sockskit/testing";
import {
  createServer,
  type ListenOptions,
  type ServerOptions,
  type SessionConnected,
  type SessionDenied,
} from "@sockskit/server";
import { afterEach, describe, expect, test } from "vitest";

const required = process.env["CI"] === "true";
const PATH = `${process.env["PATH"]}:/usr/sbin`;

function has(program: string): boolean {
  const isThere = PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!isThere && !required) console.log(`skipped: ${program} is not installed`);
  return isThere || required;
}

const hasCurl = has("curl");
const hasOpenssl = has("openssl");
const hasStunnel = has("stunnel4");
const hasNcat = has("ncat");
const hasSocat = has("socat");
const hasHaproxy = has("haproxy");
const hasNginx = has("nginx");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sockskit-listeners-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A file of this content, gone after the test. */
function file(name: string, content: string): string {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Starts a program that listens on a port, and waits until it does. */
async function start(argv: readonly string[], port: number): Promise<void> {
  const [command = "", ...options] = argv;
  const child = spawn(command, options, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PATH } });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk) => (said += String(chunk)));
  const exit = once(child, "exit");
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  for (let tries = 0; tries < 400; tries++) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new TypeError(`${command} does not listen: ${said}`);
}

interface Ended {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], input?: string | Buffer): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { encoding: "buffer" as const, maxBuffer: 2 ** 28, timeout: 60_000, env: { ...process.env, PATH } };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      resolve({
        status: typeof error?.code === "number" ? error.code : error === null ? 0 : 1,
        stdout,
        stderr: stderr.toString(),
      });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}

interface Running {
  readonly port: number;
  readonly connected: SessionConnected[];
  readonly denied: SessionDenied[];
}

async function serve(entry: ListenOptions, options: Omit<ServerOptions, "listen"> = {}): Promise<Running> {
  const server = createServer({ listen: [entry.unix === undefined ? { port: 0, ...entry } : entry], ...options });
  const connected: SessionConnected[] = [];
  const denied: SessionDenied[] = [];
  server.on("connected", (event) => connected.push(event)).on("denied", (event) => denied.push(event));
  cleanups.push(() => server.close());
  const [first] = await server.listen();
  return { port: first?.port ?? 0, connected, denied };
}

/** A web server that gives `body`, and says what it was sent. */
async function startWeb(body: Buffer): Promise<{ port: number; received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(Buffer.concat(chunks));
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as net.AddressInfo).port, received };
}

function digest(data: Buffer | undefined): string {
  return createHash("sha256")
    .update(data ?? "nothing")
    .digest("hex");
}

const TLS = { certificates: [certificatePair("server")] } as const;
const MUTUAL = { ...TLS, clientCa: authorityCertificate() } as const;
const ALICE = ["-cert", certificatePath("alice"), "-key", certificatePath("alice.key")];

/** stunnel with this section, in front of a server. */
async function startStunnel(target: number, lines: readonly string[] = []): Promise<number> {
  const port = await freePort();
  const section = [
    "foreground = yes",
    "pid =",
    "[socks]",
    "client = yes",
    `accept = 127.0.0.1:${port}`,
    `connect = 127.0.0.1:${target}`,
    `CAfile = ${certificatePath("authority")}`,
    "verifyChain = yes",
    "checkHost = localhost",
    "sni = localhost",
    ...lines,
  ];
  await start(["stunnel4", file("stunnel.conf", `${section.join("\n")}\n`)], port);
  return port;
}

describe("SOCKS over TLS", () => {
  test.runIf(hasStunnel && hasCurl)("stunnel and curl: 64 MiB down and up", { timeout: 120_000 }, async () => {
    const body = randomBytes(64 * 2 ** 20);
    const web = await startWeb(body);
    const { port } = await serve({ tls: TLS });
    const local = await startStunnel(port);
    const down = await run("curl", ["-sS", "-x", `socks5h://127.0.0.1:${local}`, `http://127.0.0.1:${web.port}/`]);
    expect([down.status, down.stderr, digest(down.stdout)]).toEqual([0, "", digest(body)]);
    const up = await run(
      "curl",
      [
        "-sS",
        "-x",
        `socks4a://127.0.0.1:${local}`,
        "--data-binary",
        "@-",
        "-o",
        "/dev/null",
        `http://127.0.0.1:${web.port}/`,
      ],
      body,
    );
    expect([up.status, digest(web.received.at(-1))]).toEqual([0, digest(body)]);
  });

  test.runIf(hasStunnel && hasCurl)("a client certificate of stunnel is the user", async () => {
    const web = await startWeb(Buffer.from("page"));
    const rules = [{ action: "allow", users: ["alice"], to: ["loopback"] }] as const;
    const { port, connected } = await serve({ tls: MUTUAL }, { rules });
    const local = await startStunnel(port, [
      `cert = ${certificatePath("alice")}`,
      `key = ${certificatePath("alice.key")}`,
    ]);
    const { stdout } = await run("curl", [
      "-sS",
      "-x",
      `socks5h://127.0.0.1:${local}`,
      `http://127.0.0.1:${web.port}/`,
    ]);
    expect(stdout.toString()).toBe("page");
    expect(connected).toMatchObject([{ user: "alice" }]);
  });

  const hello = Buffer.from("050100", "hex");

  test.runIf(hasOpenssl)("openssl s_client: versions, SNI, the chain, an answer to the greeting", async () => {
    const both = { certificates: [certificatePair("server"), certificatePair("other-server")] };
    const { port } = await serve({ tls: both }, { timeouts: { handshakeMs: 2_000 } });
    for (const [options, version, name] of [
      [["-tls1_2", "-servername", "localhost"], "TLSv1.2", "CN = server"],
      [["-tls1_3", "-servername", "other.example"], "TLSv1.3", "CN = other server"],
      [["-noservername"], "TLSv1.3", "CN = server"],
    ] as const) {
      const args = [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        "-CAfile",
        certificatePath("authority"),
        "-alpn",
        "h2",
        ...options,
      ];
      const { stdout } = await run("openssl", args);
      const text = stdout.toString();
      expect(text).toMatch(/Verify return code: 0 \(ok\)/u);
      expect(text).toContain("No ALPN negotiated");
      expect(text).toContain(version);
      expect(text).toMatch(new RegExp(`subject=${name}\n`, "u"));
    }
    const old = await run("openssl", [
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-tls1_1",
      "-cipher",
      "DEFAULT@SECLEVEL=0",
    ]);
    expect(old.status).not.toBe(0);
    expect(old.stderr).toMatch(/alert protocol version/u);
    const quiet = ["s_client", "-quiet", "-connect", `127.0.0.1:${port}`, "-CAfile", certificatePath("authority")];
    expect((await run("openssl", quiet, hello)).stdout.toString("hex")).toBe("0500");
  });

  test.runIf(hasOpenssl)(
    "openssl s_client that does not trust us, and one without a certificate where it needs one",
    async () => {
      const { port, denied } = await serve({ tls: MUTUAL });
      const to = ["s_client", "-connect", `127.0.0.1:${port}`];
      await run("openssl", [...to, "-CAfile", certificatePath("stranger"), "-verify_return_error", ...ALICE]);
      await run("openssl", [...to, "-CAfile", certificatePath("authority")]);
      await run("openssl", [
        ...to,
        "-cert",
        certificatePath("strange-alice"),
        "-key",
        certificatePath("strange-alice.key"),
      ]);
      expect(denied.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/alert unknown ca/u) as string,
        "the client showed no certificate, and must (tls.clientCa)",
        expect.stringMatching(/not accepted: UNABLE_TO_/u) as string,
      ]);
    },
  );

  test.runIf(hasNcat)("ncat --ssl gets an answer to its greeting", async () => {
    const { port } = await serve({ tls: TLS });
    const { stdout } = await run("ncat", ["--ssl", "--no-shutdown", "-i", "1", "127.0.0.1", String(port)], hello);
    expect(stdout.toString("hex")).toBe("0500");
  });

  test.runIf(hasSocat && hasCurl)("socat with TLS in front of curl", async () => {
    const web = await startWeb(Buffer.from("page"));
    const { port } = await serve({ tls: TLS });
    const local = await freePort();
    const far = `OPENSSL:127.0.0.1:${port},cafile=${certificatePath("authority")},commonname=localhost,snihost=localhost`;
    await start(["socat", `TCP-LISTEN:${local},bind=127.0.0.1,reuseaddr,fork`, far], local);
    const { stdout, stderr } = await run("curl", [
      "-sS",
      "-x",
      `socks5h://127.0.0.1:${local}`,
      `http://127.0.0.1:${web.port}/`,
    ]);
    expect([stdout.toString(), stderr]).toEqual(["page", ""]);
  });

  test.runIf(hasCurl)("curl that speaks SOCKS without TLS is told at once, and the reason is logged", async () => {
    const { port, denied } = await serve({ tls: TLS });
    const { status, stderr } = await run("curl", ["-sS", "-x", `socks5h://127.0.0.1:${port}`, "http://127.0.0.1:9/"]);
    expect(status).toBe(97);
    expect(stderr).toContain("connection to proxy closed");
    expect(denied).toMatchObject([{ reason: "expected TLS, but the client speaks SOCKS 5 without it" }]);
  });
});

describe("Unix sockets", () => {
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
    const { stdout } = await run("curl", [
      "-sS",
      "-x",
      `socks4a://127.0.0.1:${local}`,
      `http://127.0.0.1:${web.port}/`,
    ]);
    expect(stdout.toString()).toBe("page");
  });
});

/** HAProxy with these lines; it listens on `port`. */
async function startHaproxy(port: number, lines: readonly string[]): Promise<void> {
  const head = ["defaults", "  timeout connect 5s", "  timeout client 30s", "  timeout server 30s"];
  await start(["haproxy", "-db", "-f", file("haproxy.cfg", `${[...head, ...lines].join("\n")}\n`)], port);
}

describe("HAProxy as a balancer in front", () => {
  test.runIf(hasHaproxy && hasCurl).each([
    ["send-proxy", {}],
    ["send-proxy-v2", {}],
    ["send-proxy-v2 proxy-v2-options crc32c,unique-id", {}],
    [
      `send-proxy-v2 ssl verify required ca-file ${certificatePath("authority")} sni str(localhost) verifyhost localhost`,
      { tls: TLS },
    ],
  ] as const)("%s: rules and logs see curl's address", async (how, others) => {
    const web = await startWeb(Buffer.from("page"));
    const rules = [{ action: "allow", clients: ["127.0.0.77"], to: ["loopback"] }] as const;
    const from = ["127.0.0.1"];
    const { port, connected, denied } = await serve(
      { proxyProtocol: { from }, ...others },
      { rules, allowOpenProxy: true },
    );
    const local = await freePort();
    await startHaproxy(local, [
      "listen socks",
      "  mode tcp",
      `  bind 127.0.0.1:${local}`,
      `  server one 127.0.0.1:${port} ${how}`,
    ]);
    const curl = ["-sS", "-x", `socks5h://127.0.0.1:${local}`, `http://127.0.0.1:${web.port}/`];
    const { stdout, stderr } = await run("curl", ["--interface", "127.0.0.77", ...curl]);
    expect([stdout.toString(), stderr]).toEqual(["page", ""]);
    expect(connected).toMatchObject([{ client: { host: "127.0.0.77" } }]);
    // Another client of the same balancer is another client.
    const { status } = await run("curl", curl);
    expect(status).toBe(97);
    expect(denied.at(-1)).toMatchObject({ client: { host: "127.0.0.1" }, code: "ERR_SOCKS_DENIED" });
  });

  test.runIf(hasHaproxy && hasCurl)("a balancer that is not listed is refused", async () => {
    const { port, denied } = await serve({ proxyProtocol: { from: ["192.0.2.1"] } }, { allowOpenProxy: true });
    const local = await freePort();
    await startHaproxy(local, [
      "listen socks",
      "  mode tcp",
      `  bind 127.0.0.1:${local}`,
      `  server one 127.0.0.1:${port} send-proxy`,
    ]);
    const { status } = await run("curl", ["-sS", "-x", `socks5h://127.0.0.1:${local}`, "http://127.0.0.1:9/"]);
    expect(status).toBe(97);
    expect(denied.at(-1)).toMatchObject({ code: "ERR_SOCKS_PROXY_SPOOFED" });
  });

  test.runIf(hasHaproxy)("its health checks pass, by LOCAL and over a Unix socket", async () => {
    const path = join(folder(), "socks");
    const { denied } = await serve(
      { unix: { path }, proxyProtocol: { from: ["127.0.0.1"] } },
      { allowOpenProxy: true },
    );
    const local = await freePort();
    const stats = await freePort();
    await startHaproxy(local, [
      "listen socks",
      "  mode tcp",
      "  option tcp-check",
      "  tcp-check connect send-proxy",
      "  tcp-check send-binary 050100",
      "  tcp-check expect binary 0500",
      `  bind 127.0.0.1:${local}`,
      `  server one unix@${path} send-proxy-v2 check inter 100`,
      "listen stats",
      "  mode http",
      `  bind 127.0.0.1:${stats}`,
      "  stats enable",
      "  stats uri /",
    ]);
    let state = "";
    for (let tries = 0; tries < 100 && !/,one,.*L7OK/u.test(state); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      state = await (await fetch(`http://127.0.0.1:${stats}/;csv`)).text();
    }
    expect(state).toMatch(/,one,.*,UP,.*L7OK/u);
    expect(denied).toEqual([]);
  });
});

describe("targets that are told who comes", () => {
  test.runIf(hasNginx && hasCurl).each(["v1", "v2"] as const)("nginx, %s", async (proxyProtocol) => {
    const local = await freePort();
    const place = folder();
    mkdirSync(join(place, "tmp"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${place}/tmp/${name};`,
    );
    const http = `${temporary.join(" ")} access_log off; server { listen 127.0.0.1:${local} proxy_protocol; return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; }`;
    const configuration = `daemon off; pid ${place}/pid; error_log ${place}/error.log; events {} http { ${http} }`;
    await start(["nginx", "-e", join(place, "early.log"), "-c", file("nginx.conf", configuration)], local);
    const { port } = await serve({}, { outbound: { proxyProtocol } });
    const { stdout, stderr } = await run("curl", [
      "-sS",
      "--interface",
      "127.0.0.77",
      "-x",
      `socks5h://127.0.0.1:${port}`,
      `http://127.0.0.1:${local}/`,
    ]);
    expect([stdout.toString(), stderr]).toEqual([`127.0.0.77 ${local}`, ""]);
  });

  test.runIf(hasHaproxy && hasCurl).each(["v1", "v2"] as const)("HAProxy, %s, by a rule", async (proxyProtocol) => {
    const local = await freePort();
    await startHaproxy(local, [
      "frontend web",
      "  mode http",
      `  bind 127.0.0.1:${local} accept-proxy`,
      '  http-request return content-type text/plain lf-string "%[src] %[dst_port]"',
    ]);
    const rules = [{ action: "allow", ports: [local], proxyProtocol }] as const;
    const { port } = await serve({}, { rules });
    const { stdout, stderr } = await run("curl", [
      "-sS",
      "--interface",
      "127.0.0.77",
      "-x",
      `socks5h://127.0.0.1:${port}`,
      `http://127.0.0.1:${local}/`,
    ]);
    expect([stdout.toString(), stderr]).toEqual([`127.0.0.77 ${local}`, ""]);
    // Over a Unix socket nothing is known of the client: the target sees who connected.
    const path = join(folder(), "socks");
    await serve({ unix: { path } }, { rules });
    const unknown = await run("curl", ["-sS", "-x", `socks5h://localhost${path}`, `http://127.0.0.1:${local}/`]);
    expect([unknown.stdout.toString(), unknown.stderr]).toEqual([`127.0.0.1 ${local}`, ""]);
  });

  test.runIf(hasHaproxy && hasCurl)(
    "HAProxy as a balancer in front and as the target: the client's address goes all the way",
    async () => {
      const web = await freePort();
      await startHaproxy(web, [
        "frontend web",
        "  mode http",
        `  bind 127.0.0.1:${web} accept-proxy`,
        '  http-request return content-type text/plain lf-string "%[src]"',
      ]);
      const rules = [{ action: "allow", to: ["loopback"], proxyProtocol: "v2" }] as const;
      const { port } = await serve({ proxyProtocol: { from: ["127.0.0.1"] } }, { rules, allowOpenProxy: true });
      const local = await freePort();
      await startHaproxy(local, [
        "listen socks",
        "  mode tcp",
        `  bind 127.0.0.1:${local}`,
        `  server one 127.0.0.1:${port} send-proxy`,
      ]);
      const { stdout } = await run("curl", [
        "-sS",
        "--interface",
        "127.0.0.77",
        "-x",
        `socks5h://127.0.0.1:${local}`,
        `http://127.0.0.1:${web}/`,
      ]);
      expect(stdout.toString()).toBe("127.0.0.77");
    },
  );
});
