import { describe, expect, test } from "vitest";
import { authorityCertificate, certificatePair } from "@sockskit/testing";
import { createServer, openProxyProblem, type ServerOptions } from "../../src/index.ts";

const credentials = [{ name: "alice", password: { plain: "x" } }];

describe("a listener that others can reach and that asks nobody is refused", () => {
  test.each([
    [{ listen: [{ host: "0.0.0.0" }] }],
    [{ listen: [{ host: "::" }] }],
    [{ listen: [{ host: "192.0.2.1" }] }],
    [{ listen: [{ host: "2001:db8::1" }] }],
    [{ listen: [{ host: "::ffff:192.0.2.1" }] }],
    [{ listen: [{ host: "fe80::1%1" }] }],
    [{ listen: [{}, { host: "0.0.0.0" }] }],
    [{ listen: [{ host: "0.0.0.0" }], credentials, authMethods: ["userpass", "none"] }],
    [{ listen: [{ host: "0.0.0.0", authMethods: ["none"] }], credentials }],
    [{ listen: [{ host: "0.0.0.0" }], rules: [{ action: "allow", clients: ["192.0.2.0/24"] }] }],
    [{ listen: [{ proxyProtocol: { from: ["127.0.0.1"] } }] }],
    [{ listen: [{ unix: { path: "/run/socks" }, proxyProtocol: { from: ["127.0.0.1"] } }] }],
    [{ listen: [{ host: "0.0.0.0", tls: { certificates: [certificatePair("server")] } }] }],
    [{ listen: [{ host: "0.0.0.0" }], authMethods: ["gssapi", "none"] }],
    [{ listen: [{ host: "0.0.0.0", gssapi: { answerNone: true } }], authMethods: ["none", "gssapi"] }],
  ] as [ServerOptions][])("%j", (options) => {
    const problem = openProxyProblem(options);
    expect(problem).toContain('"credentials"');
    expect(problem).toContain('"allowOpenProxy"');
    expect(() => createServer(options)).toThrow(
      expect.objectContaining({ code: "ERR_SOCKS_OPEN_PROXY", message: problem }),
    );
    expect(openProxyProblem({ ...options, allowOpenProxy: true })).toBeUndefined();
  });
});

describe("these are not open", () => {
  test.each([
    [{}],
    [{ listen: [{ host: "127.0.0.1" }, { host: "127.8.9.10" }, { host: "::1" }, { host: "::ffff:127.0.0.1" }] }],
    [{ listen: [{ host: "0.0.0.0" }], credentials }],
    [
      {
        listen: [
          { host: "0.0.0.0", authMethods: ["userpass"] },
          { host: "127.0.0.1", authMethods: ["none"], port: 1081 },
        ],
        credentials,
      },
    ],
    // Whoever is granted no protection has shown a ticket all the same.
    [{ listen: [{ host: "0.0.0.0" }], authMethods: ["gssapi"] }],
    [{ listen: [{ host: "0.0.0.0", gssapi: { answerNone: true } }], authMethods: ["gssapi"] }],
  ] as [ServerOptions][])("%j", (options) => {
    expect(openProxyProblem(options)).toBeUndefined();
  });
});

test("a Unix socket is for this host, and a client certificate says who somebody is", () => {
  const tls = { certificates: [certificatePair("server")], clientCa: authorityCertificate() };
  expect(openProxyProblem({ listen: [{ unix: { path: "/run/socks", mode: 0o666 } }] })).toBeUndefined();
  expect(openProxyProblem({ listen: [{ host: "0.0.0.0", tls }] })).toBeUndefined();
});
