import { createWriteStream, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";

import { parseAddress } from "@sockskit/wire";

import { CliError, reasonOf, usageError } from "../cli-error.ts";
import type { RouteOptions } from "../options.ts";
import { EXIT_STATUS } from "../exit-status.ts";
import { readBody } from "../fetch/body-source.ts";
import { exchange, exchangeError, hostOf, portOf, secure } from "../fetch/exchange.ts";
import { type Destination, followRedirect } from "../fetch/redirect.ts";
import { headersFor, parseFetchUrl, parseHeader, parseMethod, showUrl } from "../fetch/request-spec.ts";
import { Reporter } from "../reporter.ts";
import { chooseRoute, openTunnel } from "../route.ts";
import { openStandardOutput, outputError } from "../standard-output.ts";
import { version } from "../version.ts";

/** Options of `sockskit fetch`. */
export interface FetchOptions extends RouteOptions {
  /** Follow redirects. */
  readonly location: boolean;
  /** Most redirects to follow. */
  readonly maxRedirs: number;
  /** Write the head before the body. */
  readonly include: boolean;
  /** Ask for the head only. */
  readonly head: boolean;
  /** File to write to; `-` is standard output. */
  readonly output?: string;
  /** Values of `-H`. */
  readonly header: readonly string[];
  /** Value of `-X`. */
  readonly request?: string;
  /** Values of `-d`. */
  readonly data: readonly string[];
  /** A status of 400 or more is a failure. */
  readonly fail: boolean;
  /** PEM file with the certificates to trust. */
  readonly cacert?: string;
  /** Milliseconds for everything. */
  readonly maxTime?: number;
}

/** `sockskit fetch`: one HTTP request through the proxy, and where redirects lead when asked to follow. */
export async function fetchUrl(text: string, options: FetchOptions): Promise<number> {
  const fetching = new Fetching(options);
  const work = async (): Promise<number> => fetching.run(await fetching.prepare(text));
  if (options.maxTime === undefined) return work();
  const { maxTime } = options;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CliError("ERR_SOCKS_TIMEOUT", `not done within ${maxTime} ms (--max-time)`)),
      maxTime,
    );
  });
  return Promise.race([late, work()]).finally(() => clearTimeout(timer));
}

