// Our client through HTTP proxies and through proxies with TLS: tinyproxy, Squid, and Dante behind stunnel.

import net from "node:net";
import { bind, connect, isSocksError } from "@sockskit/client";
import { authorityCertificate, certificatePair, certificatePath, listenTcp, readToEnd } from "@sockskit/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../src/harness/port.ts";
import { runToEnd } from "../src/harness/process.ts";
import { Scope } from "../src/harness/scope.ts";
import { missing, type Tool } from "../src/harness/tools.ts";
import { ACCOUNT } from "../src/peers/account.ts";
import { startDanted } from "../src/peers/danted.ts";
import { type SquidPeer, startSquid, startTinyproxy } from "../src/peers/http-proxies.ts";
import { programPath, type ServerPeer } from "../src/peers/server-peer.ts";
import { startStunnel } from "../src/peers/stunnel.ts";

const DEADLINE_MS = 30_000;
const tls = { ca: authorityCertificate() };
const USER = `${ACCOUNT.username}:${ACCOUNT.password}@`;
const required = process.env["CI"] === "true";

/** Why the tests with these programs do not run here. */
async function skip(...tools: readonly Tool[]): Promise<boolean> {
  const problems = (await Promise.all(tools.map(missing))).filter((problem) => problem !== undefined);
  for (const problem of problems) if (!required) console.log(`skipped: ${problem}`);
  return problems.length > 0 && !required;
}

const scope = new Scope();
let target = "";
let refused = "";

beforeAll(async () => {
  // Speaks first, and says the rest when the other side has finished, or has written a line.
  const server = await listenTcp((socket) => {
    let length = 0;
    socket.write("220 ready\r\n");
    socket.on("data", (data: Buffer) => {
      length += data.length;
      if (data.at(-1) === 0x0a) socket.end(`${length} bytes\r\n`);
    });
    socket.on("end", () => socket.end(`${length} bytes\r\n`));
  });
  scope.defer(() => server.close());
  target = `127.0.0.1:${server.port}`;
  refused = `127.0.0.1:${await freePort()}`;
});
afterAll(() => scope.close());

/** What the target says to a million bytes; `half-close`: this side has ended before the answer comes. */
async function talk(chain: string, end: "line" | "half-close"): Promise<string> {
  const socket = await connect({ chain, target, tls, allowHalfOpen: true, timeoutMs: DEADLINE_MS });
  const data = Buffer.alloc(1_000_000);
  if (end === "half-close") {
    socket.end(data);
  } else {
    data[data.length - 1] = 0x0a;
    socket.write(data);
  }
  const answer = Buffer.from(await readToEnd(socket, DEADLINE_MS)).toString();
  socket.destroy();
  return answer;
}

const ANSWER = "220 ready\r\n1000000 bytes\r\n";

/** The failure as `stage: code status`. */
async function failure(chain: string, where = target, options = {}): Promise<string> {
  try {
    (await connect({ chain, target: where, tls, timeoutMs: DEADLINE_MS, ...options })).destroy();
    return "a connection";
  } catch (error) {
    if (!isSocksError(error)) throw error;
    return `${error.stage}: ${error.code} ${error.httpStatus ?? ""}`.trimEnd();
  }
}

/** The status that curl gets for CONNECT. */
async function curlStatus(proxy: string, where: string): Promise<string> {
  const argv = [programPath("curl"), "-s", "-o", "/dev/null", "-w", "%{http_connect}", "-p", "-m", "10"];
  const ca = ["--proxy-cacert", certificatePath("authority")];
  const { stdout } = await runToEnd({ argv: [...argv, ...ca, "-x", proxy, `http://${where}/`] });
  return stdout.toString();
}

describe.skipIf(await skip("tinyproxy", "curl"))("tinyproxy", () => {
  let open: ServerPeer;
  let locked: ServerPeer;
  beforeAll(async () => {
    open = await startTinyproxy(scope);
    locked = await startTinyproxy(scope, { password: true });
  }, DEADLINE_MS);

  test("a tunnel, with and without credentials", async () => {
    const url = `http://127.0.0.1:${open.port}`;
    expect(await talk(url, "line")).toBe(ANSWER);
    expect(await talk(`http://${USER}127.0.0.1:${locked.port}`, "line")).toBe(ANSWER);
    // It ends both directions when one side ends its own.
    expect(await talk(url, "half-close")).not.toContain("bytes");
  });

  test("its refusals, with the status that curl is given", async () => {
    const url = `http://127.0.0.1:${locked.port}`;
    const wrong = `http://${ACCOUNT.username}:wrong@127.0.0.1:${locked.port}`;
    expect(await failure(url)).toBe("negotiate: ERR_SOCKS_NO_ACCEPTABLE_METHOD 407");
    // Its answer to wrong credentials.
    const status = await curlStatus(wrong, target);
    expect(await failure(wrong)).toMatch(new RegExp(`^(authenticate: ERR_SOCKS_AUTH_REJECTED|request: .*) ${status}$`));
    const unreachable = `http://127.0.0.1:${open.port}`;
    expect(await failure(unreachable, refused)).toBe(
      `request: ERR_SOCKS_REQUEST_REFUSED ${await curlStatus(unreachable, refused)}`,
    );
  });
});

