// The PROXY protocol with real programs: HAProxy as a balancer that announces clients, HAProxy and nginx as targets that are told
// who comes.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { certificatePath } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { file, folder, freePort, has, run, serve, start, startWeb, TLS } from "./listener-support.ts";

const hasCurl = has("curl");
const hasHaproxy = has("haproxy");
const hasNginx = has("nginx");

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
