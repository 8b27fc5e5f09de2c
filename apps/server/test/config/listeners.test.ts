import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { certificatePath } from "@sockskit/testing";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { printConfig } from "../../src/config/print.ts";
import { ConfigError, formatProblem } from "../../src/config/problem.ts";
import { folderWith, loadText, problemsOf } from "./load-text.ts";

const pem = (name: Parameters<typeof certificatePath>[0]): string => readFileSync(certificatePath(name), "utf8");

/** A folder with certificates and this configuration. */
function withCertificates(text: string): string {
  const folder = folderWith({ "c.yaml": text });
  for (const name of ["server", "other-server", "late-server"] as const) {
    copyFileSync(certificatePath(name), join(folder, `${name}.pem`));
    copyFileSync(certificatePath(`${name}.key`), join(folder, `${name}.key`));
  }
  copyFileSync(certificatePath("authority"), join(folder, "ca.pem"));
  return folder;
}

/** The mistakes of a listener with these TLS keys, without the folder. */
async function tlsProblems(tls: string): Promise<readonly string[]> {
  const folder = withCertificates(`listen:\n  - address: 127.0.0.1:0\n    tls: ${tls}\n`);
  try {
    await loadConfig(join(folder, "c.yaml"), {});
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
  }
}

describe("certificates", () => {
  test("files are read from the folder of the configuration", async () => {
    const tls =
      "{ cert: server.pem, key: server.key, clientCa: ca.pem, sni: [{ cert: other-server.pem, key: other-server.key }] }";
    const folder = withCertificates(`listen: [{ address: 0.0.0.0:1080, tls: ${tls} }]`);
    const loaded = await loadConfig(join(folder, "c.yaml"), {});
    expect(loaded.options.listen).toEqual([
      {
        host: "0.0.0.0",
        port: 1080,
        tls: {
          certificates: [
            { cert: pem("server"), key: pem("server.key") },
            { cert: pem("other-server"), key: pem("other-server.key") },
          ],
          clientCa: pem("authority"),
        },
      },
    ]);
    const names = ["server.pem", "server.key", "other-server.pem", "other-server.key", "ca.pem"];
    expect(loaded.tlsPaths.toSorted()).toEqual(names.map((name) => join(folder, name)).toSorted());
    const printed = printConfig(loaded);
    expect(printed).toContain('tls: { cert: "server.pem", key: "server.key", sni: [');
    expect(printed).not.toContain("-----BEGIN");
  });

  test.each([
    ["{ cert: server.pem }", "3:10 listen[0].tls.key: missing; expected the path of a file, as text"],
    [
      "{ cert: server.pem, key: server.key, ca: x }",
      "3:47 listen[0].tls.ca: unknown key; expected one of cert, key, sni, clientCa",
    ],
    [
      "{ cert: missing.pem, key: server.key }",
      '3:18 listen[0].tls.cert: found "missing.pem", there is no such file; check the path',
    ],
    ["{ cert: server.pem, key: . }", '3:35 listen[0].tls.key: found ".", this is a folder; expected a file'],
    [
      "{ cert: c.yaml, key: server.key }",
      "3:18 listen[0].tls.cert: there is no PEM certificate in it; expected -----BEGIN CERTIFICATE-----",
    ],
    [
      "{ cert: server.pem, key: other-server.key }",
      "3:35 listen[0].tls.key: the private key does not belong to the certificate",
    ],
    ["{ cert: late-server.pem, key: late-server.key }", "3:18 listen[0].tls.cert: the certificate expired on "],
    [
      "{ cert: server.pem, key: server.key, clientCa: server.pem }",
      "3:57 listen[0].tls.clientCa: a certificate in it is not one of an authority",
    ],
    [
      "{ cert: server.pem, key: server.key, sni: [{ cert: other-server.pem, key: server.key }] }",
      "3:84 listen[0].tls.sni[0].key: the private key does not belong to the certificate",
    ],
  ])("%s", async (tls, problem) => {
    const [first, ...others] = await tlsProblems(tls);
    expect(first?.replace(/found "[^"]*\/(?:sockskitd-config-\w+)"/u, 'found "."')).toContain(`c.yaml:${problem}`);
    expect(others).toEqual([]);
  });

  test("every file that is missing is named at once", async () => {
    expect(await tlsProblems("{ cert: a, key: b, clientCa: c }")).toHaveLength(3);
  });

  const isRoot = process.getuid?.() === 0;
  test.runIf(!isRoot)(
    `a key that may not be read${isRoot ? " (not run: nothing is hidden from root)" : ""}`,
    async () => {
      const folder = withCertificates("listen: [{ address: 127.0.0.1:0, tls: { cert: server.pem, key: server.key } }]");
      chmodSync(join(folder, "server.key"), 0);
      await expect(loadConfig(join(folder, "c.yaml"), {})).rejects.toThrow(/tls\.key: found .*may not be read/u);
    },
  );
});

describe("Unix sockets", () => {
  test("path, permissions and group", async () => {
    const loaded = await loadText(
      'listen: ["unix:/run/a", { address: "unix:/run/b", mode: "0660", group: root }, { address: "unix:/run/c", group: 7 }]',
    );
    expect(loaded.options.listen).toEqual([
      { unix: { path: "/run/a" } },
      { unix: { path: "/run/b", mode: 0o660, group: 0 } },
      { unix: { path: "/run/c", group: 7 } },
    ]);
    const printed = printConfig(loaded);
    expect(printed).toContain('  - { address: "unix:/run/a", mode: "0600" }\n');
    expect(printed).toContain('  - { address: "unix:/run/b", mode: "0660", group: "root" }\n');
  });

  test("a path of the file is relative to it, one of a flag to the current folder", async () => {
    const folder = folderWith({ "c.yaml": 'listen: ["unix:socks"]' });
    const file = join(folder, "c.yaml");
    expect((await loadConfig(file, {})).options.listen).toEqual([{ unix: { path: join(folder, "socks") } }]);
    const flagged = await loadConfig(file, { listen: ["unix:socks"] });
    expect(flagged.options.listen).toEqual([{ unix: { path: join(process.cwd(), "socks") } }]);
  });

  test.each([
    ['listen: ["unix:"]', '1:10 listen[0]: found "unix:", expected the path of a socket behind unix:'],
    [
      'listen: [{ address: "unix:/run/x", mode: 660 }]',
      '1:42 listen[0].mode: found 660, expected permissions in octal, as text such as "0660"',
    ],
    [
      'listen: [{ address: "unix:/run/x", mode: "0999" }]',
      '1:42 listen[0].mode: found "0999", expected permissions in octal',
    ],
    [
      'listen: [{ address: "unix:/run/x", group: "no-such-group" }]',
      '1:43 listen[0].group: this system has no group "no-such-group"',
    ],
    [
      'listen: [{ address: 127.0.0.1:0, mode: "0660" }]',
      "1:40 listen[0].mode: only a Unix socket has permissions; expected an address such as unix:/run/socks",
    ],
    [
      `listen: [{ address: "unix:/run/${"x".repeat(120)}" }]`,
      "1:21 listen[0].address: the path is longer than the 107 octets",
    ],
    ['listen: ["unix:/run/x", "unix:/run/x"]', "1:25 listen[1]: unix:/run/x is there already, as listen[0]"],
  ])("%s", async (text, problem) => {
    expect((await problemsOf(text))[0]).toContain(`c.yaml:${problem}`);
  });
});

describe("PROXY headers", () => {
  test("from whom, and to whom", async () => {
    const text =
      "listen: [{ address: 127.0.0.1:0, proxyProtocol: { from: [10.0.0.0/8, 2001:db8::1] } }]\nallowOpenProxy: true\n" +
      "outbound: { proxyProtocol: v1 }\nrules: [{ allow: { ports: [25] }, proxyProtocol: v2 }]";
    const loaded = await loadText(text);
    expect(loaded.options.listen).toEqual([
      { host: "127.0.0.1", port: 0, proxyProtocol: { from: ["10.0.0.0/8", "2001:db8::1"] } },
    ]);
    expect(loaded.options.outbound).toMatchObject({ proxyProtocol: "v1" });
    expect(loaded.options.rules).toEqual([{ action: "allow", ports: [25], proxyProtocol: "v2" }]);
    const printed = printConfig(loaded);
    expect(printed).toContain('proxyProtocol: { from: ["10.0.0.0/8", "2001:db8::1"] }');
    expect(printed).toContain("{ allow: { ports: [25] }, proxyProtocol: v2 } # rule 1");
    expect(printed).toMatch(/^outbound: .*proxyProtocol: "v1" \}$/mu);
  });

  test.each([
    [
      "listen: [{ address: 127.0.0.1:0, proxyProtocol: {} }]",
      "1:49 listen[0].proxyProtocol.from: missing; expected a list",
    ],
    [
      "listen: [{ address: 127.0.0.1:0, proxyProtocol: { from: [lb.example] } }]",
      '1:58 listen[0].proxyProtocol.from[0]: found "lb.example", expected an IP address or a network',
    ],
    [
      "listen: [{ address: 127.0.0.1:0, proxyProtocol: { from: [10.0.0.1] } }]",
      "1:10 listen[0]: other hosts can reach 127.0.0.1:0",
    ],
    ["outbound: { proxyProtocol: v3 }", '1:28 outbound.proxyProtocol: found "v3", expected one of off, v1, v2'],
    [
      "rules: [{ deny: {}, proxyProtocol: v1 }]",
      '1:36 rules[0].proxyProtocol: found "v1", expected no proxyProtocol: a deny lets nothing through',
    ],
  ])("%s", async (text, problem) => {
    expect((await problemsOf(text))[0]).toContain(`c.yaml:${problem}`);
  });
});