describe.skipIf(await skip("squid", "curl"))("Squid", () => {
  let squid: SquidPeer;
  beforeAll(async () => {
    squid = await startSquid(scope, certificatePair("server"));
  }, DEADLINE_MS);
  const urls = (): [plain: string, secure: string] => [
    `http://${USER}127.0.0.1:${squid.port}`,
    `https://${USER}localhost:${squid.tlsPort}`,
  ];

  test("a tunnel, with and without TLS, and both in a chain", async () => {
    const [plain, secure] = urls();
    for (const chain of [plain, secure, `${plain} ${secure}`, `${secure} ${secure} ${plain}`]) {
      expect(await talk(chain, "line"), chain).toBe(ANSWER);
    }
    // It ends both directions when one side ends its own.
    expect(await talk(plain, "half-close")).not.toContain("bytes");
  });

  test("its refusals, with the status that curl is given", async () => {
    for (const url of urls()) {
      const nobody = url.replace(USER, "");
      expect(await failure(nobody)).toBe("negotiate: ERR_SOCKS_NO_ACCEPTABLE_METHOD 407");
      expect(await failure(url.replace(USER, "alice:wrong@"))).toBe("authenticate: ERR_SOCKS_AUTH_REJECTED 407");
      for (const where of [refused, "127.0.0.1:1"]) {
        const expected = `request: ERR_SOCKS_REQUEST_REFUSED ${await curlStatus(url, where)}`;
        expect(await failure(url, where)).toBe(expected);
      }
    }
  });

  test("TLS where there is none, and none where there is TLS", async () => {
    const [plain, secure] = urls();
    expect(await failure(plain.replace("http:", "https:"))).toBe("tls: ERR_SOCKS_NOT_TLS");
    expect(await failure(secure.replace("https:", "http:"))).toMatch(/ERR_SOCKS_(NOT_HTTP|PROXY_CLOSED)$/);
  });
});

describe.skipIf(await skip("danted", "stunnel4"))("Dante behind stunnel", () => {
  let danted: ServerPeer;
  let front: ServerPeer;
  let demanding: ServerPeer;
  beforeAll(async () => {
    danted = await startDanted(scope, { bind: true });
    front = await startStunnel(scope, danted.port, { certificate: certificatePair("server") });
    const strict = { certificate: certificatePair("server"), clientCa: authorityCertificate() };
    demanding = await startStunnel(scope, danted.port, strict);
  }, DEADLINE_MS);

  test.each(["socks4+tls", "socks5+tls", "socks5h+tls", "socks5s"])(
    "%s, each direction ending by itself",
    async (scheme) => {
      expect(await talk(`${scheme}://127.0.0.1:${front.port}`, "half-close")).toBe(ANSWER);
    },
  );

  test("over a tunnel, and over TLS", async () => {
    const url = `socks5+tls://localhost:${front.port}`;
    expect(await talk(`socks5://127.0.0.1:${danted.port} ${url}`, "half-close")).toBe(ANSWER);
    // An end that overtakes what was written before it does so now and then only.
    for (let times = 0; times < 8; times++) {
      expect(await talk(`${url} ${url} ${url}`, "half-close")).toBe(ANSWER);
    }
  });

  test("refusals of the proxy inside", async () => {
    expect(await failure(`socks5s://127.0.0.1:${front.port}`, refused)).toBe("request: ERR_SOCKS_REQUEST_REFUSED");
  });

  test("certificates: untrusted, of another name, expired", async () => {
    const url = `socks5s://127.0.0.1:${front.port}`;
    expect(await failure(url, target, { tls: {} })).toBe("tls: ERR_SOCKS_TLS_UNTRUSTED");
    expect(await failure(url, target, { tls: { ...tls, servername: "other.example" } })).toBe(
      "tls: ERR_SOCKS_TLS_WRONG_NAME",
    );
    const late = await startStunnel(scope, danted.port, { certificate: certificatePair("late-server") });
    expect(await failure(`socks5s://localhost:${late.port}`)).toBe("tls: ERR_SOCKS_TLS_EXPIRED");
    expect(await failure(`socks5s://127.0.0.1:${danted.port}`)).toMatch(/^tls: ERR_SOCKS_(PROXY_CLOSED|NOT_TLS)$/);
  });

  test("a certificate of this side: none, a stranger's, the right one", async () => {
    const url = `socks5s://127.0.0.1:${demanding.port}`;
    expect(await failure(url)).toBe("tls: ERR_SOCKS_TLS_FAILED");
    expect(await failure(url, target, { tls: { ...tls, ...certificatePair("strange-alice") } })).toBe(
      "tls: ERR_SOCKS_TLS_FAILED",
    );
    expect(await failure(url, target, { tls: { ...tls, ...certificatePair("alice") } })).toBe("a connection");
  });

  test("BIND over TLS", async () => {
    const binding = await bind({ proxy: `socks5s://127.0.0.1:${front.port}`, tls, peer: "127.0.0.1" });
    const peer = net.connect(binding.address.port, binding.address.host);
    scope.defer(() => peer.destroy());
    const socket = await binding.accept();
    peer.end("called back");
    expect(Buffer.from(await readToEnd(socket, DEADLINE_MS)).toString()).toBe("called back");
  });
});

describe.skipIf(await skip("tinyproxy", "squid", "danted", "stunnel4"))("a chain of all of them", () => {
  test(
    "tinyproxy, Dante behind stunnel, Squid with TLS",
    async () => {
      const tinyproxy = await startTinyproxy(scope, { password: true });
      const stunnel = await startStunnel(scope, (await startDanted(scope)).port, {
        certificate: certificatePair("server"),
      });
      const squid = await startSquid(scope, certificatePair("server"));
      const chain = [
        `http://${USER}127.0.0.1:${tinyproxy.port}`,
        `socks5+tls://127.0.0.1:${stunnel.port}`,
        `https://${USER}localhost:${squid.tlsPort}`,
      ].join(" ");
      expect(await talk(chain, "line")).toBe(ANSWER);
    },
    DEADLINE_MS,
  );
});
