// Platform globals that exist in every JavaScript runtime but not in the language library.

declare class TextEncoder {
  encode(input: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  decode(input: Uint8Array): string;
}
