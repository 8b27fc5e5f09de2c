import { describe, expect, test } from "vitest";
import { loadText, problemsOf } from "./load-text.ts";

describe("mistakes: where, what, what was expected", () => {
  test.each<[string, string]>([
    [
      "listen: [proxy.example:1080]",
      '1:10 listen[0]: found "proxy.example:1080", expected an IP address with a port, such as 127.0.0.1:1080 or [::1]:1080; a name is not enough',
    ],
    [
      'listen: [":1081"]',
      '1:10 listen[0]: found ":1081", expected an IP address with a port, such as 127.0.0.1:1080 or [::1]:1080; every address of this host is 0.0.0.0:1081, which needs users',
    ],
    [
      'listen: ["*:1081"]',
      '1:10 listen[0]: found "*:1081", expected an IP address with a port, such as 127.0.0.1:1080 or [::1]:1080; every address of this host is 0.0.0.0:1081, which needs users',
    ],
    ["listen: [127.0.0.1:1, 127.0.0.1:1]", "1:23 listen[1]: 127.0.0.1:1 is there already, as listen[0]"],
    ["tls: { cert: a }", "1:1 tls: this key belongs to an entry of listen (listen[].tls)"],
    ["advertise: 192.0.2.1", "1:1 advertise: this key belongs to an entry of listen (listen[].advertise)"],
    ["listen: 127.0.0.1:1080", '1:9 listen: found "127.0.0.1:1080", expected a list'],
    ["listen: []", "1:9 listen: found a list, expected at least 1"],
    ["listen: [127.0.0.1:99999]", '1:10 listen[0]: found "127.0.0.1:99999", expected an IP address'],
    ["listen: [0x7f.1:80]", '1:10 listen[0]: found "0x7f.1:80", expected an IP address'],
    [
      "listen: [{ address: 127.0.0.1, port: 5 }]",
      "1:32 listen[0].port: unknown key; expected one of address, versions, auth",
    ],
    ["listen: [{ adress: 5 }]", '1:12 listen[0].adress: unknown key; did you mean "address"?'],
    ["listen: [{ versions: [4] }]", "1:10 listen[0].address: missing; expected an IP address"],
    ["listen: [{ address: 127.0.0.1, versions: [6] }]", "1:43 listen[0].versions[0]: found 6, expected one of 4, 5"],
    ["listen: [5]", "1:10 listen[0]: found 5, expected an IP address"],
    ["auth: { methods: [pass] }", '1:19 auth.methods[0]: found "pass", expected one of none, userpass'],
    [
      "auth: { users: [{ name: a }] }",
      "1:17 auth.users[0].password: missing; expected a password hash; make one with sockskitd passwd",
    ],
    ["auth: { methods: [chap] }", '1:18 auth.methods: "chap" needs users to compare with; expected auth.users'],
    ["auth: { methods: [cram] }", '1:18 auth.methods: "cram" needs users to compare with; expected auth.users'],
    ["auth: { methods: [nds] }", '1:19 auth.methods[0]: found "nds", expected one of none, userpass, chap, cram'],
    [
      "auth: { users: [{ name: a, password: { plan: x } }] }",
      '1:40 auth.users[0].password.plan: unknown key; did you mean "plain"?',
    ],
    ["auth: { ident: { mode: on } }", '1:24 auth.ident.mode: found "on", expected one of off, ask, require'],
    ["auth: { ident: { port: 0 } }", "1:24 auth.ident.port: found 0, expected a port from 1 to 65535"],
    ["auth: { ident: { port: 65536 } }", "1:24 auth.ident.port: found 65536, expected a port from 1 to 65535"],
    ["auth: { ident: { timeout: 2m } }", '1:27 auth.ident.timeout: found "2m", expected a duration from 1ms to 1m'],
    ["auth: { ident: { tiemout: 2s } }", '1:18 auth.ident.tiemout: unknown key; did you mean "timeout"?'],
    ["auth: { trustUserIds: yes }", '1:23 auth.trustUserIds: found "yes", expected true or false'],
    ["auth: { ident: require }", '1:16 auth.ident: found "require", expected a map'],
    ["auth: { usersFile: 5 }", "1:20 auth.usersFile: found 5, expected the path of a file, as text"],
    ["allowOpenProxy: yes", '1:17 allowOpenProxy: found "yes", expected true or false'],
    ["rules: { allow: {} }", "1:8 rules: found a map, expected a list"],
    ["rules: [allow]", '1:9 rules[0]: found "allow", expected a map'],
    ["rules: [{}]", "1:9 rules[0]: found a map, expected a rule with either allow or deny"],
    ["rules: [{ allow: {}, deny: {} }]", "1:9 rules[0]: found a map, expected a rule with either allow or deny"],
    ["rules:\n  - allow:\n    to: [a]", "2:11 rules[0].allow: found nothing, expected a map"],
    ["rules: [{ alow: {} }]", '1:11 rules[0].alow: unknown key; did you mean "allow"?'],
    [
      "rules: [{ deny: {}, limit: { rate: 1MB/s } }]",
      "1:28 rules[0].limit: found a map, expected no limit: a deny lets nothing through",
    ],
    [
      "rules: [{ allow: {}, limit: { rate: 10Mbit/s } }]",
      '1:37 rules[0].limit.rate: found "10Mbit/s", expected a rate such as 10MB/s, 500kB/s or 64KiB/s',
    ],
    [
      "rules: [{ allow: { to: [metdata] } }]",
      '1:25 rules[0].allow.to[0]: found "metdata", expected the set metadata (or "metdata." for a host of that name); did you mean metadata?',
    ],
    ["rules: [{ allow: { to: [127.1] } }]", "1:25 rules[0].allow.to[0]: found 127.1, expected a name"],
    ['rules: [{ allow: { to: ["0x7f.1"] } }]', '1:25 rules[0].allow.to[0]: found "0x7f.1", expected a name'],
    ["rules: [{ allow: { to: [] } }]", "1:24 rules[0].allow.to: found a list, expected a list of"],
    [
      "rules: [{ deny: { clients: [a.example] } }]",
      '1:29 rules[0].deny.clients[0]: found "a.example", expected an address',
    ],
    ['bind: { ports: "5-4" }', '1:16 bind.ports: found "5-4", expected ports from 1 to 65535, such as "40000-40999"'],
    ["udp: { ports: 0 }", "1:15 udp.ports: found 0, expected ports from 1 to 65535"],
    ["udp: { ports: 65536 }", "1:15 udp.ports: found 65536, expected ports from 1 to 65535"],
    ["udp: { fullcone: true }", '1:8 udp.fullcone: unknown key; did you mean "fullCone"?'],
    ["timeouts: { bind: 2h }", '1:19 timeouts.bind: found "2h", expected a duration from 1ms to 1h'],
    [
      "listen: [{ address: 127.0.0.1:0, advertise: proxy.example }]",
      '1:45 listen[0].advertise: found "proxy.example", expected an IP address such as',
    ],
    ["rules: [{ deny: { ports: [0] } }]", "1:27 rules[0].deny.ports[0]: found 0, expected a port from 1 to 65535"],
    [
      "rules: [{ deny: { commands: [get] } }]",
      '1:30 rules[0].deny.commands[0]: found "get", expected one of connect, bind, udp-associate, resolve, resolve-ptr',
    ],
    ["rules: [{ allow: { port: 80 } }]", '1:20 rules[0].allow.port: unknown key; did you mean "ports"?'],
    [
      "timeouts: { connect: 10 }",
      "1:22 timeouts.connect: found 10, expected a duration from 1ms to 1h, such as 500ms, 10s, 2m or 1h",
    ],
    ["timeouts: { linger: 11s }", '1:21 timeouts.linger: found "11s", expected a duration from 1ms to 10s'],
    ["timeouts: { idle: 0s }", '1:19 timeouts.idle: found "0s", expected a duration from 1ms to 24d'],
    ["limits: { sessions: 0 }", "1:21 limits.sessions: found 0, expected a whole number, 1 or more"],
    ["limits: { sessions: 1e400 }", "1:21 limits.sessions: found Infinity, expected a whole number"],
    ["limits: { sessions: 1.5 }", "1:21 limits.sessions: found 1.5, expected a whole number"],
    ["outbound: { address: eth0 }", '1:22 outbound.address: found "eth0", expected an IP address such as'],
    ["outbound: { family: 5 }", "1:21 outbound.family: found 5, expected one of auto, 4, 6"],
    ["log: { level: verbose }", '1:15 log.level: found "verbose", expected one of error, warn, info, debug, silent'],
    ["log: [info]", "1:6 log: found a list, expected a map"],
    ["lisen: []", '1:1 lisen: unknown key; did you mean "listen"?'],
    [
      "xyzzy: 1",
      "1:1 xyzzy: unknown key; expected one of listen, auth, allowOpenProxy, rules, upstreams, outbound, bind, udp, timeouts, limits, engine, log",
    ],
    ["[]", "1:1 found a list, expected a map"],
    ["text", '1:1 found "text", expected a map'],
    [`engine: "${"x".repeat(500)}"`, `1:9 engine: found "${"x".repeat(76)}..., expected one of`],
    [String.raw`engine: "a\nb\u202Ec\e[2J"`, String.raw`1:9 engine: found "a\nb\u202ec\u001b[2J", expected one of`],
  ])("%s", async (text, problem) => {
    const problems = await problemsOf(text);
    expect(problems[0]).toContain(`c.yaml:${problem}`);
  });

  test("all at once, in the order of the file", async () => {
    const text =
      "log: { level: x }\nlisten: [y]\nrules:\n  - deny: { to: [z/], port: 1 }\nengin: 1\ntimeouts: { connect: 1 }\n";
    expect((await problemsOf(text)).map((problem) => problem.split(" ")[0])).toEqual([
      "c.yaml:1:15",
      "c.yaml:2:10",
      "c.yaml:4:18",
      "c.yaml:4:23",
      "c.yaml:5:1",
      "c.yaml:6:22",
    ]);
  });
});

