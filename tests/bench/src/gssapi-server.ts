/** The server under test, in a process of its own: `gssapi-server.ts KEYTAB`. Prints its port; each line it reads is answered with the CPU time so far. */
import { createInterface } from "node:readline";
import { createServer } from "@sockskit/server";

const [keytab = ""] = process.argv.slice(2);
const server = createServer({
  listen: [{ port: 0 }],
  authMethods: ["gssapi"],
  gssapi: { keytab, service: "rcmd@localhost" },
  rules: [{ action: "allow", users: ["alice"], to: ["loopback"] }],
});
const [address] = await server.listen();
console.log(address?.port);
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1000);
}
await server.close();
