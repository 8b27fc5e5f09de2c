import { resolve } from "node:path";
import { expect, test } from "vitest";
import { hashPassword } from "@sockskit/server";
import { loadConfig } from "../../src/config/load.ts";
import { folderWith, loadText, problemsOf } from "./load-text.ts";

test("flags win over the file", async () => {
  const text = "listen: [127.0.0.1:1]\nengine: auto\nlog: { level: debug, format: json }\n";
  const { config, options } = await loadText(text, {
    listen: ["127.0.0.1:2", "[::1]:3"],
    engine: "portable",
    logLevel: "warn",
    logFormat: "pretty",
  });
  expect(options.listen).toEqual([
    { host: "127.0.0.1", port: 2 },
    { host: "::1", port: 3 },
  ]);
  expect(config).toMatchObject({ engine: "portable", log: { level: "warn", format: "pretty" } });
});

test("a mistake in the file is one, even where a flag wins over its neighbour", async () => {
  expect(await problemsOf("log: { level: x, format: y }", { logLevel: "warn" })).toEqual([
    'c.yaml:1:26 log.format: found "y", expected one of auto, pretty, json',
  ]);
});

test("with users on the command line only userpass is offered, unless --auth says otherwise", async () => {
  const user = ["alice:secret"];
  expect((await loadText("auth: { methods: [none] }", { user })).options.authMethods).toEqual(["userpass"]);
  expect((await loadText("", { user, auth: "userpass, none" })).options.authMethods).toEqual(["userpass", "none"]);
  expect((await loadText("", { user })).options.credentials).toEqual([
    { name: "alice", password: { plain: "secret" } },
  ]);
});

test("users on the command line take the place of those in the file; a hash stays a hash; colons are allowed", async () => {
  const hash = await hashPassword("x");
  const text = `auth: { users: [{ name: carol, password: "${hash}" }] }`;
  const { users } = await loadText(text, { user: ["alice:a:b", `bob:${hash}`] });
  expect(users).toEqual([
    { name: "alice", password: { plain: "a:b" } },
    { name: "bob", password: hash },
  ]);
});

test("chap needs passwords in clear, and everybody without one is named", async () => {
  const hash = await hashPassword("x");
  const text = `auth:
  methods: [userpass, chap]
  users:
    - { name: alice, password: { plain: "correct horse" } }
    - { name: carol, password: "${hash}" }
`;
  await expect(loadText(text)).rejects.toThrow('c.yaml:5:15 user "carol" has only a hash of the password');
  const { options, users } = await loadText(text.replace(/ {4}- \{ name: carol.*\n/, ""));
  expect(options.authMethods).toEqual(["userpass", "chap"]);
  expect(users).toEqual([{ name: "alice", password: { plain: "correct horse" }, groups: [] }]);
  // A listener's own list counts as well.
  const own = text
    .replace("[userpass, chap]", "[userpass]")
    .concat("listen: [{ address: 127.0.0.1:0, auth: [chap] }]\n");
  await expect(loadText(own)).rejects.toThrow("has only a hash of the password");
});

test("a users file is looked for beside the configuration, with a flag beside the reader", async () => {
  const hash = await hashPassword("x");
  const folder = folderWith({ "c.yaml": "auth: { usersFile: users }", users: `# people\nalice:${hash}\n` });
  const loaded = await loadConfig(resolve(folder, "c.yaml"), {});
  expect(loaded.usersPath).toBe(resolve(folder, "users"));
  expect(loaded.options).toMatchObject({ authMethods: ["userpass"], credentials: [{ name: "alice" }] });
  await expect(loadConfig(resolve(folder, "c.yaml"), { usersFile: "nowhere" })).rejects.toMatchObject({
    problems: [{ place: resolve("nowhere") }],
  });
});

test("users of the file and of the users file have different names", async () => {
  const hash = await hashPassword("x");
  const folder = folderWith({
    "c.yaml": `auth:\n  usersFile: users\n  users:\n    - { name: alice, password: "${hash}" }\n`,
    users: `bob:${hash}\nalice:${hash}\n`,
  });
  await expect(loadConfig(resolve(folder, "c.yaml"), {})).rejects.toMatchObject({
    problems: [
      { message: expect.stringMatching(/^the user "alice" is there twice; first at .*c\.yaml:4:15$/u) as string },
    ],
  });
});

test("a bad name of a user", async () => {
  const hash = await hashPassword("x");
  const text = `auth: { users: [{ name: "a\\nb", password: "${hash}" }] }`;
  expect(await problemsOf(text)).toEqual([
    expect.stringContaining("c.yaml:1:25 the user name has the invisible character U+000A"),
  ]);
});
