// The API site: `npm run docs` writes docs/api. Packages are documented one by one from their sources
// and then put together with the pages of this folder.

const sources = {
  // Without these typedoc asks git for a remote called origin, which a copy need not have.
  disableGit: true,
  gitRevision: "main",
  sourceLinkTemplate: "https://github.com/sockskit/sockskit/blob/{gitRevision}/{path}#L{line}",
};

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name: "sockskit",
  entryPointStrategy: "packages",
  entryPoints: ["../packages/*", "../apps/*"],
  exclude: ["../packages/testing"],
  packageOptions: {
    ...sources,
    entryPoints: ["src/index.ts"],
    excludeInternal: true,
    excludeExternals: true,
    validation: { notDocumented: true, notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true },
    requiredToBeDocumented: [
      "Function",
      "Class",
      "Interface",
      "TypeAlias",
      "Variable",
      "Property",
      "Method",
      "Accessor",
    ],
  },
  ...sources,
  readme: "../README.md",
  projectDocuments: ["*.md", "decisions/*.md"],
  highlightLanguages: [
    "bash",
    "console",
    "html",
    "ini",
    "javascript",
    "json",
    "markdown",
    "sh",
    "text",
    "typescript",
    "yaml",
  ],
  ignoredHighlightLanguages: ["mermaid"],
  out: "api",
  treatWarningsAsErrors: true,
};
