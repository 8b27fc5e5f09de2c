// Loads the built package in Chromium and runs every vector in the page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { addressVectors, messages, vectorFields, vectorOctets } from "@sockskit/vectors";
import { expect, test } from "vitest";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync --disable-dev-shm-usage " +
  "--disable-background-networking --disable-component-update";
const DEADLINE_MS = 60_000;
const DIST = fileURLToPath(new URL(".", import.meta.resolve("@sockskit/wire")));

const browser = findBrowser();
const required = process.env["CI"] === "true";
if (browser === undefined && !required) {
  console.log(`skipped: no browser found; install one of ${BROWSERS.join(", ")}, or name one in CHROMIUM`);
}

/** What a page reports. */
interface Report {
  readonly checked: number;
  readonly problems: readonly string[];
}

test.skipIf(browser === undefined && !required)(
  "the built package decodes every vector in Chromium",
  { timeout: DEADLINE_MS + 15_000 },
  async () => {
    if (browser === undefined) expect.fail(`no browser found, and CI needs one: ${BROWSERS.join(", ")}`);
    const report = await openPage(browser, pageWithVectors());
    expect(report.problems).toEqual([]);
    expect(report.checked).toBeGreaterThan(600);
  },
);

/** A value in a form that can be compared as JSON: octets as numbers, fields in the order of their names. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field)] as const);
  return Object.fromEntries(fields.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** What the page works on: plain data. */
function vectorsForPage() {
  const vectors = messages().filter(({ type }) => type !== "Data");
  return {
    messages: vectors.map(({ name, type, options, error, encodesTo, encodeError, decoded, hex }) => ({
      name,
      type,
      options,
      error,
      encodesTo,
      encodeError,
      octets: [...vectorOctets(hex)],
      fields: plain(vectorFields(decoded ?? {})),
    })),
    addresses: addressVectors(),
  };
}

/** Runs in the page, so it uses nothing but its arguments and what a browser has. */
function checkVectors(
  wire: Record<string, (...values: unknown[]) => unknown>,
  vectors: ReturnType<typeof vectorsForPage>,
  asPlain: typeof plain,
): Report {
  const problems: string[] = [];
  let checked = 0;

  function check(name: string, expected: unknown, run: () => unknown): void {
    let actual: unknown;
    try {
      actual = run();
    } catch (error) {
      actual = (error as { code?: string }).code ?? String(error);
    }
    const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
    if (left !== right) problems.push(`${name}: ${left}, expected ${right}`);
    checked++;
  }

  for (const { name, type, options, error, octets, fields, encodesTo, encodeError } of vectors.messages) {
    const decode = (): Record<string, unknown> => {
      const bytes = Uint8Array.from(octets);
      if (type === "UdpDatagram") return wire["decodeUdpDatagram"]!(bytes) as Record<string, unknown>;
      return (wire[`decode${type}`]!(bytes, 0, options) as { value: Record<string, unknown> }).value;
    };
    check(name, error?.code ?? fields, () => asPlain(decode()));
    if (error !== undefined || encodesTo !== undefined) continue;
    check(`encode ${name}`, encodeError ?? octets, () => [...(wire[`encode${type}`]!(decode()) as Uint8Array)]);
  }

  const hostOf = (text: string): string => (wire["parseAddress"]!(text, 0) as { host: string }).host;
  for (const { text, canonical } of vectors.addresses.ipv6) check(text, canonical, () => hostOf(text));
  for (const { text } of vectors.addresses.ipv4) check(text, text, () => hostOf(text));
  for (const { text, ascii } of vectors.addresses.names) check(text, ascii, () => hostOf(text));
  for (const { text } of vectors.addresses.refused) check(text, "ERR_SOCKS_BAD_ADDRESS", () => hostOf(text));
  return { checked, problems };
}

/** A page that imports the package as a browser does, runs every vector and shows its report. */
function pageWithVectors(): string {
  const json = JSON.stringify(vectorsForPage()).replaceAll("<", String.raw`\u003c`);
  return `<!doctype html><meta charset="utf-8"><title>wire</title>
    <script type="application/json" id="vectors">${json}</script>
    <pre id="report">the module did not run</pre>
    <script type="module">
      import * as wire from "./index.js";
      const vectors = JSON.parse(document.getElementById("vectors").textContent);
      ${plain.toString()}
      const report = (${checkVectors.toString()})(wire, vectors, plain);
      document.getElementById("report").textContent = JSON.stringify(report);
    </script>`;
}

/** Serves the page and the built package on a loopback port, opens it, and reads what it reports. */
async function openPage(executable: string, page: string): Promise<Report> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    if (path === "/") {
      response.setHeader("content-type", "text/html").end(page);
      return;
    }
    readFile(join(DIST, path)).then(
      (content) => response.setHeader("content-type", "text/javascript").end(content),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const dom = await dumpDom(executable, `http://127.0.0.1:${port}/`);
    const text = /<pre id="report">([^<]*)<\/pre>/.exec(dom)?.[1];
    if (text?.startsWith("{") !== true) expect.fail(`the page reports ${JSON.stringify(text ?? dom.slice(0, 500))}`);
    return JSON.parse(text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")) as Report;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The document as the browser has it once it is loaded. */
async function dumpDom(executable: string, url: string): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), "sockskit-browser-"));
  const child = spawn(
    executable,
    [...FLAGS.split(" "), `--user-data-dir=${profile}`, "--dump-dom", url],
    // A process group of its own: the browser's many processes end with it.
    { detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  const timer = setTimeout(() => endGroup(child.pid), DEADLINE_MS);
  let output = "";
  let complaints = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  try {
    const [status, signal] = (await once(child, "close")) as [number | null, string | null];
    expect(status, `${executable} ended by ${signal ?? "itself"}: ${complaints.slice(-2_000)}`).toBe(0);
    return output;
  } finally {
    clearTimeout(timer);
    endGroup(child.pid);
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function findBrowser(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const named = process.env["CHROMIUM"];
  const candidates = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)));
  return (named === undefined ? candidates : [named]).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
