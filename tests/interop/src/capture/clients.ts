import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRequire } from "node:module";
import { chromiumCommand } from "../peers/chromium.ts";
import { locate, type Tool } from "../harness/tools.ts";
import type { Command } from "../harness/process.ts";
import type { Answers } from "./recorder.ts";

/** One way to use one client program. */
export interface ClientScenario {
  /** Name of the vector, unique. */
  readonly name: string;
  /** Which program. */
  readonly tool: Tool;
  /** How the program is told, as a person would type it; `PROXY` stands for the recorder's address. */
  readonly how: string;
  /** What the recorder answers. */
  readonly answers?: Answers;
  /** Prepares a run; `folder` is fresh. */
  readonly prepare: (port: number, folder: string) => Promise<Command> | Command;
}

const require = createRequire(import.meta.url);
const USER_PASS: Answers = { method: "05 02" };

/** Every client scenario. Targets are never reached: the recorder grants the request and hangs up. */
export const CLIENT_SCENARIOS: readonly ClientScenario[] = [
  curl("curl-socks4", "--socks4 PROXY http://192.0.2.10/"),
  curl("curl-socks4-user", "--proxy socks4://fred@PROXY http://192.0.2.10/"),
  curl("curl-socks4a", "--socks4a PROXY http://example.com/"),
  curl("curl-socks4a-user", "--proxy socks4a://fred@PROXY https://example.com/"),
  curl("curl-socks4a-literal", "--socks4a PROXY http://192.0.2.10/"),
  curl("curl-socks5", "--socks5 PROXY http://192.0.2.10/"),
  curl("curl-socks5-ipv6", "--socks5 PROXY http://[2001:db8::1]/"),
  curl("curl-socks5-no-gssapi", "--socks5-basic --socks5 PROXY http://192.0.2.10:8080/"),
  curl("curl-socks5-hostname", "--socks5-hostname PROXY http://example.com/"),
  curl("curl-socks5-hostname-localhost", "--socks5-hostname PROXY http://localhost:8080/"),
  curl("curl-socks5-hostname-ipv4", "--socks5-hostname PROXY http://192.0.2.10/"),
  curl("curl-socks5-hostname-ipv6", "--socks5-hostname PROXY http://[2001:db8::1]/"),
  curl("curl-socks5-user", "--proxy socks5://alice:s3cret@PROXY http://192.0.2.10/", USER_PASS),
  curl("curl-socks5-hostname-user", "--proxy socks5h://alice:s3cret@PROXY https://example.com/", USER_PASS),
  curl("curl-socks5-user-without-password", "--proxy socks5h://alice@PROXY http://example.com/", USER_PASS),
  curl("curl-socks5-wrong-password", "--proxy socks5h://alice:wrong@PROXY http://example.com/", {
    ...USER_PASS,
    userPass: "01 01",
  }),
  curl("curl-socks5-no-acceptable-method", "--socks5-hostname PROXY http://example.com/", { method: "05 ff" }),
  netcat("netcat-openbsd-socks4", "-X 4 -x PROXY 192.0.2.10 80"),
  netcat("netcat-openbsd-socks5-ipv4", "-X 5 -x PROXY 192.0.2.10 80"),
  netcat("netcat-openbsd-socks5-ipv6", "-X 5 -x PROXY 2001:db8::1 80"),
  netcat("netcat-openbsd-socks5-name", "-X 5 -x PROXY example.com 22"),
  ncat("ncat-socks4", "--proxy-type socks4 192.0.2.10 80"),
  ncat("ncat-socks4-user", "--proxy-type socks4 --proxy-auth fred 192.0.2.10 80"),
  ncat("ncat-socks4-remote-name", "--proxy-type socks4 --proxy-dns remote example.com 80"),
  ncat("ncat-socks5", "--proxy-type socks5 192.0.2.10 80"),
  ncat("ncat-socks5-ipv6", "--proxy-type socks5 2001:db8::1 80"),
  ncat("ncat-socks5-remote-name", "--proxy-type socks5 --proxy-dns remote example.com 80"),
  ncat("ncat-socks5-user", "--proxy-type socks5 --proxy-auth alice:s3cret 192.0.2.10 80", USER_PASS),
  proxychains("proxychains-socks4", "socks4 PROXY", "192.0.2.10"),
  proxychains("proxychains-socks4-user", "socks4 PROXY fred x", "192.0.2.10"),
  proxychains("proxychains-socks4-name", "socks4 PROXY", "example.com"),
  proxychains("proxychains-socks5", "socks5 PROXY", "192.0.2.10"),
  proxychains("proxychains-socks5-name", "socks5 PROXY", "example.com"),
  proxychains("proxychains-socks5-user", "socks5 PROXY alice s3cret", "example.com", USER_PASS),
  socksify("dante-client-socks4", "proxyprotocol: socks_v4", "198.51.100.10"),
  socksify("dante-client-socks5", "proxyprotocol: socks_v5\n method: none", "198.51.100.10"),
  socksify("dante-client-socks5-name", "proxyprotocol: socks_v5\n method: none", "example.com", "fake"),
  socksify(
    "dante-client-socks5-user",
    "proxyprotocol: socks_v5\n method: username",
    "198.51.100.10",
    undefined,
    USER_PASS,
  ),
  chromium("chromium-socks4", "socks4://PROXY", "http://192.0.2.10/", "\xc0\x00\x02\x0a"),
  chromium("chromium-socks5-name", "socks5://PROXY", "http://example.com/", "example.com"),
  chromium("chromium-socks5-ipv4", "socks5://PROXY", "http://192.0.2.10/", "192.0.2.10"),
  chromium("chromium-socks5-ipv6", "socks5://PROXY", "http://[2001:db8::1]/", "2001:db8::1"),
  tor("tor-socks4-proxy", "Socks4Proxy PROXY"),
  tor("tor-socks5-proxy", "Socks5Proxy PROXY"),
  tor("tor-socks5-proxy-user", "Socks5Proxy PROXY\nSocks5ProxyUsername alice\nSocks5ProxyPassword s3cret", USER_PASS),
  torResolve("tor-resolve-socks5", "www.example.com PROXY"),
  torResolve("tor-resolve-socks4a", "-4 www.example.com PROXY"),
  torResolve("tor-resolve-pointer", "-x 192.0.2.10 PROXY"),
  torsocks("torsocks-resolve", "socket.gethostbyname('www.example.com')"),
  torsocks("torsocks-resolve-pointer", "socket.gethostbyaddr('192.0.2.10')"),
  torsocks("torsocks-connect", "socket.create_connection(('192.0.2.10', 80))"),
  npmSocks("npm-socks-socks4", { type: 4, userId: "fred" }, "192.0.2.10"),
  npmSocks("npm-socks-socks4a", { type: 4 }, "example.com"),
  npmSocks("npm-socks-socks5", { type: 5 }, "192.0.2.10"),
  npmSocks("npm-socks-socks5-ipv6", { type: 5 }, "2001:db8::1"),
  npmSocks("npm-socks-socks5-name", { type: 5 }, "example.com"),
  npmSocks("npm-socks-socks5-user", { type: 5, userId: "alice", password: "s3cret" }, "example.com", USER_PASS),
  undici("undici-socks5-name", "", "http://example.com/"),
  undici("undici-socks5-ipv4", "", "http://192.0.2.10/"),
  undici("undici-socks5-ipv6", "", "http://[2001:db8::1]/"),
  undici("undici-socks5-user", "alice:s3cret@", "http://example.com/", USER_PASS),
];

