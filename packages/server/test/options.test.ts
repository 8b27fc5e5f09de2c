import { describe, expect, test } from "vitest";
import { createServer, DEFAULT_LIMITS, DEFAULT_TIMEOUTS, type ServerOptions } from "../src/index.ts";

test("the defaults are these", () => {
  expect(DEFAULT_TIMEOUTS).toEqual({
    handshakeMs: 10_000,
    answerMs: 60_000,
    connectMs: 30_000,
    bindMs: 120_000,
    idleMs: 3_600_000,
    udpMs: 300_000,
    lingerMs: 5_000,
    loginFailureMs: 1_000,
  });
  expect(DEFAULT_LIMITS).toEqual({
    sessions: 100_000,
    perClient: 1_000,
    handshakes: 10_000,
    associations: 10_000,
    associationsPerClient: 256,
    loginFailuresPerMinute: 20,
  });
});

describe("options that cannot be used are told with their place", () => {
  const cases: [unknown, (string | number)[], string][] = [
    [{ listen: [] }, ["listen"], "at least one address"],
    [{ listen: [{ port: 65_536 }] }, ["listen", 0, "port"], "0 to 65535"],
    [{ listen: [{ port: "1080" }] }, ["listen", 0, "port"], "0 to 65535"],
    [{ listen: [{ host: "localhost" }] }, ["listen", 0, "host"], "IP address"],
    [{ listen: [{ host: "127.1" }] }, ["listen", 0, "host"], "IP address"],
    [{ listen: [{ versions: [] }] }, ["listen", 0, "versions"], "4, 5"],
    [{ listen: [{ versions: [6] }] }, ["listen", 0, "versions"], "4, 5"],
    [{ listen: [{ authMethods: [] }] }, ["listen", 0, "authMethods"], '"none", "userpass"'],
    [{ listen: [{ address: "127.0.0.1" }] }, ["listen", 0, "address"], "no such option"],
    [{ listen: [{}, {}] }, ["listen", 1], "there already"],
    [{ authMethods: ["kerberos"] }, ["authMethods"], '"none", "userpass"'],
    [{ gssapi: { keytabs: "x" } }, ["gssapi", "keytabs"], "keytab"],
    [{ gssapi: { service: "" } }, ["gssapi", "service"], "rcmd@proxy"],
    [{ gssapi: { protection: ["none"] } }, ["gssapi", "protection"], "integrity"],
    [{ gssapi: { nec: true } }, ["gssapi", "nec"], "accept"],
    [{ listen: [{ gssapi: { answerNone: "yes" } }] }, ["listen", 0, "gssapi", "answerNone"], "true or false"],
    [{ authMethods: ["userpass"] }, ["authMethods"], "credentials"],
    [{ authMethods: ["nds"] }, ["authMethods"], "nobody has published"],
    [{ authMethods: ["chap"] }, ["authMethods"], "credentials"],
    [{ authMethods: ["cram"] }, ["authMethods"], "challenge"],
    [{ authMethods: ["maf"] }, ["authMethods"], 'as "maf"'],
    [{ listen: [{ authMethods: ["chap"] }] }, ["listen", 0, "authMethods"], "credentials"],
    [{ authMethods: ["cram"], challenge: "Password: " }, ["challenge"], "function"],
    [{ credentials: {} }, ["credentials"], "verify"],
    [{ rule: [] }, ["rule"], "no such option"],
    [{ timeouts: { idle: 5 } }, ["timeouts", "idle"], "no such option"],
    [{ timeouts: { handshakeMs: 0 } }, ["timeouts", "handshakeMs"], "1 to 2147483647 milliseconds"],
    [{ timeouts: { connectMs: Number.NaN } }, ["timeouts", "connectMs"], "milliseconds"],
    [{ timeouts: { idleMs: Number.POSITIVE_INFINITY } }, ["timeouts", "idleMs"], "milliseconds"],
    [{ timeouts: { lingerMs: 10_001 } }, ["timeouts", "lingerMs"], "1 to 10000 milliseconds"],
    [{ timeouts: 5 }, ["timeouts"], "expected an object"],
    [{ limits: { sessions: 0 } }, ["limits", "sessions"], "whole number"],
    [{ limits: { perClient: 1.5 } }, ["limits", "perClient"], "whole number"],
    [{ outbound: { localAddress: "eth0" } }, ["outbound", "localAddress"], "IP address"],
    [{ outbound: { family: 5 } }, ["outbound", "family"], '4, 6 or "auto"'],
    [{ bind: { ports: "40000-39999" } }, ["bind", "ports"], "1 to 65535"],
    [{ bind: { ports: 40_000 } }, ["bind", "ports"], "1 to 65535"],
    [{ bind: { allowAnyPeer: "yes" } }, ["bind", "allowAnyPeer"], "true or false"],
    [{ bind: { port: 1 } }, ["bind", "port"], "no such option"],
    [{ udp: { ports: "0-10" } }, ["udp", "ports"], "1 to 65535"],
    [{ udp: { ports: { from: 1, to: 65_536 } } }, ["udp", "ports"], "1 to 65535"],
    [{ udp: { ports: "some" } }, ["udp", "ports"], "1 to 65535"],
    [{ udp: { fullCone: 1 } }, ["udp", "fullCone"], "true or false"],
    [{ listen: [{ advertise: "proxy.example" }] }, ["listen", 0, "advertise"], "can be reached"],
    [{ listen: [{ advertise: "0.0.0.0" }] }, ["listen", 0, "advertise"], "can be reached"],
    [{ engine: "fast" }, ["engine"], '"auto", "portable" or "fastpath"'],
  ];
  test.each(cases)("%j", (options, path, problem) => {
    expect(() => createServer(options as ServerOptions)).toThrow(
      expect.objectContaining({
        name: "ServerError",
        code: "ERR_SOCKS_BAD_OPTION",
        path,
        message: expect.stringContaining(problem) as string,
      }),
    );
  });
});

