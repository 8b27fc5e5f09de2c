import { join } from "node:path";
import { inspect } from "node:util";
import { authorityCertificate, certificatePair, certificatePath } from "@sockskit/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { printConfig } from "../../src/config/print.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { folderWith, loadText, problemsOf } from "./load-text.ts";

const CANARY = "canary-51d8";

afterEach(() => vi.unstubAllEnvs());

test("the short and the long form, as the server is told", async () => {
  const { options } = await loadText(`
upstreams:
  office: [["socks5h://gw:${CANARY}@10.1.1.1", "socks4a://10.2.2.2"], ["socks5h://10.3.3.3:3128"]]
  tor: { alternatives: [["socks5h://127.0.0.1:9050"]], forwardCredentials: true }
rules: [{ allow: {}, via: office }, { allow: {}, via: tor }]
`);
  expect(options.rules?.map(({ via }) => via)).toEqual(["office", "tor"]);
  expect(options.upstreams).toMatchObject({
    office: {
      forwardCredentials: false,
      alternatives: [
        [{ proxy: { scheme: "socks5h" } }, { proxy: { scheme: "socks4a" } }],
        [{ proxy: { address: { port: 3128 } } }],
      ],
    },
    tor: { forwardCredentials: true, alternatives: [[{ proxy: { address: { port: 9050 } } }]] },
  });
  expect(inspect(options, { depth: 9, showHidden: true })).not.toContain(CANARY);
});

describe("passwords that stand elsewhere", () => {
  const files = (content: string): string =>
    folderWith({
      "c.yaml": `upstreams: { a: [[{ url: "socks5h://gw@10.1.1.1", passwordFile: secret }]] }\nrules: [{ allow: {}, via: a }]`,
      secret: content,
    });
  const passwordIn = async (folder: string): Promise<string> => {
    const loaded = await loadConfig(join(folder, "c.yaml"), {});
    expect(printConfig(loaded)).toContain('{ url: "socks5h://gw@10.1.1.1:1080", passwordFile: "secret" }');
    expect(printConfig(loaded)).not.toContain(CANARY);
    // Only the server gets it, out of a place where nothing is printed.
    const { credentialsOf } = await import("@sockskit/url");
    const { a } = loaded.options.upstreams as {
      a: { alternatives: { proxy: Parameters<typeof credentialsOf>[0] }[][] };
    };
    const [[hop] = []] = a.alternatives;
    return hop === undefined ? "" : (credentialsOf(hop.proxy)?.password ?? "");
  };

  test("in a file, with or without an end of line", async () => {
    expect(await passwordIn(files(`${CANARY}\n`))).toBe(CANARY);
    expect(await passwordIn(files(`${CANARY} %:@/\r\n`))).toBe(`${CANARY} %:@/`);
  });

  test.each([
    ["", "expected a file with the password on one line"],
    ["\n", "expected a file with the password on one line"],
    [`${CANARY}\n${CANARY}\n`, "expected a file with the password on one line"],
    [`${CANARY}${"x".repeat(255)}`, "expected a password of 1 to 255 bytes"],
    [`${CANARY}${"x".repeat(2000)}`, "the file is longer than 1024 bytes"],
    [`${CANARY}\0`, "expected a password of 1 to 255 bytes"],
  ])("a file of no use is told with its place (%#)", async (content, message) => {
    const failed = await loadConfig(join(files(content), "c.yaml"), {}).catch((error: unknown) => error as Error);
    const text = (failed as Error).message;
    expect(text).toContain("c.yaml:1:");
    expect(text).toContain("upstreams.a[0][0].passwordFile: ");
    expect(text).toContain(message);
    expect(text).not.toContain(CANARY);
  });

  test("in the environment", async () => {
    const text = `upstreams: { a: [[{ url: "socks5h://gw@10.1.1.1", passwordEnv: GATEWAY_PASSWORD }]] }\nrules: [{ allow: {}, via: a }]`;
    expect(await problemsOf(text)).toEqual([
      "c.yaml:1:64 upstreams.a[0][0].passwordEnv: GATEWAY_PASSWORD is not set, or empty",
    ]);
    vi.stubEnv("GATEWAY_PASSWORD", CANARY);
    expect(await problemsOf(text)).toEqual([]);
  });

  test.each([
    ['url: "socks5h://10.1.1.1"', "url: expected a user name that the password belongs to"],
    [`url: "socks5h://gw:${CANARY}@10.1.1.1"`, "passwordEnv: the URL has a password already; expected one of them"],
    ['url: "socks4a://gw@10.1.1.1"', "passwordEnv: SOCKS 4 knows no password"],
    ['url: "socks5h://gw@10.1.1.1", passwordFile: x', "passwordEnv: there is a passwordFile already"],
  ])("%s does not go with it", async (hop, message) => {
    const [problem = ""] = await problemsOf(`upstreams: { a: { alternatives: [[{ ${hop}, passwordEnv: PATH }]] } }`);
    expect(problem).toContain(`upstreams.a.alternatives[0][0].${message}`);
    expect(problem).not.toContain(CANARY);
  });
});

