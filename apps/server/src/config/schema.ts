import { compilePolicy, PolicyError, type RuleConfig } from "@sockskit/policy";
import * as z from "zod";
import type { Config } from "./config.ts";
import { gssapi } from "./gssapi.ts";
import { ssl } from "./ssl.ts";
import { upstreams } from "./upstreams.ts";
import {
  count,
  duration,
  fileMode,
  flag,
  groupName,
  ipAddress,
  listenAddress,
  network,
  notYet,
  oneOf,
  passwordHash,
  port,
  portRange,
  rate,
  tcpPort,
  text,
} from "./values.ts";

/*
 * The whole configuration. Validation, defaults, the JSON Schema for editors and
 * the reference page of the docs are made from this.
 */

const method = oneOf(["none", "userpass", "chap", "cram", "gssapi", "ssl"]);

const certificate = {
  cert: text("the path of a file").describe(
    "File with the certificate in PEM, followed by those that lead to an authority. It is read again when it changes.",
  ),
  key: text("the path of a file").describe("File with its private key in PEM, without a passphrase."),
};

const tls = z
  .strictObject({
    ...certificate,
    sni: z
      .array(z.strictObject(certificate))
      .optional()
      .describe(
        "More certificates: a client that names a host (SNI) gets the first one that is for it, the one above included.",
      ),
    clientCa: text("the path of a file")
      .optional()
      .describe(
        "File with certificates of authorities in PEM. Clients must then show a certificate of theirs, and the common name (CN) " +
          "of its subject is the user: logged in, and in no group.",
      ),
  })
  .optional()
  .describe(
    "TLS 1.2 or 1.3 before SOCKS. Paths are relative to the configuration file. See [Listeners](listeners.md).",
  );

const listener = z.strictObject({
  address: listenAddress().describe(
    "Address and port, or `unix:` and a path. Port 0 takes a free one; without a port it is 1080. `localhost` is 127.0.0.1.",
  ),
  versions: z
    .array(oneOf([4, 5]))
    .min(1)
    .optional()
    .describe("SOCKS versions that are taken here; 4 includes 4A. Default: both."),
  auth: z
    .array(method)
    .min(1)
    .optional()
    .describe("Methods of this listener, most preferred first. Default: `auth.methods`."),
  gssapi: gssapi("Kerberos at this listener. What is not given is that of `auth.gssapi`."),
  tls,
  proxyProtocol: z
    .strictObject({
      from: z
        .array(network())
        .min(1)
        .describe("Who begins every connection with a PROXY header, and is believed. Nobody else may."),
    })
    .optional()
    .describe("PROXY headers of version 1 or 2 before everything else, from balancers."),
  advertise: ipAddress()
    .optional()
    .describe(
      "Address that replies to BIND and UDP ASSOCIATE name, behind NAT. It stands for our addresses of the same IP version. " +
        "Default: our own address.",
    ),
  mode: fileMode()
    .optional()
    .describe('Permissions of a Unix socket, such as `"0660"`: who may write may connect. Default: `"0600"`.'),
  group: groupName()
    .optional()
    .describe("Group of a Unix socket, by name or number. Default: the group of the process."),
});

const listen = z
  .array(z.union([listenAddress().transform((address) => ({ address })), listener]))
  .min(1)
  .prefault(["127.0.0.1:1080"])
  .describe("Where to listen. An entry is an address, `127.0.0.1:1080`, or a map with settings of this listener.");

const user = z.strictObject({
  name: text("the name of a user").describe("Name that the client logs in with."),
  password: z
    .union([passwordHash(), z.strictObject({ plain: text("a password").describe("The password.") })])
    .describe(
      "Hash of the password, as `sockskitd passwd` prints it; or `{ plain: ... }`, the password itself, which `chap` needs.",
    ),
  groups: z.array(text("the name of a group")).prefault([]).describe("Groups that rules can name."),
});

