import type { Scope } from "../harness/scope.ts";
import type { Tool } from "../harness/tools.ts";
import { startNpmServer } from "../peers/npm-server.ts";
import { startSshDynamic } from "../peers/openssh.ts";
import { startDanted } from "../peers/danted.ts";
import { startMicrosocks } from "../peers/microsocks.ts";
import type { ServerPeer } from "../peers/server-peer.ts";
import { startTor } from "../peers/tor.ts";
import type { Script } from "./recorder.ts";

/** A server to record, and what to say to it. */
export interface ServerScenario {
  /** Which server. */
  readonly tool: Tool;
  /** Further programs it needs. */
  readonly needs?: readonly Tool[];
  /** How it is set up, for the source of the vector. */
  readonly how: string;
  /** Starts it. `deniedPort` is a port that a server with rules has to deny. */
  readonly start: (scope: Scope, deniedPort: number) => Promise<ServerPeer>;
  /** What is said, by name of the vector. */
  readonly scripts: Readonly<Record<string, Script>>;
}

/**
 * Ports that a script names in capitals and that are filled in when it runs: somebody listens on TARGET,
 * nobody on CLOSED, rules deny DENIED, and ECHO sends datagrams back.
 */
export type PortName = "TARGET" | "CLOSED" | "DENIED" | "ECHO";

const LOCALHOST = "09 6c6f63616c686f7374";
const NO_SUCH_NAME = "0f 6e6f2d737563682e696e76616c6964"; // no-such.invalid
const EXAMPLE = "0b 6578616d706c652e636f6d";
const NONE = "05 01 00";
const PASSWORD = "05 01 02";
const GOOD = "01 05 616c696365 06 733363726574"; // alice, s3cret
const WRONG = "01 05 616c696365 05 77726f6e67";

/** SOCKS 5 without authentication: greeting, then one request. */
function five(request: string): Script {
  return [
    { send: NONE, message: "MethodRequest", answer: "MethodReply" },
    { send: request, message: "Socks5Request", answer: "Socks5Reply" },
  ];
}

/** SOCKS 5 with a password, then a request. */
function fiveAs(account: string, request: string): Script {
  return [
    { send: PASSWORD, message: "MethodRequest", answer: "MethodReply" },
    { send: account, message: "UserPassRequest", answer: "UserPassReply" },
    { send: request, message: "Socks5Request", answer: "Socks5Reply" },
  ];
}

function four(request: string): Script {
  return [{ send: request, message: "Socks4Request", answer: "Socks4Reply" }];
}

function greeting(octets: string): Script {
  return [{ send: octets, message: "MethodRequest", answer: "MethodReply" }];
}

