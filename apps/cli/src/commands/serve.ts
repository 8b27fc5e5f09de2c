import { DEFAULT_RULES } from "@sockskit/policy";
import {
  type ServerOptions,
  type SocksServer,
  type UserConfig,
  createServer,
  openProxyProblem,
} from "@sockskit/server";
import { formatAddress, parseAddress } from "@sockskit/wire";

import { usageError } from "../cli-error.ts";
import type { CommonOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { interruption } from "../interruption.ts";
import { printableJson } from "../printable.ts";
import { Reporter } from "../reporter.ts";
import { print } from "../standard-output.ts";
import { parseListenAddress } from "../target.ts";

/** Options of `sockskit serve`. */
export interface ServeOptions extends CommonOptions {
  /** Values of `--user`. */
  readonly user: readonly string[];
  /** Whether everybody may use it, from everywhere. */
  readonly open: boolean;
}

/** `sockskit serve`: a server for as long as the command runs. */
export async function serve(address: string, options: ServeOptions): Promise<number> {
  const reporter = new Reporter({ ...options, command: "serve" });
  const listen = parseListenAddress(address);
  const credentials = options.user.map(parseUser);
  const serverOptions: ServerOptions = {
    listen: [listen],
    ...(credentials.length > 0 && { credentials }),
    ...(options.open && { allowOpenProxy: true, rules: [...DEFAULT_RULES, { action: "allow" }] }),
  };
  if (openProxyProblem(serverOptions) !== undefined) {
    const where = formatAddress(parseAddress(listen.host, listen.port));
    throw usageError(
      `${where} can be reached from other hosts and would ask nobody for a password: anybody could use this proxy. ` +
        "Either give --user NAME:PASSWORD, or --open if everybody may use it",
    );
  }
  const server = createServer(serverOptions);
  if (options.verbose > 0) watch(server, reporter);
  server.on("error", (error) => reporter.error(error));
  // Before anybody can know that it listens, and ask it to stop.
  const stopped = interruption();
  for (const { host, port } of await server.listen()) {
    const text = formatAddress(parseAddress(host, port));
    const url = `socks5h://${text}`;
    await print(
      options.json
        ? `${printableJson({ type: "listening", address: host, port, url })}\n`
        : `listening on ${text}, try -x ${url}\n`,
    );
  }
  await stopped;
  await server.close();
  return EXIT_STATUS.success;
}

/** Reads `name:password`; a password hash in PHC form stands for the password. The text is not quoted: it is a secret. */
function parseUser(text: string): UserConfig {
  const colon = text.indexOf(":");
  if (colon < 1) throw usageError("a value of --user is not NAME:PASSWORD");
  const password = text.slice(colon + 1);
  return {
    name: text.slice(0, colon),
    password: /^\$(?:scrypt|argon2id)\$/.test(password) ? password : { plain: password },
  };
}

/** Tells what clients do. */
function watch(server: SocksServer, reporter: Reporter): void {
  const start = performance.now();
  const step = (text: string, type: string, data: object): void => {
    reporter.step(performance.now() - start, text, { type, ...data });
  };
  server.on("connected", ({ id, client, user, version, destination }) => {
    const data = { id, client: formatAddress(client), user, version, destination: formatAddress(destination) };
    const who = user === undefined ? data.client : `${user} at ${data.client}`;
    step(`${who} connected to ${data.destination} by SOCKS ${version}`, "connected", data);
  });
  server.on("denied", ({ id, client, stage, code, reason }) => {
    const data = { id, client: formatAddress(client), stage, code, reason };
    step(`${data.client} was refused: ${reason} [${code}]`, "denied", data);
  });
  server.on("closed", ({ id, client, bytesIn, bytesOut, reason, code }) => {
    const data = { id, client: formatAddress(client), bytesIn, bytesOut, reason, code };
    step(`${data.client} is gone (${reason}), ${bytesIn} bytes out, ${bytesOut} bytes back`, "closed", data);
  });
}
