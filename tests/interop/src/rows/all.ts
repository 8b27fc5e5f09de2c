import type { Row } from "../harness/row.ts";
import { AUTO_ROWS } from "./auto.ts";
import { CHROMIUM_ROWS } from "./chromium.ts";
import { CURL_ROWS } from "./curl.ts";
import { NETCAT_ROWS } from "./netcat.ts";
import { NPM_CLIENT_ROWS } from "./npm-clients.ts";
import { OPENSSH_ROWS } from "./openssh.ts";
import { OUR_CLIENT_ROWS } from "./our-client.ts";
import { PRELOADED_ROWS } from "./preloaded.ts";
import { PROBE_ROWS } from "./probe.ts";

/** Every row of the suite. */
export const ALL_ROWS: readonly Row[] = [
  ...CURL_ROWS,
  ...OPENSSH_ROWS,
  ...NETCAT_ROWS,
  ...PRELOADED_ROWS,
  ...NPM_CLIENT_ROWS,
  ...CHROMIUM_ROWS,
  ...OUR_CLIENT_ROWS,
  ...PROBE_ROWS,
  ...AUTO_ROWS,
];