/** Every server scenario. */
export const SERVER_SCENARIOS: readonly ServerScenario[] = [
  {
    tool: "microsocks",
    how: "microsocks -i 127.0.0.1 -p PORT",
    start: (scope) => startMicrosocks(scope),
    scripts: {
      "microsocks-connect": five("05 01 00 01 7f000001 TARGET"),
      "microsocks-connect-name": five(`05 01 00 03 ${LOCALHOST} TARGET`),
      "microsocks-refused": five("05 01 00 01 7f000001 CLOSED"),
      "microsocks-name-unknown": five(`05 01 00 03 ${NO_SUCH_NAME} 0050`),
      "microsocks-network-unreachable": five("05 01 00 01 ffffffff 0050"),
      "microsocks-port-zero": five("05 01 00 01 7f000001 0000"),
      "microsocks-bind": five("05 02 00 01 7f000001 0050"),
      "microsocks-no-acceptable-method": greeting(PASSWORD),
    },
  },
  {
    tool: "microsocks",
    how: "microsocks -i 127.0.0.1 -p PORT -u alice -P s3cret",
    start: (scope) => startMicrosocks(scope, { password: true }),
    scripts: {
      "microsocks-password-connect": fiveAs(GOOD, "05 01 00 01 7f000001 TARGET"),
      "microsocks-password-wrong": fiveAs(WRONG, "05 01 00 01 7f000001 TARGET"),
      "microsocks-password-not-offered": greeting(NONE),
    },
  },
  {
    tool: "danted",
    how: "danted, socksmethod: none",
    start: (scope, deniedPort) => startDanted(scope, { deniedPort }),
    scripts: {
      "dante-socks5-connect": five("05 01 00 01 7f000001 TARGET"),
      "dante-socks5-connect-name": five(`05 01 00 03 ${LOCALHOST} TARGET`),
      "dante-socks5-denied": five("05 01 00 01 7f000001 DENIED"),
      "dante-socks5-refused": five("05 01 00 01 7f000001 CLOSED"),
      "dante-socks5-name-unknown": five(`05 01 00 03 ${NO_SUCH_NAME} 0050`),
      "dante-socks5-network-unreachable": five("05 01 00 01 ffffffff 0050"),
      "dante-socks5-ipv6-refused": five("05 01 00 04 00000000000000000000000000000001 CLOSED"),
      "dante-socks5-port-zero": five("05 01 00 01 7f000001 0000"),
      "dante-socks5-bind-denied": five("05 02 00 01 7f000001 0050"),
      "dante-socks5-udp-associate": five("05 03 00 01 00000000 0000"),
      "dante-udp-datagram": [
        ...five("05 03 00 01 00000000 0000"),
        { send: "0000 00 01 7f000001 ECHO 70696e67", message: "UdpDatagram", answer: "UdpDatagram" },
      ],
      "dante-udp-datagram-name": [
        ...five("05 03 00 01 00000000 0000"),
        { send: `0000 00 03 ${LOCALHOST} ECHO 70696e67`, message: "UdpDatagram", answer: "UdpDatagram" },
      ],
      "dante-socks5-unknown-command": five("05 09 00 01 7f000001 0050"),
      "dante-socks5-no-acceptable-method": greeting(PASSWORD),
      "dante-socks4-connect": four("04 01 TARGET 7f000001 00"),
      "dante-socks4-denied": four("04 01 DENIED 7f000001 00"),
      "dante-socks4-refused": four("04 01 CLOSED 7f000001 00"),
      "dante-socks4-bind-denied": four("04 02 0050 7f000001 00"),
      "dante-socks4a-name": four("04 01 0050 00000001 00 6e6f2d737563682e696e76616c6964 00"),
    },
  },
  {
    tool: "danted",
    needs: ["nss-wrapper"],
    how: "danted, socksmethod: username",
    start: (scope) => startDanted(scope, { password: true }),
    scripts: {
      "dante-password-connect": fiveAs(GOOD, "05 01 00 01 7f000001 TARGET"),
      "dante-password-wrong": fiveAs(WRONG, "05 01 00 01 7f000001 TARGET"),
      "dante-password-not-offered": greeting(NONE),
      "dante-password-socks4": four("04 01 TARGET 7f000001 00"),
    },
  },
  {
    tool: "ssh",
    needs: ["sshd"],
    how: "ssh -D PORT",
    start: (scope) => startSshDynamic(scope),
    scripts: {
      "openssh-socks5-connect": five("05 01 00 01 7f000001 TARGET"),
      "openssh-socks5-connect-name": five(`05 01 00 03 ${LOCALHOST} TARGET`),
      "openssh-socks5-refused": five("05 01 00 01 7f000001 CLOSED"),
      "openssh-socks5-bind": five("05 02 00 01 7f000001 0050"),
      "openssh-socks5-password-only": greeting(PASSWORD),
      "openssh-socks4-connect": four("04 01 TARGET 7f000001 00"),
      "openssh-socks4a-connect": four("04 01 TARGET 00000001 00 6c6f63616c686f7374 00"),
      "openssh-socks4-refused": four("04 01 CLOSED 7f000001 00"),
    },
  },
  {
    tool: "tor",
    how: "tor without a network, SocksPort with ExtendedErrors",
    start: startTor,
    scripts: {
      "tor-timeout": five(`05 01 00 03 ${EXAMPLE} 0050`),
      "tor-private-address": five("05 01 00 01 7f000001 0050"),
      "tor-bind": five("05 02 00 01 c000020a 0050"),
      "tor-udp-associate": five("05 03 00 01 00000000 0000"),
      "tor-unknown-command": five("05 09 00 01 c000020a 0050"),
      "tor-resolve-mapped": five("05 f0 00 03 0e 6d61707065642e6578616d706c65 0000"), // mapped.example
      "tor-resolve-mapped-ipv6": five("05 f0 00 03 0b 7369782e6578616d706c65 0000"), // six.example
      "tor-socks4a-resolve-mapped": four("04 f0 0000 00000001 00 6d61707065642e6578616d706c65 00"),
      "tor-bad-onion": five("05 01 00 03 09 6162632e6f6e696f6e 0050"), // abc.onion
      "tor-password-accepted": fiveAs("01 01 61 01 62", `05 02 00 03 ${EXAMPLE} 0050`),
      "tor-socks4": four("04 01 0050 c000020a 00"),
      "tor-socks4a": four("04 01 0050 00000001 00 6578616d706c652e636f6d 00"),
    },
  },
  {
    tool: "npm:@pondwader/socks5-server",
    how: "createServer({ port })",
    start: (scope) => startNpmServer(scope),
    scripts: {
      "npm-server-connect": five("05 01 00 01 7f000001 TARGET"),
      "npm-server-refused": five("05 01 00 01 7f000001 CLOSED"),
      "npm-server-name-unknown": five(`05 01 00 03 ${NO_SUCH_NAME} 0050`),
    },
  },
  {
    tool: "npm:@pondwader/socks5-server",
    how: 'createServer({ port, auth: { username: "alice", password: "s3cret" } })',
    start: (scope) => startNpmServer(scope, { password: true }),
    scripts: {
      "npm-server-password-connect": fiveAs(GOOD, "05 01 00 01 7f000001 TARGET"),
      "npm-server-password-wrong": fiveAs(WRONG, "05 01 00 01 7f000001 TARGET"),
      "npm-server-password-not-offered": greeting(NONE),
    },
  },
];
