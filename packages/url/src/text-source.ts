import { ProxyUrlError, type ProxyUrlErrorCode } from "./errors.ts";
import { redactProxyUrl } from "./redact.ts";

/**
 * A text being read, and how to complain about it: positions always count in the whole text that the caller gave, and
 * the text is redacted only when a complaint is really made.
 */
export interface TextSource {
  /** The whole text, secrets included: for reading, never for showing. */
  readonly text: string;
  /** The environment variable that held it. */
  readonly variable?: string | undefined;
  /** Gives what may be shown of it. Default: the text as {@link redactProxyUrl} leaves it. */
  readonly show?: () => string;
}

/** A part of a {@link TextSource}. */
export interface Slice {
  /** The part. */
  readonly text: string;
  /** Where it starts in the whole text. */
  readonly start: number;
}

/** Makes the error about a mistake in `source`. */
export function mistake(
  source: TextSource,
  code: ProxyUrlErrorCode,
  problem: string,
  position?: number,
  cause?: unknown,
): ProxyUrlError {
  const input = source.show?.() ?? redactProxyUrl(source.text);
  return new ProxyUrlError(code, problem, { input, position, variable: source.variable, cause });
}

/** Refuses text beyond a limit before anything else looks at it. */
export function checkLength(source: TextSource, code: ProxyUrlErrorCode, limit: number): void {
  if (source.text.length <= limit) return;
  throw mistake(source, code, `longer than ${limit} characters (it has ${source.text.length})`);
}
