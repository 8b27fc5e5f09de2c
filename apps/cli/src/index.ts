/**
 * The program `sockskit`: SOCKS from the command line. `bin/sockskit.js` calls {@link run}; the exit statuses are in
 * {@link EXIT_STATUS}.
 *
 * @packageDocumentation
 */
export { EXIT_STATUS, type ExitReason } from "./exit-status.ts";
export { run } from "./main.ts";
