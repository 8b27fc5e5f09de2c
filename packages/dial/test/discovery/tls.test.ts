import { authorityCertificate } from "@sockskit/testing";
import { parseProxyUrl } from "@sockskit/url";
import { expect, onTestFinished, test } from "vitest";

import { dialThrough } from "../../src/index.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { GRANTED_4, GREETING, listen, NAME_REQUEST, optionsFor } from "./version-server.ts";

test("the version is found inside TLS", async () => {
  const server = await listen({ greeting: "close", address: GRANTED_4 });
  const front = await startTlsFront(server);
  onTestFinished(() => front.close());
  const { socket, hops } = await dialThrough({
    ...optionsFor(server),
    chain: [parseProxyUrl(`auto+tls://127.0.0.1:${front.port}`)],
    tls: { ca: authorityCertificate() },
  });
  socket.destroy();
  expect(hops.map(({ scheme }) => scheme)).toEqual(["socks4a+tls"]);
  expect(server.heard).toEqual([GREETING, NAME_REQUEST]);
});
