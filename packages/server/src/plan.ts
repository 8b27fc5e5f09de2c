import { compilePolicy, type Policy } from "@sockskit/policy";
import { type IpAddress, parseIpAddress } from "@sockskit/wire";
import { type ChallengeCallback, passwordChallenge } from "./credentials/challenge.ts";
import type { CredentialStore } from "./credentials/credential-store.ts";
import type { UserConfig } from "./credentials/user.ts";
import { UserStore } from "./credentials/user-store.ts";
import { badOption, requireKeys, ServerError } from "./errors.ts";
import { IDENT_KEYS, type IdentPlan, identPlan } from "./ident/ident-plan.ts";
import { type ListenPlan, listenPlans } from "./listener/listen-plan.ts";
import { openProxyProblem } from "./listener/open-proxy.ts";
import { mafShows } from "./methods/auth-methods.ts";
import { innerMethodNames } from "./methods/ssl-plan.ts";
import {
  type AuthMethodName,
  DEFAULT_LIMITS,
  DEFAULT_TIMEOUTS,
  type LimitOptions,
  type ServerOptions,
  type TimeoutOptions,
} from "./options.ts";
import { type BindPlan, bindPlan, type UdpPlan, udpPlan } from "./ports/relay-plan.ts";
import { nameHandling, upstreamPlans, type Upstreams } from "./upstream/upstream-plan.ts";

/** Options after every check that needs no socket: nothing of them can fail any more but opening the listeners. */
export interface Plan {
  readonly listen: readonly ListenPlan[];
  readonly store: CredentialStore | undefined;
  /** What CRAM asks. */
  readonly challenge: ChallengeCallback | undefined;
  /** Whether the store was made here and is to be closed here. */
  readonly ownsStore: boolean;
  readonly rules: ServerOptions["rules"];
  readonly upstreams: Upstreams;
  readonly outbound: NonNullable<ServerOptions["outbound"]>;
  readonly timeouts: Required<TimeoutOptions>;
  readonly limits: Required<LimitOptions>;
  readonly ident: IdentPlan | undefined;
  readonly trustUserIds: boolean;
  readonly bind: BindPlan;
  readonly udp: UdpPlan;
  readonly engine: NonNullable<ServerOptions["engine"]>;
}

const SECTIONS = {
  outbound: ["localAddress", "family", "resolver", "proxyProtocol"],
  ident: IDENT_KEYS,
  bind: ["ports", "allowAnyPeer"],
  udp: ["ports", "fullCone"],
  timeouts: Object.keys(DEFAULT_TIMEOUTS),
  limits: Object.keys(DEFAULT_LIMITS),
} as const;
const OPTION_KEYS = [
  "listen",
  "authMethods",
  "gssapi",
  "credentials",
  "challenge",
  "ssl",
  "maf",
  "rules",
  "upstreams",
  "allowOpenProxy",
  "trustUserIds",
  "engine",
  ...Object.keys(SECTIONS),
];
const LISTEN_KEYS = ["host", "port", "unix", "tls", "proxyProtocol", "versions", "authMethods", "gssapi", "advertise"];

/** RFC 1928 section 6: "not more than 10 seconds after detecting the condition that caused a failure". */
const MAX_LINGER_MS = 10_000;
/** The longest time that Node's timers keep. */
const MAX_TIMER_MS = 0x7fffffff;

/**
 * Checks options whole.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`, `ERR_SOCKS_OPEN_PROXY`, `ERR_SOCKS_BAD_PASSWORD_HASH`,
 * `ERR_SOCKS_HASH_NOT_SUPPORTED`; PolicyError `ERR_SOCKS_BAD_RULE`.
 */
