// A realm for a file of tests, servers that want its tickets, and clients that have one.
import type { Socket } from "node:net";
import { connect, type ConnectOptions, type GssapiOptions } from "@sockskit/client";
import type { GssapiOptions as ServerGssapiOptions, ServerOptions } from "@sockskit/server";
import { type KerberosRealm, realmProblem, startRealm, useRealm } from "@sockskit/testing";
import { afterAll, beforeAll } from "vitest";
import { afterTest, type Running, startServer } from "./server-support.ts";

/** Why there can be no realm here. */
export const problem: string | undefined = await realmProblem();
if (problem !== undefined) console.warn(`skipped: ${problem}`);

/** Lets alice reach this host. */
export const ALLOW: NonNullable<ServerOptions["rules"]> = [{ action: "allow", users: ["alice"], to: ["loopback"] }];

/** What tests with a realm begin with. */
export interface GssapiStage {
  /** The realm, once the tests run. */
  readonly realm: () => KerberosRealm;
  /** Starts a server that wants tickets. */
  readonly start: (gssapi?: ServerGssapiOptions, options?: ServerOptions) => Promise<Running>;
  /** Connects through it to a port of this host. */
  readonly open: (
    port: number,
    target: number,
    gssapi?: GssapiOptions,
    more?: Partial<ConnectOptions>,
  ) => Promise<Socket>;
}

/** Has a realm for the tests around the call. */
export function useGssapi(): GssapiStage {
  let realm: KerberosRealm;
  let undo: () => void;

  beforeAll(async () => {
    realm = await startRealm();
    undo = useRealm(realm);
  });

  afterAll(async () => {
    undo?.();
    await realm?.stop();
  });

  return {
    realm: () => realm,
    start(gssapi = {}, options = {}) {
      const { serviceKeytab: keytab } = realm;
      const own = { keytab, service: "rcmd@localhost", ...gssapi };
      return startServer({ authMethods: ["gssapi"], gssapi: own, rules: ALLOW, ...options });
    },
    async open(port, target, gssapi = {}, more = {}) {
      const socket = await connect({
        proxy: `socks5h://localhost:${port}`,
        target: `127.0.0.1:${target}`,
        gssapi,
        ...more,
      });
      afterTest(() => socket.destroy());
      socket.on("error", () => undefined);
      return socket;
    },
  };
}
