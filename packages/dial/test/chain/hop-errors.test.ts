import { HandshakeError } from "@sockskit/handshake";
import { parseProxyUrl } from "@sockskit/url";
import { parseHostPort } from "@sockskit/wire";
import { expect, test } from "vitest";

import { closedError, localError } from "../../src/chain/hop-errors.ts";
import { Hop } from "../../src/chain/hop.ts";

const hop = new Hop(parseProxyUrl("socks5h://proxy.example"), 0, 1);
const asked = { hop, command: "connect", destination: parseHostPort("example.com:80"), listening: false } as const;

test("a connection that was broken off is told from one that was closed", () => {
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const broken = closedError(asked, "request", reset);
  expect(broken).toMatchObject({ code: "ERR_SOCKS_PROXY_CLOSED", stage: "request", cause: reset });
  expect(broken.message).toBe(
    "proxy socks5h://proxy.example:1080 broke the connection (ECONNRESET) instead of answering the request for " +
      "example.com:80; it may be out of order, or refuse without a word",
  );
  expect(closedError(asked, "negotiate", undefined).message).toMatch(/closed the connection instead of choosing/);
  expect(closedError(asked, "authenticate", undefined).message).toMatch(/the credentials may be wrong$/);
});

test("only what the packages below say is dressed up", () => {
  const defect = new TypeError("defect");
  expect(localError(hop, defect)).toBe(defect);
  const cause = new HandshakeError("ERR_SOCKS_NOT_REPRESENTABLE", "no", { side: "local", stage: "request" });
  expect(localError(hop, cause)).toMatchObject({ name: "SocksError", code: "ERR_SOCKS_NOT_REPRESENTABLE", cause });
});
