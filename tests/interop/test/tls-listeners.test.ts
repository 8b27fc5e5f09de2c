// SOCKS over TLS with real programs: OpenSSL, stunnel, Ncat and socat as the TLS client, the last three in front of curl.

import { randomBytes } from "node:crypto";
import { authorityCertificate, certificatePair, certificatePath } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { digest, file, freePort, has, run, serve, start, startWeb, TLS } from "./listener-support.ts";

const hasCurl = has("curl");
const hasOpenssl = has("openssl");
const hasStunnel = has("stunnel4");
const hasNcat = has("ncat");
const hasSocat = has("socat");

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
