import type { Row } from "../harness/row.ts";
import { startSshd, type SshServer } from "../peers/openssh.ts";
import { sockskit } from "../peers/sockskit.ts";
import { pipeRows } from "./pipe.ts";
import { sockskitd, userinfo, type Combination } from "./our-server.ts";

const COMBINATIONS: readonly Combination[] = [
  { scheme: "socks4a", auth: "none" },
  { scheme: "socks5h", auth: "none" },
  { scheme: "socks5h", auth: "password" },
];

/** `ssh -W` with `sockskit connect` as its ProxyCommand, through our server, to an sshd, and from there to the target. */
export const OPENSSH_ROWS: readonly Row[] = COMBINATIONS.flatMap((combination) =>
  pipeRows({
    tool: "ssh",
    role: "client",
    variant: "ProxyCommand sockskit connect",
    needs: ["sshd", "nss-wrapper"],
    ...combination,
    async open(context, port) {
      const { login } = (await context.server("sshd", startSshd)) as SshServer;
      const proxy = await sockskitd(context, combination.auth);
      const url = `${combination.scheme}://${userinfo(combination.auth)}127.0.0.1:${proxy.port}`;
      // A shell reads it: a path may have a space.
      const words = sockskit("connect", "-x", url, "%h:%p").map((word) => `'${word}'`);
      const command = words.join(" ");
      return { argv: ["ssh", "-o", `ProxyCommand=${command}`, "-W", `127.0.0.1:${port}`, ...login] };
    },
  }),
);
