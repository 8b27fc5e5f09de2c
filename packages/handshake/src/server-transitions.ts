/**
 * State of a {@link ServerHandshake}.
 *
 * - `start`: nothing received yet.
 * - `greeting`: reading the methods of a SOCKS 5 client.
 * - `authenticating`: running the chosen method's exchange.
 * - `verifying`: the owner looks for a verdict.
 * - `securing`: the owner puts the layer in place that protects the rest.
 * - `requesting`: reading a SOCKS 5 request.
 * - `requesting4`: reading a SOCKS 4 or 4A request.
 * - `deciding`: the owner looks for the reply.
 * - `binding`: the first reply to BIND was sent, the second is due.
 * - `established`: the last reply said success.
 * - `failed`: nothing more will come.
 */
export type ServerState =
  | "start"
  | "greeting"
  | "authenticating"
  | "verifying"
  | "securing"
  | "requesting"
  | "requesting4"
  | "deciding"
  | "binding"
  | "established"
  | "failed";

/**
 * What moves a {@link ServerHandshake} from state to state.
 *
 * - `socks4`, `socks5`: the first octet told the version.
 * - `select`: a method was chosen.
 * - `verify`, `verdict`: evidence went out, the verdict came in.
 * - `secure`, `secured`: the method protects what follows, and the layer is in place.
 * - `authenticated`: the method's exchange succeeded.
 * - `request`: a request was read and is sound.
 * - `listen`: the owner's first success to a BIND.
 * - `grant`, `refuse`: the owner's last reply.
 * - `fail`: the client broke the protocol, a limit or a demand.
 */
export type ServerTransition =
  | "socks4"
  | "socks5"
  | "select"
  | "verify"
  | "verdict"
  | "secure"
  | "secured"
  | "authenticated"
  | "request"
  | "listen"
  | "grant"
  | "refuse"
  | "fail";

/** The transition table of {@link ServerHandshake}: a pair that is not in it is not allowed. */
export const SERVER_TRANSITIONS: Readonly<
  Record<ServerState, Readonly<Partial<Record<ServerTransition, ServerState>>>>
> = {
  start: { socks4: "requesting4", socks5: "greeting", fail: "failed" },
  greeting: { select: "authenticating", fail: "failed" },
  authenticating: { verify: "verifying", secure: "securing", authenticated: "requesting", fail: "failed" },
  verifying: { verdict: "authenticating", fail: "failed" },
  securing: { secured: "authenticating", fail: "failed" },
  requesting: { request: "deciding", fail: "failed" },
  requesting4: { request: "deciding", fail: "failed" },
  deciding: { listen: "binding", grant: "established", refuse: "failed", fail: "failed" },
  binding: { grant: "established", refuse: "failed", fail: "failed" },
  established: { fail: "failed" },
  failed: {},
};
