/**
 * State of a {@link ClientHandshake}.
 *
 * - `start`: nothing sent yet.
 * - `negotiating`: the greeting was sent, the choice of a method is due (SOCKS 5).
 * - `authenticating`: running the chosen method's exchange.
 * - `asking`: the owner looks for the answer to a question of the method.
 * - `securing`: the owner puts the layer in place that protects the rest.
 * - `requesting`: the request was sent, the reply is due.
 * - `binding`: the first reply to BIND came, the second is due.
 * - `established`: the last reply said success.
 * - `failed`: nothing more will come.
 */
export type ClientState =
  | "start"
  | "negotiating"
  | "authenticating"
  | "asking"
  | "securing"
  | "requesting"
  | "binding"
  | "established"
  | "failed";

/**
 * What moves a {@link ClientHandshake} from state to state.
 *
 * - `greet`: a SOCKS 5 greeting goes out.
 * - `request`: a SOCKS 4 request goes out at once.
 * - `selected`: the proxy chose an offered method.
 * - `ask`, `answer`: a question of the method went out, the answer came in.
 * - `secure`, `secured`: the method protects what follows, and the layer is in place.
 * - `authenticated`: the method's exchange succeeded, and the request goes out.
 * - `listening`: the first success to a BIND.
 * - `granted`: the last success.
 * - `fail`: the proxy refused or broke the protocol.
 */
export type ClientTransition =
  | "greet"
  | "request"
  | "selected"
  | "ask"
  | "answer"
  | "secure"
  | "secured"
  | "authenticated"
  | "listening"
  | "granted"
  | "fail";

/** The transition table of {@link ClientHandshake}: a pair that is not in it is not allowed. */
export const CLIENT_TRANSITIONS: Readonly<
  Record<ClientState, Readonly<Partial<Record<ClientTransition, ClientState>>>>
> = {
  start: { greet: "negotiating", request: "requesting" },
  negotiating: { selected: "authenticating", fail: "failed" },
  authenticating: { ask: "asking", secure: "securing", authenticated: "requesting", fail: "failed" },
  asking: { answer: "authenticating", fail: "failed" },
  securing: { secured: "authenticating", fail: "failed" },
  requesting: { listening: "binding", granted: "established", fail: "failed" },
  binding: { granted: "established", fail: "failed" },
  established: { fail: "failed" },
  failed: {},
};