type Scenario = Omit<ClientScenario, "answers"> & { readonly answers?: Answers | undefined };

function scenario({ answers, ...rest }: Scenario): ClientScenario {
  return answers === undefined ? rest : { ...rest, answers };
}

/** A program that takes everything on its command line. */
function typed(name: string, tool: Tool, fixed: readonly string[], how: string, answers?: Answers): ClientScenario {
  const words = how.split(" ");
  return scenario({
    name,
    tool,
    how: `${tool.replace("nc.openbsd", "nc")} ${how}`,
    answers,
    prepare: (port) => ({
      argv: [locate(tool) ?? tool, ...fixed, ...words.map((word) => word.replace("PROXY", `127.0.0.1:${port}`))],
    }),
  });
}

function curl(name: string, how: string, answers?: Answers): ClientScenario {
  return typed(name, "curl", ["--disable", "--silent", "--globoff", "--max-time", "5"], how, answers);
}

function netcat(name: string, how: string): ClientScenario {
  return typed(name, "nc.openbsd", ["-w", "5"], how);
}

function ncat(name: string, how: string, answers?: Answers): ClientScenario {
  return typed(name, "ncat", ["-w", "5"], `--proxy PROXY ${how}`, answers);
}

function torResolve(name: string, how: string): ClientScenario {
  return typed(name, "tor-resolve", [], how);
}

/** torsocks around a line of Python. */
function torsocks(name: string, line: string): ClientScenario {
  return {
    name,
    tool: "torsocks",
    how: `torsocks python3 -c "${line}"`,
    async prepare(port, folder) {
      const file = join(folder, "torsocks.conf");
      await writeFile(file, `TorAddress 127.0.0.1\nTorPort ${port}\n`);
      return {
        argv: ["torsocks", "/usr/bin/python3", "-c", `import socket; ${line}`],
        options: { env: { TORSOCKS_CONF_FILE: file } },
      };
    },
  };
}

