/**
 * Entry point of a thread that calls the Kerberos library: one request at a time, in their order. A call and the words
 * about its failure belong to one thread, because the library keeps them there.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { AuthError, type GssapiContextInfo } from "@sockskit/auth";
import { FLAG, Gss, type Stepped } from "../binding/gss.ts";
import { loadNative, type Pointer } from "../binding/native.ts";
import {
  memory,
  type NumberedRequest,
  type NumberedResult,
  type Packed,
  type StepResult,
  type ThreadData,
  type ThreadError,
  type ThreadRequest,
  type UnwrapResult,
  unpack,
} from "./messages.ts";

/** Remarks on a success of unwrapping, RFC 2744 section 3.9.1. */
const REMARK = { duplicate: 2, old: 4, unsequenced: 8, gap: 16 } as const;

const port = parentPort as MessagePort;
const { library } = workerData as ThreadData;
const gss = loadNative(library).then((native) => new Gss(native));
// Whoever asks is told.
gss.catch(() => undefined);

port.on("message", ({ id, request }: NumberedRequest) => {
  gss
    .then((loaded) => perform(loaded, request))
    .then(
      (result) => answer({ id, result }),
      (error: unknown) => answer({ id, error: errorOf(error) }),
    );
});

function answer(message: NumberedResult): void {
  const packed = packedIn(message.result);
  port.postMessage(message, packed === undefined ? [] : [packed.octets.buffer]);
}

function packedIn(result: unknown): Packed | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  if ("octets" in result) return result as Packed;
  return "packed" in result ? (result as UnwrapResult).packed : undefined;
}

function errorOf(error: unknown): ThreadError {
  if (error instanceof AuthError) return { code: error.code, message: error.message };
  return { code: "ERR_SOCKS_GSSAPI_FAILED", message: error instanceof Error ? error.message : String(error) };
}

function perform(gss: Gss, request: ThreadRequest): unknown {
  switch (request.op) {
    case "acquire-acceptor":
      return gss.acquireAcceptor(request.service, request.keytab);
    case "acquire-client":
      return acquireClient(gss, request);
    case "initiate":
      return initiate(gss, request);
    case "accept": {
      const failed = (context: Pointer): void => gss.deleteContext(context);
      return stepResult(gss, gss.accept({ ...request, failed }), "acceptor");
    }
    case "wrap":
      return wrap(gss, request.context, request.confidential, request.packed);
    case "unwrap":
      return unwrap(gss, request.context, request.packed);
    case "free":
      for (const context of request.contexts) gss.deleteContext(context);
      for (const credentials of request.credentials) gss.releaseCredentials(credentials);
      return undefined;
  }
}

function acquireClient(gss: Gss, request: Extract<ThreadRequest, { op: "acquire-client" }>): Pointer {
  const { principal, credentials, memory } = request;
  switch (credentials.type) {
    case "ccache":
      return gss.acquireTickets(principal, credentials.ccache);
    case "keytab":
      return gss.acquireWithKeytab(principal, credentials.keytab, memory);
    case "password":
      return gss.acquireWithPassword(principal ?? "", Buffer.from(credentials.password, "utf8"));
  }
}

function initiate(gss: Gss, request: Extract<ThreadRequest, { op: "initiate" }>): StepResult {
  const target = gss.importService(request.service);
  try {
    const failed = (context: Pointer): void => gss.deleteContext(context);
    return stepResult(gss, gss.initiate({ ...request, target, failed }), "initiator");
  } finally {
    gss.releaseName(target);
  }
}

function stepResult(
  gss: Gss,
  { context, token, complete, flags }: Stepped,
  role: "initiator" | "acceptor",
): StepResult {
  if (!complete) return { context, token, established: undefined };
  try {
    if (role === "initiator" && (flags & FLAG.mutual) === 0) throw unproven();
    return { context, token, established: infoOf(gss, context, role) };
  } catch (error) {
    gss.deleteContext(context);
    throw error;
  }
}

function infoOf(gss: Gss, context: Pointer, role: "initiator" | "acceptor"): GssapiContextInfo {
  const { initiator, acceptor, lifetimeMs, flags, limits } = gss.inquire(context);
  return {
    integrity: (flags & FLAG.integrity) !== 0 && limits.integrity > 0,
    confidentiality: (flags & FLAG.confidentiality) !== 0 && limits.confidentiality > 0,
    sequence: (flags & FLAG.sequence) !== 0,
    peer: role === "initiator" ? acceptor : initiator,
    self: role === "initiator" ? initiator : acceptor,
    lifetimeMs,
    messageLimits: limits,
  };
}

/** Puts the tokens where the messages were, as long as none reaches into a message that is still to be protected. */
function wrap(gss: Gss, context: Pointer, confidential: boolean, packed: Packed): Packed {
  let { octets } = packed;
  let read = packed.start;
  let end = 0;
  const lengths = unpack(packed).map((message) =>
    gss.wrap(context, message, confidential, (length, at) => {
      read += message.length;
      const room = octets === packed.octets ? read : octets.length;
      if (end + length > room) {
        const larger = memory(2 * (end + length) + packed.octets.length);
        larger.set(octets.subarray(0, end));
        octets = larger;
      }
      gss.copy(octets.subarray(end), at, length);
      end += length;
      return length;
    }),
  );
  return { octets, lengths, start: 0 };
}

/** Puts the messages where the tokens were: none is longer than its token. */
function unwrap(gss: Gss, context: Pointer, packed: Packed): UnwrapResult {
  const { octets } = packed;
  const lengths: number[] = [];
  const remarks: { confidential: boolean; order: ReturnType<typeof orderOf> }[] = [];
  let read = packed.start;
  let end = 0;
  for (const token of unpack(packed)) {
    read += token.length;
    try {
      gss.unwrap(context, token, (length, at, confidential, bits) => {
        if (length > read - end) throw tooLong();
        gss.copy(octets.subarray(end), at, length);
        end += length;
        lengths.push(length);
        remarks.push({ confidential, order: orderOf(bits) });
      });
    } catch (error) {
      return { packed: { octets, lengths, start: 0 }, remarks, error: errorOf(error) };
    }
  }
  return { packed: { octets, lengths, start: 0 }, remarks, error: undefined };
}

function orderOf(bits: number): "in-order" | "gap" | "late" | "old" | "repeated" {
  if ((bits & REMARK.duplicate) !== 0) return "repeated";
  if ((bits & REMARK.old) !== 0) return "old";
  if ((bits & REMARK.unsequenced) !== 0) return "late";
  return (bits & REMARK.gap) !== 0 ? "gap" : "in-order";
}

function unproven(): AuthError {
  const message = "the proxy did not prove who it is, though it was asked to";
  return new AuthError("ERR_SOCKS_AUTH_UNTRUSTED", message, { side: "remote" });
}

function tooLong(): AuthError {
  return new AuthError("ERR_SOCKS_GSSAPI_FAILED", "a message is longer than its token", { side: "local" });
}