const auth = z
  .strictObject({
    methods: z
      .array(method)
      .min(1)
      .optional()
      .describe(
        "Methods, most preferred first: `none` asks nobody, `userpass` asks for a user name and a password " +
          "(RFC 1929), `chap` has the password proven without sending it, `cram` asks a person for the password, " +
          "`gssapi` is Kerberos and protects everything after it, `ssl` is TLS inside SOCKS with one of the others in it. " +
          "Default: `[userpass]` when there are users, else `[none]`. See [Authentication](authentication.md).",
      ),
    users: z.array(user).prefault([]).describe("Users."),
    usersFile: text("the path of a file")
      .optional()
      .describe(
        "File with one `name:hash` on each line; its path is relative to the configuration file. It is read again when it changes.",
      ),
    gssapi: gssapi("Kerberos, for the method `gssapi`. See [GSS-API](gssapi.md)."),
    ssl,
    ident: z
      .strictObject({
        mode: oneOf(["off", "ask", "require"])
          .prefault("off")
          .describe(
            "`ask`: a SOCKS 4 client that ident names as another user than its request does is refused (93). " +
              "`require`: also one that ident does not name (92); where there are no users with passwords, the name is " +
              "one that `users` of a rule knows, but no log-in.",
          ),
        port: tcpPort().prefault(113).describe("Port on which the client's host is asked."),
        timeout: duration("1ms", "1m").prefault("3s").describe("How long an answer may take."),
      })
      .prefault({})
      .describe(
        "Whether the hosts of SOCKS 4 clients are asked who the client is (RFC 1413). An answer is worth as much as that host.",
      ),
    trustUserIds: flag()
      .prefault(false)
      .describe(
        "Believes the user id of SOCKS 4 requests, which proves nothing: `users` of a rule then knows it as a name, but no log-in. " +
          "Not together with users that have passwords. Name the `clients` that are meant in the same rule.",
      ),
  })
  .prefault({})
  .describe("Who may use the server.");

/** A condition of a rule, checked by the rules themselves: what they refuse is located in its list. */
function condition<T extends z.ZodType>(
  key: keyof RuleConfig,
  entry: T,
  description: string,
): z.ZodOptional<z.ZodArray<T>> {
  return z
    .array(entry)
    .superRefine((list, context) => {
      try {
        compilePolicy({ rules: [{ action: "deny", [key]: list }] });
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        for (const { path, expected: message, suggestion } of error.problems) {
          context.addIssue({ code: "custom", message, params: { suggestion }, path: path.slice(3) });
        }
      }
    })
    .optional()
    .describe(description);
}

const conditions = z.strictObject({
  clients: condition("clients", text("an address, a network or a named set"), "Where the client is."),
  users: condition("users", text("the name of a user"), "Users, of whom the client must be one."),
  groups: condition("groups", text("the name of a group"), "Groups, of which the user must be in one."),
  authenticated: flag().optional().describe("`true`: only clients that logged in; `false`: only the others."),
  commands: condition(
    "commands",
    oneOf(["connect", "bind", "udp-associate", "resolve", "resolve-ptr"]),
    "What the client asks for. Look-ups, `resolve` and `resolve-ptr`, are allowed only where a rule names them.",
  ),
  to: condition("to", text("a name, an address, a network or a named set"), "Where the client wants to go."),
  ports: condition("ports", port(), "Ports, 1 to 65535, and ranges such as `8000-8999`."),
  reason: text("a reason").optional().describe("Why, for the log."),
});

const rule = z
  .strictObject({
    allow: conditions
      .optional()
      .describe("Under these conditions the client gets what it asks for; `{}` matches everything."),
    deny: conditions.optional().describe("Under these conditions it is refused."),
    limit: z
      .strictObject({
        rate: rate()
          .optional()
          .describe("Bytes per second of each user (or client address), both directions together."),
        sessions: count().optional().describe("Sessions at a time of each user (or client address)."),
      })
      .optional()
      .describe("Limits for what an `allow` lets through."),
    via: text("the name of an upstream")
      .optional()
      .describe("Upstream that what an `allow` lets through goes by. Default: it goes directly."),
    proxyProtocol: oneOf(["off", "v1", "v2"])
      .optional()
      .describe("The same as `outbound.proxyProtocol`, for what this `allow` lets through. Default: as said there."),
  })
  .superRefine((written, context) => {
    if ((written.allow === undefined) === (written.deny === undefined)) {
      context.addIssue({ code: "custom", message: "a rule with either allow or deny" });
    } else if (written.deny !== undefined && written.limit !== undefined) {
      context.addIssue({ code: "custom", message: "no limit: a deny lets nothing through", path: ["limit"] });
    } else if (written.deny !== undefined && written.via !== undefined) {
      context.addIssue({ code: "custom", message: "no via: a deny lets nothing through", path: ["via"] });
    } else if (written.deny !== undefined && written.proxyProtocol !== undefined) {
      const message = "no proxyProtocol: a deny lets nothing through";
      context.addIssue({ code: "custom", message, path: ["proxyProtocol"] });
    }
  })
  .transform((written): RuleConfig => {
    const action = written.allow === undefined ? "deny" : "allow";
    const limit = written.limit === undefined ? {} : { limit: defined(written.limit) };
    const { via, proxyProtocol } = written;
    const conditions = defined(written.allow ?? written.deny ?? {});
    return { action, ...conditions, ...limit, ...defined({ via, proxyProtocol }) } as RuleConfig;
  });