/** One call of the command. */
class Fetching {
  readonly #options: FetchOptions;
  readonly #reporter: Reporter;
  readonly #start = performance.now();
  readonly #redirects: string[] = [];
  #ca: string | undefined;
  #output: Writable | undefined;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#reporter = new Reporter({ ...options, command: "fetch" });
  }

  /** Reads everything that can be wrong before anything is begun. */
  async prepare(text: string): Promise<Destination> {
    const { head, data, request, header, cacert } = this.#options;
    if (head && data.length > 0) throw usageError("-I asks for the head only and takes no -d");
    const url = parseFetchUrl(text);
    const headers = header.map(parseHeader);
    const method = request === undefined ? (head ? "HEAD" : data.length > 0 ? "POST" : "GET") : parseMethod(request);
    this.#ca = cacert === undefined ? undefined : readCertificates(cacert);
    const body = await readBody(data);
    const bodyType = "application/x-www-form-urlencoded";
    return { url, spec: { method, isMethodChosen: request !== undefined, headers, body, bodyType } };
  }

  async run(first: Destination): Promise<number> {
    const { location, maxRedirs, fail, head, include } = this.#options;
    let current = first;
    for (;;) {
      const { response, proxies } = await this.#request(current);
      const { statusCode: status = 0, headers } = response;
      const next = location ? followRedirect(current, status, headers.location) : undefined;
      const isFailure = fail && status >= 400;
      if ((include || head) && !isFailure) await this.#write(formatHead(response));
      if (next === undefined) {
        const size = isFailure ? discard(response) : await this.#writeBody(response, current.url);
        await this.#finish();
        this.#reportResponse(response, current.url, proxies, size);
        if (!isFailure) return EXIT_STATUS.success;
        const reason = `${showUrl(current.url)} answered ${status} ${response.statusMessage ?? ""}`.trimEnd();
        throw new CliError("ERR_SOCKS_HTTP_STATUS", reason);
      }
      discard(response);
      if (this.#redirects.length === maxRedirs) {
        throw new CliError("ERR_SOCKS_HTTP_FAILED", `more than ${maxRedirs} redirects (--max-redirs)`);
      }
      this.#redirects.push(showUrl(next.url));
      this.#step(`redirected to ${showUrl(next.url)}`, { type: "redirect", status, location: showUrl(next.url) });
      current = next;
    }
  }

  /** Opens a way and sends one request. Redirects may lead elsewhere, so each request decides about its way anew. */
  async #request({ spec, url }: Destination): Promise<{ response: IncomingMessage; proxies: readonly string[] }> {
    const target = parseAddress(hostOf(url), portOf(url));
    const route = chooseRoute(this.#options, target, url.protocol.slice(0, -1));
    const { socket, proxies } = await openTunnel(route, target, { options: this.#options, reporter: this.#reporter });
    const connection = url.protocol === "https:" ? await this.#secure(socket, url) : socket;
    const response = await exchange(connection, {
      method: spec.method,
      url,
      headers: headersFor(spec, url, version()),
      body: spec.body,
    });
    const { statusCode: status, statusMessage } = response;
    this.#step(`${url.host} answered ${status} ${statusMessage}`, { type: "status", status, statusMessage });
    return { response, proxies };
  }

  async #secure(socket: Socket, url: URL): Promise<Socket> {
    const tls = await secure(socket, url, this.#ca, this.#options.timeout);
    const protocol = tls.getProtocol();
    this.#step(`${protocol} with ${url.host}, certificate verified`, { type: "tls", protocol });
    return tls;
  }

  /** Writes the body; gives its length. */
  async #writeBody(response: IncomingMessage, url: URL): Promise<number> {
    let size = 0;
    this.#openOutput();
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        await this.#write(chunk);
      }
    } catch (error) {
      throw exchangeError(error as Error, url);
    }
    return size;
  }

  #write(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const output = this.#openOutput();
      // A stream that failed before, while the response was awaited, knows why; its callback only hears that it is gone.
      output.write(data, (error) =>
        error === null || error === undefined ? resolve() : reject(this.#outputError(output.errored ?? error)),
      );
    });
  }

  #openOutput(): Writable {
    if (this.#output !== undefined) return this.#output;
    const { output = "-" } = this.#options;
    this.#output = output === "-" ? openStandardOutput() : createWriteStream(output);
    // A failure comes to the callback of the write, or to #finish, as well.
    this.#output.on("error", () => undefined);
    return this.#output;
  }

  #outputError(error: Error): CliError {
    const { output = "-" } = this.#options;
    if (output === "-") return outputError(error);
    return new CliError("ERR_SOCKS_FILE", `cannot write ${output}: ${reasonOf(error)}`, error);
  }

  /** Waits until everything is written. */
  async #finish(): Promise<void> {
    const output = this.#output;
    if (output === undefined || output === process.stdout) return;
    output.end();
    try {
      // It also sees what happened before, as when the file could not be opened.
      await finished(output);
    } catch (error) {
      throw this.#outputError(error as Error);
    }
  }

  #reportResponse(response: IncomingMessage, url: URL, proxies: readonly string[], bodyOctets: number): void {
    if (!this.#options.json) return;
    const { statusCode: status, statusMessage, httpVersion, headers } = response;
    const elapsedMs = Math.round(performance.now() - this.#start);
    const where = { url: showUrl(url), redirects: this.#redirects, proxies };
    const what = { status, statusMessage, httpVersion, headers, bodyOctets, elapsedMs };
    this.#reporter.note("", { type: "response", ...where, ...what });
  }

  #step(text: string, data: { readonly type: string } & Readonly<Record<string, unknown>>): void {
    this.#reporter.step(performance.now() - this.#start, text, data);
  }
}

/** The head of a response as it arrived, line by line. */
function formatHead({ httpVersion, statusCode = 0, statusMessage = "", rawHeaders }: IncomingMessage): Uint8Array {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  // Node reads heads as Latin-1; written back the same way they are the octets that arrived.
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Drops a body that nobody wants, and the connection with it. */
function discard(response: IncomingMessage): number {
  response.on("error", () => undefined);
  response.destroy();
  return 0;
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError("ERR_SOCKS_FILE", `cannot read ${file}: ${reasonOf(error)}`, error);
  }
}
