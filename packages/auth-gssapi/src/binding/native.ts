import { endianness } from "node:os";
import { AuthError } from "@sockskit/auth";
import type koffi from "koffi";
import type { LibraryHandle } from "koffi";

type Koffi = typeof koffi;

/** A pointer of the library; 0n is none. Only the library makes them. */
export type Pointer = bigint;

/** What a parameter `void *` takes: a pointer, or memory of ours. */
type Argument = Pointer | Buffer | null;
type Call<Args extends readonly unknown[]> = (...args: Args) => number;

/** The functions of the library that are used. All return the major status. */
export interface GssFunctions {
  importName: Call<[minor: Buffer, text: Buffer, type: Buffer, name: Buffer]>;
  displayName: Call<[minor: Buffer, name: Pointer, text: Buffer, type: null]>;
  displayStatus: Call<[minor: Buffer, code: number, type: number, mech: Buffer, more: Buffer, text: Buffer]>;
  acquireCred: Call<[Buffer, Argument, number, Buffer, number, Buffer, null, null]>;
  acquireCredWithPassword: Call<[Buffer, Argument, Buffer, number, Buffer, number, Buffer, null, null]>;
  /** MIT 1.11 and newer, and newer versions of Heimdal. */
  acquireCredFrom: Call<[Buffer, Argument, number, Buffer, number, Buffer, Buffer, null, null]> | undefined;
  /** The way of Heimdal to name a keytab. */
  registerAcceptorIdentity: ((path: Buffer) => number) | undefined;
  initSecContext: Call<
    [Buffer, Pointer, Buffer, Pointer, Buffer, number, number, null, Argument, null, Buffer, Buffer, Buffer]
  >;
  acceptSecContext: Call<[Buffer, Buffer, Pointer, Buffer, null, null, null, Buffer, Buffer, Buffer, null]>;
  inquireContext: Call<[Buffer, Pointer, Buffer, Buffer, Buffer, null, Buffer, null, null]>;
  wrapSizeLimit: Call<[Buffer, Pointer, number, number, number, Buffer]>;
  wrap: Call<[Buffer, Pointer, number, number, Buffer, Buffer, Buffer]>;
  unwrap: Call<[Buffer, Pointer, Buffer, Buffer, Buffer, null]>;
  deleteSecContext: Call<[Buffer, Buffer, null]>;
  releaseName: Call<[Buffer, Buffer]>;
  releaseCred: Call<[Buffer, Buffer]>;
  releaseBuffer: Call<[Buffer, Buffer]>;
}

/** The library and what its memory is reached with. */
export interface Native extends GssFunctions {
  /** What was loaded. */
  readonly soname: string;
  /** The address of memory of ours; good as long as that memory is referenced. */
  addressOf(memory: Uint8Array): Pointer;
  /** Copies from the library's memory into ours. */
  copy(target: Uint8Array, source: Pointer, length: number): void;
}

const CANDIDATES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ["libgssapi_krb5.so.2", "libgssapi.so.3"],
  freebsd: ["libgssapi_krb5.so.2", "libgssapi_krb5.so", "libgssapi.so.10"],
  openbsd: ["libgssapi.so"],
  darwin: ["/System/Library/Frameworks/GSS.framework/GSS"],
};

const INSTALL =
  'install it, on Debian and Ubuntu with "apt-get install libgssapi-krb5-2", elsewhere as "krb5-libs" or "krb5"';

/**
 * Loads koffi and the Kerberos library.
 *
 * @param library - Path or name of the library; default: MIT's, else Heimdal's.
 * @throws AuthError `ERR_SOCKS_GSSAPI_LIBRARY`.
 */
export async function loadNative(library: string | undefined): Promise<Native> {
  checkPlatform();
  const koffi = await loadKoffi();
  const candidates = library === undefined ? (CANDIDATES[process.platform] ?? []) : [library];
  const failures: string[] = [];
  for (const soname of candidates) {
    let loaded: LibraryHandle;
    try {
      loaded = koffi.load(soname);
    } catch (error) {
      failures.push(`${soname}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    return bind(koffi, loaded, soname);
  }
  throw missing(`the Kerberos library cannot be loaded (${failures.join("; ")}); ${INSTALL}`);
}

function checkPlatform(): void {
  const { platform, arch } = process;
  const is64Bit = ["x64", "arm64", "ppc64", "riscv64", "loong64"].includes(arch);
  // On Intel Macs the header packs its structures otherwise.
  const isUsual = endianness() === "LE" && is64Bit && !(platform === "darwin" && arch === "x64");
  if (isUsual && CANDIDATES[platform] !== undefined) return;
  throw missing(
    `GSS-API is not available on ${platform} (${arch}); it needs Linux, a BSD or macOS (Apple processors), 64 bits`,
  );
}

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import("koffi")).default;
  } catch (cause) {
    const message =
      'the package koffi, which calls the Kerberos library, cannot be loaded; install it: "npm install koffi"';
    throw missing(message, cause);
  }
}

function bind(koffi: Koffi, library: LibraryHandle, soname: string): Native {
  const pointers = (count: number): string[] => Array.from({ length: count }, () => "void *");
  const find = (name: string, parameters: readonly string[]): unknown => {
    try {
      return library.func(name, "uint32_t", [...parameters]);
    } catch (cause) {
      throw missing(`${soname} has no function ${name}; it is no GSS-API library, or too old`, cause);
    }
  };
  const optional = (name: string, parameters: readonly string[]): unknown => {
    try {
      return library.func(name, "uint32_t", [...parameters]);
    } catch {
      return undefined;
    }
  };
  const P = "void *";
  const U = "uint32_t";
  const I = "int";
  const memcpy = koffi.load(null).func("memcpy", P, [P, P, "size_t"]) as (
    target: Uint8Array,
    source: Pointer,
    length: number,
  ) => unknown;
  const functions = {
    importName: find("gss_import_name", pointers(4)),
    displayName: find("gss_display_name", pointers(4)),
    displayStatus: find("gss_display_status", [P, U, I, P, P, P]),
    acquireCred: find("gss_acquire_cred", [P, P, U, P, I, P, P, P]),
    acquireCredWithPassword: find("gss_acquire_cred_with_password", [P, P, P, U, P, I, P, P, P]),
    acquireCredFrom: optional("gss_acquire_cred_from", [P, P, U, P, I, P, P, P, P]),
    registerAcceptorIdentity: optional("gsskrb5_register_acceptor_identity", [P]),
    initSecContext: find("gss_init_sec_context", [P, P, P, P, P, U, U, P, P, P, P, P, P]),
    acceptSecContext: find("gss_accept_sec_context", pointers(11)),
    inquireContext: find("gss_inquire_context", pointers(9)),
    wrapSizeLimit: find("gss_wrap_size_limit", [P, P, I, U, U, P]),
    wrap: find("gss_wrap", [P, P, I, U, P, P, P]),
    unwrap: find("gss_unwrap", pointers(6)),
    deleteSecContext: find("gss_delete_sec_context", pointers(3)),
    releaseName: find("gss_release_name", pointers(2)),
    releaseCred: find("gss_release_cred", pointers(2)),
    releaseBuffer: find("gss_release_buffer", pointers(2)),
  } as GssFunctions;
  return {
    ...functions,
    soname,
    addressOf: (memory) => koffi.address(memory),
    copy: (target, source, length) => void memcpy(target, source, length),
  };
}

function missing(message: string, cause?: unknown): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_LIBRARY", message, { side: "local", cause });
}
