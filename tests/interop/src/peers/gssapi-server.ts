/**
 * A sockskit server with GSS-API in a process of its own, for a library of its own: prints its port.
 *
 *     node gssapi-server.ts KEYTAB [LIBRARY]
 */
import { systemMechanism } from "@sockskit/auth-gssapi";
import { createServer } from "@sockskit/server";

const [keytab = "", library] = process.argv.slice(2);
const server = createServer({
  listen: [{ port: 0 }],
  authMethods: ["gssapi"],
  gssapi: { keytab, service: "rcmd@localhost", mechanism: systemMechanism({ library }) },
  rules: [{ action: "allow", users: ["alice"], to: ["loopback"] }],
});
server.on("denied", ({ code, reason }) => console.error(code, reason));
const [address] = await server.listen();
console.log(address?.port);
