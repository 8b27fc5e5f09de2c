import type { AuthError } from "@sockskit/auth";
import { cell, contentOf, descriptorOf, emptyDescriptor, type Kept, numberIn, pointerIn, setOf } from "./memory.ts";
import type { Native, Pointer } from "./native.ts";
import { isError, statusError } from "./status.ts";

/** Object identifiers, encoded: RFC 1964 and RFC 2744. */
const OID = {
  krb5: "2a864886f712010202",
  hostBasedService: "2a864886f71201020104",
  principalName: "2a864886f71201020201",
} as const;

const GSS_CODE = 1;
const MECHANISM_CODE = 2;
/** `GSS_S_FAILURE`. */
const FAILURE = 13 << 16;

/** What all calls of the library have in common: names, errors, and memory that the library makes. */
export class LibraryCalls {
  protected readonly native: Native;
  protected readonly minor: Buffer = cell();
  /** Alive as long as this object is. */
  readonly #kept: Kept = [];
  protected readonly krb5: Buffer;
  protected readonly krb5Set: Buffer;
  protected readonly hostBasedService: Buffer;
  protected readonly principalName: Buffer;

  constructor(native: Native) {
    this.native = native;
    const oid = (hex: string): Buffer => descriptorOf(native, Buffer.from(hex, "hex"), this.#kept);
    this.krb5 = oid(OID.krb5);
    this.krb5Set = setOf(native, this.krb5, this.#kept);
    this.hostBasedService = oid(OID.hostBasedService);
    this.principalName = oid(OID.principalName);
  }

  protected importName(text: string, type: Buffer): Pointer {
    const keep: Kept = [];
    const octets = descriptorOf(this.native, Buffer.from(text, "utf8"), keep);
    const name = this.handle(`read the name ${text}`, (out) => this.native.importName(this.minor, octets, type, out));
    keep.length = 0;
    return name;
  }

  releaseName(name: Pointer): void {
    if (name !== 0n) this.native.releaseName(this.minor, cell(name));
  }

  /** Copies from the library's memory. */
  copy(target: Uint8Array, source: Pointer, length: number): void {
    if (length > 0) this.native.copy(target, source, length);
  }

  protected handle(doing: string, call: (out: Buffer) => number): Pointer {
    const out = cell();
    const major = call(out);
    if (isError(major)) throw this.errorFor(doing, major);
    return pointerIn(out);
  }

  /** The error for a status, with the library's words: on the thread that made the call, where it keeps them. */
  protected errorFor(doing: string, major: number): AuthError {
    const minor = numberIn(this.minor);
    const details = minor === 0 ? [] : this.#texts(minor, MECHANISM_CODE).filter((text) => text !== "Success");
    // Of an unspecified failure only the details say something.
    const isUnspecified = (major & FAILURE) === FAILURE && details.length > 0;
    return statusError(doing, isUnspecified ? details : [...this.#texts(major, GSS_CODE), ...details], major, minor);
  }

  #texts(code: number, type: number): string[] {
    const texts: string[] = [];
    const more = cell();
    const minor = cell();
    // A library that never comes to an end says enough in four.
    for (let count = 0; count < 4; count += 1) {
      const text = emptyDescriptor();
      const major = this.native.displayStatus(minor, code, type, this.krb5, more, text);
      if (!isError(major)) texts.push(this.textOf(text).trim());
      this.release(text);
      if (isError(major) || numberIn(more) === 0) break;
    }
    return texts;
  }

  protected octetsOf(descriptor: Buffer): Uint8Array {
    const { length, address } = contentOf(descriptor);
    const octets = new Uint8Array(length);
    this.copy(octets, address, length);
    return octets;
  }

  protected textOf(descriptor: Buffer): string {
    return Buffer.from(this.octetsOf(descriptor)).toString("utf8");
  }

  protected release(descriptor: Buffer): void {
    if (contentOf(descriptor).address !== 0n) this.native.releaseBuffer(cell(), descriptor);
  }
}
