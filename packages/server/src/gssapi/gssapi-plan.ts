import type { GssapiMechanism } from "@sockskit/auth";
import { badOption, type OptionPath, requireKeys } from "../errors.ts";
import type { GssapiOptions } from "./gssapi-options.ts";

/** {@link GssapiOptions} of one listener, checked and with the defaults. */
export interface GssapiPlan {
  readonly keytab: string | undefined;
  readonly service: string | undefined;
  readonly protection: readonly ("confidentiality" | "integrity")[];
  readonly nec: boolean;
  readonly answerNone: boolean;
  readonly mechanism: GssapiMechanism | undefined;
}

const KEYS = ["keytab", "service", "protection", "nec", "answerNone", "mechanism"];
const PROTECTIONS = ["confidentiality", "integrity"] as const;

/**
 * Checks the options of a server or a listener.
 *
 * @throws ServerError `ERR_SOCKS_BAD_OPTION`.
 */
export function checkGssapi(options: GssapiOptions | undefined, path: OptionPath): GssapiOptions {
  if (options === undefined) return {};
  requireKeys(options, KEYS, path);
  const { keytab, service, protection, nec, answerNone, mechanism } = options;
  checkText(keytab, [...path, "keytab"], "expected the path of a keytab");
  checkText(service, [...path, "service"], 'expected a service such as "rcmd@proxy.example.com"');
  if (protection !== undefined) checkProtection(protection, [...path, "protection"]);
  if (nec !== undefined && nec !== "accept" && nec !== "refuse") {
    throw badOption([...path, "nec"], 'expected "accept" or "refuse"');
  }
  if (answerNone !== undefined && typeof answerNone !== "boolean") {
    throw badOption([...path, "answerNone"], "expected true or false");
  }
  if (mechanism !== undefined && typeof mechanism.acquire !== "function") {
    throw badOption([...path, "mechanism"], "expected an object with a method acquire");
  }
  return options;
}

/** What holds at a listener: its own options, and for the rest those of the server. */
export function gssapiPlan(common: GssapiOptions, own: GssapiOptions): GssapiPlan {
  const { keytab, service, protection = PROTECTIONS, nec, answerNone = false, mechanism } = { ...common, ...own };
  return { keytab, service, protection, nec: nec === "accept", answerNone, mechanism };
}

function checkText(value: unknown, path: OptionPath, problem: string): void {
  if (value === undefined || (typeof value === "string" && value !== "" && !value.includes("\0"))) return;
  throw badOption(path, problem);
}

function checkProtection(protection: readonly unknown[], path: OptionPath): void {
  const isList = Array.isArray(protection) && protection.length > 0;
  if (isList && protection.every((one) => PROTECTIONS.includes(one as (typeof PROTECTIONS)[number]))) return;
  throw badOption(path, `expected a list of one or more of ${PROTECTIONS.map((one) => `"${one}"`).join(", ")}`);
}