function proxychains(name: string, proxy: string, host: string, answers?: Answers): ClientScenario {
  return scenario({
    name,
    tool: "proxychains4",
    how: `proxychains4 curl http://${host}/ with proxy_dns, "${proxy}"`,
    answers,
    async prepare(port, folder) {
      const file = join(folder, "proxychains.conf");
      const line = proxy.replace("PROXY", `127.0.0.1 ${port}`);
      await writeFile(
        file,
        `strict_chain\nproxy_dns\ntcp_read_time_out 5000\ntcp_connect_time_out 5000\n[ProxyList]\n${line}\n`,
      );
      return {
        argv: ["proxychains4", "-q", "-f", file, "curl", "--disable", "--silent", "--max-time", "5", `http://${host}/`],
      };
    },
  });
}

function socksify(name: string, route: string, host: string, resolve = "udp", answers?: Answers): ClientScenario {
  return scenario({
    name,
    tool: "socksify",
    how: `socksify curl http://${host}/ with "${route.replaceAll("\n", ";")}", "resolveprotocol: ${resolve}"`,
    answers,
    async prepare(port, folder) {
      const file = join(folder, "socks.conf");
      await writeFile(
        file,
        `resolveprotocol: ${resolve}\nroute {\n from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = ${port}\n ${route}\n protocol: tcp\n command: connect\n}\n`,
      );
      const env = { SOCKS_CONF: file, SOCKS_USERNAME: "alice", SOCKS_PASSWORD: "s3cret", LOGNAME: "fred" };
      return {
        argv: ["socksify", "curl", "--disable", "--silent", "-4", "--max-time", "5", `http://${host}/`],
        options: { env },
      };
    },
  });
}

function chromium(name: string, proxy: string, url: string, wanted: string): ClientScenario {
  return {
    name,
    tool: "chromium",
    answers: { wanted },
    how: `chromium --headless --proxy-server=${proxy} ${url}`,
    prepare: (port, folder) => ({ argv: chromiumCommand(folder, proxy.replace("PROXY", `127.0.0.1:${port}`), url) }),
  };
}

function tor(name: string, setting: string, answers?: Answers): ClientScenario {
  return scenario({
    name,
    tool: "tor",
    how: `tor with ${setting.replaceAll("\n", ", ")}`,
    answers,
    async prepare(port, folder) {
      const file = join(folder, "torrc");
      // The only way out is a bridge with an address of the documentation range: nothing else is asked for.
      await writeFile(
        file,
        `DataDirectory ${folder}/data\nSocksPort 0\nUseBridges 1\nBridge 192.0.2.10:443\n${setting.replace("PROXY", `127.0.0.1:${port}`)}\n`,
      );
      return { argv: [locate("tor") ?? "tor", "--defaults-torrc", "/dev/null", "-f", file] };
    },
  });
}

interface NpmSocksProxy {
  readonly type: 4 | 5;
  readonly userId?: string;
  readonly password?: string;
}

function npmSocks(name: string, proxy: NpmSocksProxy, host: string, answers?: Answers): ClientScenario {
  return scenario({
    name,
    tool: "npm:socks",
    how: `SocksClient.createConnection with ${JSON.stringify(proxy)} to ${host}:80`,
    answers,
    prepare: (port) =>
      script(`
        const { SocksClient } = require(${JSON.stringify(require.resolve("socks"))});
        SocksClient.createConnection({
          proxy: { host: "127.0.0.1", port: ${port}, ...${JSON.stringify(proxy)} },
          command: "connect", destination: { host: ${JSON.stringify(host)}, port: 80 }, timeout: 5000,
        }).then(() => process.exit(0), () => process.exit(1));`),
  });
}

function undici(name: string, userinfo: string, url: string, answers?: Answers): ClientScenario {
  return scenario({
    name,
    tool: "npm:undici",
    how: `new Socks5ProxyAgent("socks5://${userinfo}PROXY"), ${url}`,
    answers,
    prepare: (port) =>
      script(`
        const { request, Socks5ProxyAgent } = require(${JSON.stringify(require.resolve("undici"))});
        const dispatcher = new Socks5ProxyAgent("socks5://${userinfo}127.0.0.1:${port}");
        setTimeout(() => process.exit(1), 5000);
        request(${JSON.stringify(url)}, { dispatcher }).then(() => process.exit(0), () => process.exit(1));`),
  });
}

function script(source: string): Command {
  return { argv: [process.execPath, "--no-warnings", "--input-type=commonjs", "--eval", source] };
}