describe("what later work brings is refused with its place, never ignored", () => {
  test.each([
    ["workers: auto", "1:1 workers"],
    ["admin: { listen: 127.0.0.1:1081 }", "1:1 admin"],
    ["admin:", "1:1 admin"],
  ])("%s", async (text, place) => {
    const [problem, ...others] = await problemsOf(text);
    expect(problem).toMatch(
      new RegExp(`^c\\.yaml:${place.replaceAll(/[[\].]/gu, String.raw`\$&`)}: (found .*, )?not supported yet$`, "u"),
    );
    // A list of methods that is refused says no more.
    expect(others.every((other) => other.endsWith("not supported yet"))).toBe(true);
  });
});

describe("what is right", () => {
  test("localhost is 127.0.0.1, and nothing else", async () => {
    const { options } = await loadText("listen: [localhost:1081, { address: localhost }]");
    expect(options.listen).toEqual([
      { host: "127.0.0.1", port: 1081 },
      { host: "127.0.0.1", port: 1080 },
    ]);
  });

  test("an empty file: the defaults", async () => {
    const { config, options, usersPath } = await loadText("");
    expect(config).toMatchObject({
      listen: [{ address: { host: "127.0.0.1", port: 1080 } }],
      auth: { users: [] },
      allowOpenProxy: false,
      outbound: { resolver: "system", family: "auto" },
      bind: { allowAnyPeer: false },
      udp: { fullCone: false },
      timeouts: { handshake: 10_000, connect: 30_000, bind: 120_000, idle: 3_600_000, udp: 300_000, linger: 5000 },
      limits: {
        sessions: 100_000,
        perClient: 1000,
        handshakes: 10_000,
        associations: 10_000,
        associationsPerClient: 256,
      },
      engine: "auto",
      log: { level: "info", format: "auto" },
    });
    expect(config.rules).toBeUndefined();
    expect(options).toMatchObject({ authMethods: ["none"], listen: [{ host: "127.0.0.1", port: 1080 }] });
    expect(options.credentials).toBeUndefined();
    expect(usersPath).toBeUndefined();
  });

  test("addresses, versions, methods, rules, aliases, comments, JSON", async () => {
    const { config, options } = await loadText(`# comment
listen:
  - "[::1]:0" # IPv6
  - { address: 127.0.0.1, versions: [5], auth: [none] }
outbound: { address: "2001:db8::1", family: 6 }
rules:
  - deny: { to: &inside [private, "*.corp.example"], ports: [80, "90-99"] }
  - allow: { to: *inside, users: [alice] }
    limit: { rate: 1.5MB/s, sessions: 5 }
  - { "allow": { "authenticated": false } }
`);
    expect(options.listen).toEqual([
      { host: "::1", port: 0 },
      { host: "127.0.0.1", port: 1080, versions: [5], authMethods: ["none"] },
    ]);
    expect(options.outbound).toEqual({ family: 6, localAddress: "2001:db8::1", proxyProtocol: "off" });
    expect(config.rules).toEqual([
      { action: "deny", to: ["private", "*.corp.example"], ports: [80, "90-99"] },
      { action: "allow", to: ["private", "*.corp.example"], users: ["alice"], limit: { rate: 1_500_000, sessions: 5 } },
      { action: "allow", authenticated: false },
    ]);
  });

  test("user ids are believed where that is said, and never beside users with passwords", async () => {
    expect((await loadText("auth: {}")).options.trustUserIds).toBe(false);
    expect((await loadText("auth: { trustUserIds: true }")).options.trustUserIds).toBe(true);
    expect(await problemsOf("auth: { trustUserIds: true }", { user: ["alice:secret"] })).toEqual([
      "c.yaml:1:23 auth.trustUserIds: users have passwords here, and anybody could give the name of one; expected false",
    ]);
  });

  test("ident: off, and what the server is told", async () => {
    expect((await loadText("auth: {}")).options.ident).toEqual({ mode: "off", port: 113, timeoutMs: 3_000 });
    const { options } = await loadText("auth: { ident: { mode: require, port: 1113, timeout: 500ms } }");
    expect(options.ident).toEqual({ mode: "require", port: 1113, timeoutMs: 500 });
  });

  test("BIND and UDP: ports, times, limits, the address that is told", async () => {
    const { options } = await loadText(`
listen: [{ address: 127.0.0.1:0, advertise: 203.0.113.7 }]
bind: { ports: "40000-40999", allowAnyPeer: true }
udp: { ports: 41000, fullCone: true }
timeouts: { bind: 90s, udp: 1m }
limits: { associations: 5, associationsPerClient: 2 }
`);
    expect(options).toMatchObject({
      listen: [{ advertise: "203.0.113.7" }],
      bind: { ports: { from: 40_000, to: 40_999 }, allowAnyPeer: true },
      udp: { ports: { from: 41_000, to: 41_000 }, fullCone: true },
      timeouts: { bindMs: 90_000, udpMs: 60_000 },
      limits: { associations: 5, associationsPerClient: 2 },
    });
  });

  test("rules: [] denies everything; it is not the default", async () => {
    expect((await loadText("rules: []")).options.rules).toEqual([]);
  });
});
