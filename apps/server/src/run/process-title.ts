import type { ConfigFlags } from "../config/flags.ts";

/**
 * Takes the passwords of `--user` out of what process lists show, where the system
 * lets a program do that. They could be seen until now: `--user` is for trying
 * things out.
 */
export function hideUsers(flags: ConfigFlags): void {
  if (flags.user === undefined) return;
  let isUser = false;
  const words = process.argv.slice(2).map((word) => {
    const hidden = isUser
      ? hide(word)
      : word.startsWith("--user=")
        ? `--user=${hide(word.slice("--user=".length))}`
        : word;
    isUser = word === "--user";
    return hidden;
  });
  process.title = ["sockskitd", ...words].join(" ");
}

function hide(user: string): string {
  const colon = user.indexOf(":");
  return `${colon < 0 ? "" : user.slice(0, colon)}:(hidden)`;
}
