// The platform globals this package uses. Every JavaScript platform has them; the language
// library that the package is compiled against does not declare them.

declare class TextDecoder {
  constructor(label: string, options: { readonly fatal: boolean; readonly ignoreBOM: boolean });
  decode(input: Uint8Array): string;
}

declare class URL {
  constructor(url: string);
  readonly hostname: string;
}