test("rules that mean nothing are refused before anything listens", () => {
  expect(() => createServer({ rules: [{ action: "allow", ports: ["eighty"] }] })).toThrow(
    expect.objectContaining({ code: "ERR_SOCKS_BAD_RULE", path: ["rules", 0, "ports", 0] }),
  );
});

test.each<[unknown, string, RegExp]>([
  [{ unix: "/run/socks" }, "listen[0].unix", /expected an object/u],
  [{ unix: { path: "/run/socks", owner: 0 } }, "listen[0].unix.owner", /expected one of path, mode, group/u],
  [{ unix: { path: "/run/socks" }, port: 1080 }, "listen[0].unix", /no host and no port/u],
  [{ unix: { path: "" } }, "listen[0].unix.path", /expected the path/u],
  [{ unix: { path: "/run/" } }, "listen[0].unix.path", /expected the path/u],
  [{ unix: { path: "/run/a\0b" } }, "listen[0].unix.path", /NUL/u],
  [{ unix: { path: "/run/socks", mode: 0o1777 } }, "listen[0].unix.mode", /0o777/u],
  [{ unix: { path: "/run/socks", group: "staff" } }, "listen[0].unix.group", /number of a group/u],
  [{ proxyProtocol: {} }, "listen[0].proxyProtocol.from", /one or more/u],
  [{ proxyProtocol: { from: [] } }, "listen[0].proxyProtocol.from", /one or more/u],
  [{ proxyProtocol: { from: ["10.0.0.0/8", "lb.example"] } }, "listen[0].proxyProtocol.from[1]", /not a network/u],
  [{ proxyProtocol: { from: [5] } }, "listen[0].proxyProtocol.from[0]", /expected a string/u],
  [{ proxyProtocol: true }, "listen[0].proxyProtocol", /expected an object/u],
])("listen: [%j]", (entry, path, message) => {
  expect(() => createServer({ listen: [entry as object] })).toThrow(
    new RegExp(`^${path.replaceAll(/[[\]]/gu, "\\$&")}: `, "u"),
  );
  expect(() => createServer({ listen: [entry as object] })).toThrow(message);
});

test("a Unix socket that is there twice, and a PROXY protocol of another version", () => {
  const unix = { path: "/run/socks" };
  expect(() => createServer({ listen: [{ unix }, { unix }] })).toThrow(
    /unix:\/run\/socks is there already, as listen\[0\]/u,
  );
  const outbound = { proxyProtocol: "v3" } as unknown as NonNullable<ServerOptions["outbound"]>;
  expect(() => createServer({ outbound })).toThrow(/outbound.proxyProtocol: expected "off", "v1" or "v2"/u);
});
