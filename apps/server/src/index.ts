/**
 * `sockskitd`, a SOCKS 4, 4A and 5 server, as a function: what the executable calls.
 *
 * Programs that want a server of their own use `@sockskit/server`.
 *
 * @packageDocumentation
 */
export { main } from "./main.ts";
