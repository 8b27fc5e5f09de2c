import {
  describeTool,
  missing,
  startDanted,
  startHev,
  startMicrosocks,
  startNpmServer,
  startSockskitd,
  startThreeProxy,
  type Scope,
  type ServerPeer,
  type Tool,
} from "@sockskit/interop-tests";

/** A server that is measured. */
export interface Contestant {
  /** Name and version, for tables. */
  readonly title: string;
  /** Loopback port; `0` is no server at all: the limit of this load generator on this machine. */
  readonly port: number;
  /** Its process, with children and threads; `undefined` for no server. */
  readonly pid: number | undefined;
}

/** All load comes from one address. Everything else is as by default, with two lines in the log for each session. */
const configuration = (engine: "portable" | "fastpath"): string => `engine: ${engine}\nlimits: { perClient: 100000 }\n`;

type Start = (scope: Scope) => Promise<ServerPeer>;

const OTHERS: readonly (readonly [Tool, Start])[] = [
  ["microsocks", (scope) => startMicrosocks(scope)],
  ["danted", (scope) => startDanted(scope)],
  ["3proxy", (scope) => startThreeProxy(scope)],
  ["hev-socks5-server", (scope) => startHev(scope)],
  ["npm:@pondwader/socks5-server", (scope) => startNpmServer(scope)],
];

/** Starts every server that is installed; says which are not. */
export async function startContestants(
  scope: Scope,
  wanted: (title: string) => boolean,
): Promise<readonly Contestant[]> {
  const contestants: Contestant[] = [{ title: "no proxy", port: 0, pid: undefined }];
  const add = async (title: string, start: Start): Promise<void> => {
    if (!wanted(title)) return;
    const { port, process } = await start(scope);
    contestants.push({ title, port, pid: process.pid });
  };
  if (process.platform === "linux") {
    await add("sockskitd, fastpath", (into) => startSockskitd(into, { configuration: configuration("fastpath") }));
  }
  await add("sockskitd, portable", (into) => startSockskitd(into, { configuration: configuration("portable") }));
  for (const [tool, start] of OTHERS) {
    const why = await missing(tool);
    if (why === undefined) {
      const { program, version } = await describeTool(tool);
      await add(`${program} ${version}`, start);
    } else console.log(`not measured: ${why}`);
  }
  return contestants;
}
