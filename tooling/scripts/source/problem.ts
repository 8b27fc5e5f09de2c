/** The files of the repository: path with forward slashes, from the root, to text. */
export type Files = ReadonlyMap<string, string>;

/** Something that a rule found. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** Looks through the files and tells what is wrong with them. */
export type Rule = (files: Files) => Iterable<Problem>;

/** The number of the line in which the character at `offset` stands, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
