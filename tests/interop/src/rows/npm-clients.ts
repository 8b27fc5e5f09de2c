import type { Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { SocksClient, type SocksProxy } from "socks";
import { request, Socks5ProxyAgent } from "undici";
import type { Check, Row, RowContext } from "../harness/row.ts";
import { expectSame } from "../harness/row.ts";
import { ACCOUNT } from "../peers/account.ts";
import { bodyOf, bodyStream, formatReceived, LARGE, Sum } from "../target/body.ts";
import { duplexRows } from "./duplex.ts";
import { sockskitd, targetHost, userinfo, type Combination } from "./our-server.ts";

/** npm `socks` and undici with our server. */
export const NPM_CLIENT_ROWS: readonly Row[] = [
  ...combinations([
    ["socks4", "none"],
    ["socks4", "user id"],
    ["socks4a", "none"],
    ["socks5", "none"],
    ["socks5", "password"],
    ["socks5h", "none"],
    ["socks5h", "password"],
  ]).flatMap((combination) =>
    duplexRows({
      tool: "npm:socks",
      role: "client",
      needs: ["nss-wrapper"],
      ...combination,
      halfClose: {
        works: "answer",
        remark: "the client's sockets end with the target's end: nothing can be sent after it",
      },
      async connect(context, port) {
        const { socket } = await SocksClient.createConnection({
          proxy: await npmProxy(context, combination),
          command: "connect",
          destination: { host: targetHost(combination), port },
        });
        return readByEvents(socket);
      },
    }),
  ),
  ...combinations([
    ["socks5h", "none"],
    ["socks5h", "password"],
  ]).flatMap((combination) =>
    (["0 B", "1 B", "256 MiB down", "256 MiB up"] as const).map((check) => undiciRow(combination, check)),
  ),
];

function combinations(
  list: readonly (readonly [Combination["scheme"], Combination["auth"]])[],
): readonly Combination[] {
  return list.map(([scheme, auth]) => ({ scheme, auth }));
}

async function npmProxy(context: RowContext, { scheme, auth }: Combination): Promise<SocksProxy> {
  const { port } = await sockskitd(context, auth);
  const type = scheme.startsWith("socks4") ? 4 : 5;
  const account = {
    none: {},
    "user id": { userId: "fred" },
    password: { userId: ACCOUNT.username, password: ACCOUNT.password },
  }[auth];
  return { host: "127.0.0.1", port, type, ...account };
}

/**
 * What came together with the proxy's last reply is given out as a single `data` event, one turn after the
 * promise: a reader of the stream would miss it, so this one listens at once.
 */
function readByEvents(socket: Socket): Duplex {
  const readable = new PassThrough();
  socket.on("data", (chunk: Buffer) => {
    if (!readable.write(chunk)) socket.pause();
  });
  readable.on("drain", () => socket.resume());
  socket.on("end", () => readable.end());
  socket.on("error", (error) => readable.destroy(error));
  return Duplex.from({ readable, writable: socket });
}

function undiciRow(combination: Combination, check: Check): Row {
  return {
    tool: "npm:undici",
    role: "client",
    needs: ["nss-wrapper"],
    ...combination,
    check,
    async run(context) {
      const { port } = await sockskitd(context, combination.auth);
      const dispatcher = new Socks5ProxyAgent(`socks5://${userinfo(combination.auth)}127.0.0.1:${port}`);
      context.scope.defer(() => dispatcher.destroy());
      const base = `http://${targetHost(combination)}:${context.targets.http}`;
      const length = check.startsWith("256 MiB") ? LARGE : Number.parseInt(check, 10);
      const expected = formatReceived(bodyOf(length));
      if (check !== "256 MiB up") {
        const { body } = await request(`${base}/bytes/${length}`, { dispatcher });
        const sum = new Sum();
        for await (const chunk of body) sum.add(chunk as Buffer);
        expectSame("received", formatReceived(sum.result()), expected);
      }
      if (check !== "256 MiB down") {
        const { body } = await request(`${base}/digest`, { dispatcher, method: "PUT", body: bodyStream(length) });
        expectSame("what the target received", await body.text(), expected);
      }
    },
  };
}
