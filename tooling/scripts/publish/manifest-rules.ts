/** The parts of a `package.json` that the rules look at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly license?: string;
  readonly sideEffects?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly repository?: { readonly directory?: string };
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const ENGINES = "^22.18.0 || ^24.11.0 || >=26.0.0";

/** Dependencies from outside, each of which a user has to trust. Adding one is a decision to write down. */
const OUTSIDE_DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  "@sockskit/auth-gssapi": ["koffi"],
  "@sockskit/fastpath": ["koffi"],
  sockskit: ["commander"],
  sockskitd: ["commander", "pino", "yaml", "zod"],
};

/** What is wrong with the manifest of a published package, one line each. */
export function manifestProblems(manifest: Manifest, directory: string): string[] {
  const outside = Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith("@sockskit/"));
  const allowed = OUTSIDE_DEPENDENCIES[manifest.name] ?? [];
  const installScripts = ["preinstall", "install", "postinstall"].filter((name) => manifest.scripts?.[name]);
  const entries = Object.values(manifest.exports ?? {}).filter((entry) => typeof entry === "object" && entry !== null);
  return [
    manifest.type === "module" ? "" : '"type" must be "module"',
    manifest.license === "MIT" ? "" : '"license" must be "MIT"',
    manifest.sideEffects === false ? "" : '"sideEffects" must be false',
    manifest.engines?.["node"] === ENGINES ? "" : `"engines.node" must be "${ENGINES}"`,
    manifest.repository?.directory === directory ? "" : `"repository.directory" must be "${directory}"`,
    manifest.publishConfig?.access === "public" ? "" : '"publishConfig.access" must be "public"',
    manifest.publishConfig?.provenance === true ? "" : '"publishConfig.provenance" must be true',
    entries.every((entry) => Object.keys(entry)[0] === "types") ? "" : '"types" must come first in "exports"',
    ...outside.filter((name) => !allowed.includes(name)).map((name) => `the dependency "${name}" is not allowed here`),
    ...installScripts.map((name) => `a published package has no "${name}" script`),
  ].filter((problem) => problem !== "");
}