test.each([
  [
    'upstreams: { office: [["socks5h://a"]] }\nrules: [{ allow: {}, via: ofice }]',
    'c.yaml:2:27 rules[0].via: found "ofice", expected the name of an upstream, one of office; did you mean "office"?',
  ],
  [
    "rules: [{ allow: {}, via: office }]",
    'c.yaml:1:27 rules[0].via: found "office", expected the name of an upstream, there are none (upstreams)',
  ],
  [
    'upstreams: { a: [["socks5h://a"]] }\nrules: [{ deny: {}, via: a }]',
    'c.yaml:2:26 rules[0].via: found "a", expected no via: a deny lets nothing through',
  ],
  ['upstreams: { a: ["socks5h://a"] }', "c.yaml:1:18 upstreams.a[0]: expected a list"],
  ["upstreams: { a: [] }", "c.yaml:1:17 upstreams.a: found a list, expected at least 1"],
  ["upstreams: { a: [[]] }", "c.yaml:1:18 upstreams.a[0]: found a list, expected at least 1"],
  ['upstreams: { "a b": [["socks5h://a"]] }', "c.yaml:1:21 upstreams.a b: expected a name of 1 to 64 letters"],
  [
    'listen: [127.0.0.1:1090]\nupstreams: { a: [["socks5h://b", "socks5h://127.0.0.1:1090"]] }',
    "c.yaml:2:34 upstreams.a[0][1]: 127.0.0.1:1090 is a listener of this server",
  ],
  [
    'upstreams: { a: { alternatives: [["socks5h://127.0.0.1"]] } }',
    "c.yaml:1:35 upstreams.a.alternatives[0][0]: 127.0.0.1:1080 is a listener of this server",
  ],
  [
    'upstreams: { a: { alternative: [["socks5h://b"]] } }',
    'c.yaml:1:19 upstreams.a.alternative: unknown key; did you mean "alternatives"?',
  ],
  [
    'upstreams: { a: { alternatives: [["socks5h://b"]], forwardCredentials: 1 } }',
    "c.yaml:1:72 upstreams.a.forwardCredentials: expected true or false",
  ],
])("%s", async (text, expected) => {
  expect((await problemsOf(text)).join("\n")).toContain(expected);
});

test("what is hardly meant is told, and no mistake", async () => {
  const { warnings } = await loadText(`
upstreams:
  unused: [["socks5h://a"]]
  chain: { alternatives: [["socks5h://a", "socks5h://b"]], forwardCredentials: true }
  old: [["socks4a://a"]]
rules:
  - { allow: { commands: [udp-associate, bind] }, via: chain }
  - { allow: { commands: [udp-associate, bind] }, via: old }
`);
  expect(warnings.map((warning) => formatProblem(warning).replace(/^.*c\.yaml:/u, ""))).toEqual([
    "3:11 upstreams.unused: no rule sends anything there (via)",
    "4:80 upstreams.chain.forwardCredentials: nobody logs in with a password here, so there is none to forward",
    "7:56 rules[0].via: chain carries no datagrams: that takes a chain of one SOCKS 5 proxy without TLS",
    "7:56 rules[0].via: chain does not serve BIND: that takes a chain of one SOCKS proxy",
    "8:56 rules[1].via: old carries no datagrams: that takes a chain of one SOCKS 5 proxy without TLS",
  ]);
});

describe("TLS and PROXY headers", () => {
  const at = (hop: string): string => `upstreams: { a: [[{ ${hop} }]] }\nrules: [{ allow: {}, via: a }]`;
  const ca = certificatePath("authority");

  test("files become what the server is told, and are printed as they were written", async () => {
    const { cert, key } = { cert: certificatePath("alice"), key: certificatePath("alice.key") };
    const files = `{ ca: ${JSON.stringify(ca)}, cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)}, serverName: gw.example }`;
    const loaded = await loadText(at(`url: "socks5s://10.1.1.1", tls: ${files}, proxyProtocol: v2`));
    expect(loaded.options.upstreams).toMatchObject({
      a: {
        alternatives: [
          [
            {
              tls: { ca: authorityCertificate(), ...certificatePair("alice"), servername: "gw.example" },
              proxyProtocol: "v2",
            },
          ],
        ],
      },
    });
    const printed = printConfig(loaded);
    expect(printed).toContain(`{ url: "socks5s://10.1.1.1:1080", tls: ${files.replace("gw.example", '"gw.example"')}`);
    expect(printed).toContain("proxyProtocol: v2 }");
    expect(printed).toContain('"a": # names are passed on');
    expect(printed).not.toContain("PRIVATE KEY");
  });

  test.each([
    ['url: "socks5h://a", tls: {}', "tls: socks5h:// has no TLS"],
    ['url: "socks5s://a", tls: { ca: nowhere.pem }', "tls.ca: "],
    [`url: "socks5s://a", tls: { cert: ${JSON.stringify(ca)} }`, "cert without its key"],
    [`url: "socks5s://a", tls: { cert: ${JSON.stringify(ca)}, key: ${JSON.stringify(ca)} }`, "expected PEM"],
    ['url: "socks5s://a", tls: { verify: false }', "tls.verify: unknown key"],
    ['url: "socks5s://a", proxyProtocol: 2', "proxyProtocol: expected one of off, v1, v2"],
    ['url: "auto://a"', "expected a scheme that says the version"],
  ])("%s", async (hop, message) => {
    const [problem = "", ...others] = await problemsOf(at(hop));
    expect(problem).toMatch(/^c\.yaml:1:\d+ upstreams\.a\[0\]\[0\]/u);
    expect(problem).toContain(message);
    expect(others).toEqual([]);
  });
});
