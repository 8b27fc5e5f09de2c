import { HandshakeError, type HandshakeStage } from "../errors.ts";

/**
 * Looks a transition up.
 *
 * @throws HandshakeError `ERR_SOCKS_STATE` (local) when the table does not allow it.
 */
export function nextState<State extends string, Transition extends string>(
  table: Readonly<Record<State, Readonly<Partial<Record<Transition, State>>>>>,
  state: State,
  transition: Transition,
  stage: HandshakeStage,
): State {
  const next: State | undefined = table[state][transition];
  if (next === undefined) {
    throw new HandshakeError("ERR_SOCKS_STATE", `"${transition}" is not allowed in state "${state}"`, {
      side: "local",
      stage,
    });
  }
  return next;
}