export function planServer(options: ServerOptions): Plan {
  requireKeys(options, OPTION_KEYS, []);
  for (const [section, known] of Object.entries(SECTIONS)) {
    const given = options[section as keyof typeof SECTIONS];
    if (given !== undefined) requireKeys(given, known, [section]);
  }
  for (const [index, entry] of (options.listen ?? []).entries()) requireKeys(entry, LISTEN_KEYS, ["listen", index]);
  checkEngine(options.engine);
  checkOutbound(options.outbound ?? {});
  const listen = listenPlans(options);
  const problem = openProxyProblem(options);
  if (problem !== undefined) throw new ServerError("ERR_SOCKS_OPEN_PROXY", problem, { path: ["listen"] });
  const upstreams = upstreamPlans(
    options.upstreams,
    listen.map(({ address }) => address),
  );
  compileRules({ rules: options.rules, upstreams });

  const { credentials, challenge } = options;
  const isServed = (method: AuthMethodName): boolean =>
    listen.some(({ authMethods }) => runs(method, authMethods, options));
  const chap = isServed("chap") || (isServed("maf") && mafShows("chap", options));
  const store = isUserList(credentials) ? new UserStore(credentials, { chap }) : credentials;
  if (store !== undefined && typeof store.verify !== "function") {
    throw badOption(["credentials"], "expected a list of users or an object with a method verify");
  }
  if (challenge !== undefined && typeof challenge !== "function") throw badOption(["challenge"], "expected a function");
  return {
    listen,
    store,
    challenge: challenge ?? (store === undefined ? undefined : passwordChallenge(store)),
    ownsStore: store !== credentials,
    rules: options.rules,
    upstreams,
    outbound: options.outbound ?? {},
    timeouts: { ...DEFAULT_TIMEOUTS, ...checkTimeouts(options.timeouts) },
    limits: { ...DEFAULT_LIMITS, ...checkLimits(options.limits) },
    ident: identPlan(options.ident, store !== undefined),
    trustUserIds: checkTrust(options.trustUserIds, store !== undefined),
    bind: bindPlan(options.bind),
    udp: udpPlan(options.udp),
    engine: options.engine ?? "auto",
  };
}

/** Compiles rules for a server that listens on `self`. */
export function compileRules(
  { rules, upstreams }: Pick<Plan, "rules" | "upstreams">,
  self: readonly IpAddress[] = [],
  localAddresses: readonly IpAddress[] = [],
): Policy {
  const given = rules === undefined ? {} : { rules };
  return compilePolicy({ ...given, self, localAddresses, upstreams: nameHandling(upstreams) });
}

/** Whether a method is among these, or inside one of them. */
function runs(method: AuthMethodName, methods: readonly AuthMethodName[], options: ServerOptions): boolean {
  return methods.includes(method) || (methods.includes("ssl") && innerMethodNames(options).includes(method));
}

function isUserList(credentials: ServerOptions["credentials"]): credentials is readonly UserConfig[] {
  return Array.isArray(credentials);
}

function checkEngine(engine: unknown): void {
  if (engine === undefined || engine === "auto" || engine === "portable" || engine === "fastpath") return;
  throw badOption(["engine"], `${JSON.stringify(engine)} is not an engine; expected "auto", "portable" or "fastpath"`);
}

function checkTrust(trustUserIds: unknown = false, hasCredentials: boolean): boolean {
  if (typeof trustUserIds !== "boolean") throw badOption(["trustUserIds"], "expected true or false");
  if (trustUserIds && hasCredentials) {
    const problem = "users have passwords here, and anybody could give the name of one as a SOCKS 4 user id";
    throw badOption(["trustUserIds"], `${problem}; expected false, or no credentials`);
  }
  return trustUserIds;
}

function checkOutbound({ localAddress, family, proxyProtocol }: NonNullable<ServerOptions["outbound"]>): void {
  if (localAddress !== undefined && parseIpAddress(localAddress) === undefined) {
    throw badOption(["outbound", "localAddress"], `${JSON.stringify(localAddress)} is not an IP address`);
  }
  if (family !== undefined && family !== "auto" && family !== 4 && family !== 6) {
    throw badOption(["outbound", "family"], 'expected 4, 6 or "auto"');
  }
  if (proxyProtocol !== undefined && !["off", "v1", "v2"].includes(proxyProtocol)) {
    throw badOption(["outbound", "proxyProtocol"], 'expected "off", "v1" or "v2"');
  }
}

function checkTimeouts(timeouts: TimeoutOptions = {}): TimeoutOptions {
  for (const [key, value] of Object.entries(timeouts)) {
    const max = key === "lingerMs" ? MAX_LINGER_MS : MAX_TIMER_MS;
    const min = key === "loginFailureMs" ? 0 : 1;
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      throw badOption(["timeouts", key], `${String(value)} is not a time; expected ${min} to ${max} milliseconds`);
    }
  }
  return timeouts;
}

function checkLimits(limits: LimitOptions = {}): LimitOptions {
  for (const [key, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw badOption(["limits", key], `${String(value)} is not a limit; expected a whole number, 1 or more`);
    }
  }
  return limits;
}
