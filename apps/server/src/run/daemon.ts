import { watchFile, unwatchFile } from "node:fs";
import { createServer, type ListeningAddress, type SocksServer } from "@sockskit/server";
import type { ConfigFlags } from "../config/flags.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { ConfigError, formatProblem } from "../config/problem.ts";
import { createLog, type Log } from "../log/log.ts";
import { logSessions } from "../log/session-log.ts";

/** How often files that the configuration names are looked at. Polling sees every way of replacing a file. */
const FILE_INTERVAL_MS = 1000;

/** What a {@link Daemon} is started with. */
export interface DaemonOptions {
  readonly file: string | undefined;
  readonly flags: ConfigFlags;
  /** How long open tunnels may go on when it stops. */
  readonly drainMs: number;
}

/** A running server with what surrounds it: log, reload, users file, end. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #server: SocksServer;
  readonly #log: Log;
  #loaded: LoadedConfig;
  #reloading: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #watched: ReadonlySet<string> = new Set();
  #announced: ReadonlySet<string> = new Set();

  private constructor(options: DaemonOptions, loaded: LoadedConfig, server: SocksServer) {
    this.#options = options;
    this.#loaded = loaded;
    this.#server = server;
    this.#log = createLog(loaded.config.log);
  }

  /**
   * Reads the configuration and opens every listener.
   *
   * @throws ConfigError; ServerError `ERR_SOCKS_LISTEN_FAILED`.
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const loaded = await loadConfig(options.file, options.flags);
    const daemon = new Daemon(options, loaded, createServer(loaded.options));
    logSessions(daemon.#server, daemon.#log);
    daemon.#warn();
    daemon.#announce(await daemon.#server.listen());
    daemon.#announceEngine();
    daemon.#watchFiles();
    return daemon;
  }

  /** Takes the configuration as it is in the file now, whole or not at all. */
  reload(cause: string): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(cause));
    return this.#reloading;
  }

  /** Stops: no new sessions, the open ones get their time. Resolves when all has ended. */
  stop(cause: string): Promise<void> {
    return (this.#stopped ??= this.#stop(cause));
  }

  /** Writes that something failed which nothing in here expected. */
  async fail(error: unknown): Promise<void> {
    this.#log.write("error", "failed", {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    await this.#log.flush();
  }

  async #reload(cause: string): Promise<void> {
    if (this.#stopped !== undefined) return;
    try {
      const loaded = await loadConfig(this.#options.file, this.#options.flags);
      const addresses = await this.#server.reload(loaded.options);
      this.#loaded = loaded;
      this.#log.configure(loaded.config.log);
      logSessions(this.#server, this.#log);
      this.#watchFiles();
      this.#warn();
      this.#log.write("info", "reloaded", { cause, users: loaded.users.length });
      this.#announce(addresses);
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems.map(formatProblem) : [messageOf(error)];
      for (const problem of problems) this.#log.write("error", "configuration refused", { cause, problem });
      this.#log.write("error", "not reloaded; everything stays as it was", { cause, problems: problems.length });
    }
  }

  async #stop(cause: string): Promise<void> {
    const { drainMs } = this.#options;
    this.#unwatchFiles();
    this.#log.write("info", "stopping", { cause, sessions: this.#server.stats.sessions, drainMs });
    await this.#server.close({ drainMs });
    this.#log.write("info", "stopped");
    await this.#log.flush();
  }

  /** A line for each listener that was not there before. */
  #announce(addresses: readonly ListeningAddress[]): void {
    const texts = addresses.map(({ host, port, path }) => path ?? `${host} ${port}`);
    for (const [index, { host, port, path }] of addresses.entries()) {
      if (this.#announced.has(texts[index] as string)) continue;
      this.#log.write("info", "listening", path === undefined ? { address: host, port } : { address: `unix:${path}` });
    }
    this.#announced = new Set(texts);
  }

  /** One line that says what serves the clients, and why it is not the other engine. */
  #announceEngine(): void {
    const { engine } = this.#server;
    if (engine !== undefined) this.#log.write("info", "engine", { engine: engine.name, reason: engine.reason });
  }

  #warn(): void {
    for (const warning of this.#loaded.warnings) {
      this.#log.write("warn", "configuration hardly meant so", { problem: formatProblem(warning) });
    }
  }

  /** Keeps an eye on the files that the configuration names: users, certificates, keys, what upstreams have in files. */
  #watchFiles(): void {
    const { usersPath, tlsPaths, upstreamPaths } = this.#loaded;
    const wanted = new Map(upstreamPaths.map((path) => [path, "file of an upstream"]));
    for (const path of tlsPaths) wanted.set(path, "certificate file");
    if (usersPath !== undefined) wanted.set(usersPath, "users file");
    for (const path of this.#watched) if (!wanted.has(path)) unwatchFile(path);
    for (const [path, cause] of wanted) {
      if (this.#watched.has(path)) continue;
      watchFile(path, { interval: FILE_INTERVAL_MS, persistent: false }, () => void this.reload(cause));
    }
    this.#watched = new Set(wanted.keys());
  }

  #unwatchFiles(): void {
    for (const path of this.#watched) unwatchFile(path);
    this.#watched = new Set();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
