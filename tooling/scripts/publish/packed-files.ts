/**
 * The files that the tarball of a package must hold, no more and no fewer: its manifest and documents,
 * its sources, its programs, and what the compiler makes of each source.
 *
 * @param sources - Files under `src`, relative to the package.
 * @param others - Files of the package that are shipped as they are: documents and `bin`.
 */
export function expectedFiles(sources: readonly string[], others: readonly string[]): string[] {
  const built = sources
    .filter((source) => !source.endsWith(".d.ts"))
    .flatMap((source) => {
      const stem = source.replace(/^src\//, "dist/").replace(/\.ts$/, "");
      return [".js", ".js.map", ".d.ts", ".d.ts.map"].map((ending) => stem + ending);
    });
  return [...others, ...sources, ...built].toSorted();
}

/** What is missing from `actual` and what should not be in it, one line each. */
export function compareFiles(actual: readonly string[], expected: readonly string[]): string[] {
  return [
    ...expected.filter((file) => !actual.includes(file)).map((file) => `the tarball lacks ${file}`),
    ...actual
      .filter((file) => !expected.includes(file))
      .map(
        (file) => `the tarball must not hold ${file}${file.startsWith("dist/") ? "; delete dist and build again" : ""}`,
      ),
  ];
}