const rules = z
  .array(rule)
  .optional()
  .describe(
    "The first rule that matches wins; without a match the answer is no. See [Rules](policy.md), also for the default.",
  );

/** The same without the keys that are `undefined`. */
function defined<T extends object>(map: T): T {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as T;
}

/** Schema of the configuration. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  listen,
  auth,
  allowOpenProxy: flag()
    .prefault(false)
    .describe(
      "Lets listeners that other hosts can reach take clients without a password. What those get is up to the rules; the default rules give them nothing.",
    ),
  rules,
  upstreams,
  outbound: z
    .strictObject({
      address: ipAddress()
        .optional()
        .describe("Local address that outgoing connections come from. Default: the system chooses."),
      resolver: oneOf(["system"]).prefault("system").describe("Who looks names up: the system."),
      family: oneOf(["auto", 4, 6]).prefault("auto").describe("Addresses to dial: IPv4, IPv6, or both."),
      proxyProtocol: oneOf(["off", "v1", "v2"])
        .prefault("off")
        .describe(
          "PROXY header that tells the destination of a connection first who the client is. Only for destinations that expect one.",
        ),
    })
    .prefault({})
    .describe("How the server gets out."),
  bind: z
    .strictObject({
      ports: portRange()
        .optional()
        .describe("Ports that BIND listens on, such as `40000-40999`. Default: the system chooses."),
      allowAnyPeer: flag()
        .prefault(false)
        .describe("Lets clients wait for a peer without naming one; the rules decide on whoever connects first."),
    })
    .prefault({})
    .describe("How BIND is served."),
  udp: z
    .strictObject({
      ports: portRange()
        .optional()
        .describe("Ports on which datagrams of clients are taken, such as `41000-41999`. Default: the system chooses."),
      fullCone: flag()
        .prefault(false)
        .describe(
          "Lets datagrams through to a client from addresses that it has not written to, as far as the rules allow them.",
        ),
    })
    .prefault({})
    .describe("How UDP ASSOCIATE is served."),
  timeouts: z
    .strictObject({
      handshake: duration("1ms", "1h")
        .prefault("10s")
        .describe("From the connection of a client to its whole request."),
      answer: duration("1ms", "1h")
        .prefault("1m")
        .describe("From a question of `cram` to its answer; the time of the handshake does not count meanwhile."),
      connect: duration("1ms", "1h").prefault("30s").describe("To look a name up and connect."),
      bind: duration("1ms", "1h").prefault("2m").describe("From a BIND to the connection of its peer."),
      idle: duration("1ms", "24d").prefault("1h").describe("How long a tunnel may carry nothing."),
      udp: duration("1ms", "24d").prefault("5m").describe("How long a UDP association may relay no datagram."),
      linger: duration("1ms", "10s").prefault("5s").describe("From a failure to the end of the client's connection."),
    })
    .prefault({})
    .describe("How long things may take."),
  limits: z
    .strictObject({
      sessions: count().prefault(100_000).describe("Sessions at a time."),
      perClient: count().prefault(1000).describe("Sessions at a time of one client address (IPv6: one /64)."),
      handshakes: count().prefault(10_000).describe("Sessions at a time that have not sent their request yet."),
      associations: count()
        .prefault(10_000)
        .describe("UDP associations at a time. Each has up to three sockets, and two for each upstream that it uses."),
      associationsPerClient: count()
        .prefault(256)
        .describe("UDP associations at a time of one client address (IPv6: one /64)."),
    })
    .prefault({})
    .describe("How much is taken on."),
  engine: oneOf(["auto", "portable", "fastpath"])
    .prefault("auto")
    .describe(
      "What serves the clients. `portable` runs everywhere, `fastpath` on Linux; `auto` is `fastpath` where that can run, and `portable` elsewhere. A reload cannot change it.",
    ),
  log: z
    .strictObject({
      level: oneOf(["error", "warn", "info", "debug", "silent"])
        .prefault("info")
        .describe("What is logged: this and everything graver."),
      format: oneOf(["auto", "pretty", "json"])
        .prefault("auto")
        .describe("`pretty` for people, `json` for programs; `auto` is `pretty` on a terminal and `json` elsewhere."),
    })
    .prefault({})
    .describe("The log, on standard output."),
  workers: notYet(),
  admin: notYet(),
});
