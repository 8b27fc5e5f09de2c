import { resolve } from "node:path";
import { checkGssapiKeys, type GssapiOptions, ServerError, type ServerOptions } from "@sockskit/server";
import * as z from "zod";
import { ConfigError, type ConfigProblem } from "./problem.ts";
import { flag, oneOf, text } from "./values.ts";

/** GSS-API, as it is written. */
export interface GssapiConfig {
  /** Path, as it was written: relative to the configuration file. */
  readonly keytab?: string | undefined;
  readonly service?: string | undefined;
  readonly protection?: readonly ("confidentiality" | "integrity")[] | undefined;
  readonly nec?: "accept" | "refuse" | undefined;
  readonly answerNone?: boolean | undefined;
}

/** Schema of `auth.gssapi` and of `gssapi` of a listener. */
export function gssapi(description: string): z.ZodOptional<z.ZodType<GssapiConfig>> {
  return z
    .strictObject({
      keytab: text("the path of a file")
        .optional()
        .describe(
          "Keytab with the service's keys; its path is relative to the configuration file. A new one counts at once. Default: `/etc/krb5.keytab`.",
        ),
      service: text("the name of a service")
        .optional()
        .describe(
          "Service that clients come to: `rcmd`, `rcmd@proxy.example.com`, or with a `/` a principal. Default: every key in the keytab.",
        ),
      protection: z
        .array(oneOf(["confidentiality", "integrity"]))
        .min(1)
        .optional()
        .describe(
          "What may be agreed on for everything after the log-in. A client gets what it asks for when that is in the list, else the strongest that is. Default: both.",
        ),
      nec: oneOf(["refuse", "accept"])
        .optional()
        .describe(
          "Whether a client may send its protection level unprotected, where somebody on the way can change it. Default: `refuse`.",
        ),
      answerNone: flag()
        .optional()
        .describe(
          "Always grants no protection at all, for clients that can do none, such as curl: all of it then goes in clear. Default: `false`.",
        ),
    })
    .optional()
    .describe(description);
}

/** What the server is told of it. */
export function gssapiOptions(config: GssapiConfig | undefined, folder: string): { readonly gssapi?: GssapiOptions } {
  if (config === undefined) return {};
  const { keytab, service, protection, nec, answerNone } = config;
  return {
    gssapi: {
      ...(keytab === undefined ? {} : { keytab: resolve(folder, keytab) }),
      ...(service === undefined ? {} : { service }),
      ...(protection === undefined ? {} : { protection }),
      ...(nec === undefined ? {} : { nec }),
      ...(answerNone === undefined ? {} : { answerNone }),
    },
  };
}

/** What is no mistake, but should be known. */
export function gssapiWarnings(options: ServerOptions, place: string): ConfigProblem[] {
  const { authMethods = [], gssapi: common, listen = [] } = options;
  const isOpen = listen.some((entry) => {
    const methods = entry.authMethods ?? authMethods;
    return methods.includes("gssapi") && { ...common, ...entry.gssapi }.answerNone === true;
  });
  if (!isOpen) return [];
  const message =
    "answerNone is on: after the log-in nothing is protected, requests and data go in clear, whatever the client asks for";
  return [{ place, path: "auth.gssapi", message }];
}

/**
 * Checks that every keytab can be read and has the service's key.
 *
 * @throws ConfigError when not.
 */
export async function checkKeytabs(options: ServerOptions, place: string): Promise<void> {
  try {
    await checkGssapiKeys(options);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new ConfigError([{ place, path: "auth.gssapi", message: error.message }]);
  }
}

/** As it is printed. */
export function describeGssapi(config: GssapiConfig | undefined): string | undefined {
  if (config === undefined) return undefined;
  const { keytab, service, protection, nec = "refuse", answerNone = false } = config;
  const parts = [
    ...(keytab === undefined ? [] : [`keytab: ${JSON.stringify(keytab)}`]),
    ...(service === undefined ? [] : [`service: ${JSON.stringify(service)}`]),
    `protection: [${(protection ?? ["confidentiality", "integrity"]).join(", ")}]`,
    `nec: ${nec}`,
    `answerNone: ${answerNone}`,
  ];
  return `gssapi: { ${parts.join(", ")} }`;
}
