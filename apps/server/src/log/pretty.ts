import { safeText } from "./safe-text.ts";

const COLOURS: Readonly<Record<string, string>> = { error: "31", warn: "33", info: "32", debug: "90" };

/** One line of JSON as one line for people: `12:34:56 info  connected  session=7 destination=www.example:443`. */
export function prettyLine(json: string, isColoured: boolean): string {
  const { level, msg, time, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const label = String(level);
  const colour = (code: string, text: string): string => (isColoured ? `\u001B[${code}m${text}\u001B[0m` : text);
  const parts = Object.entries(fields).map(([key, value]) => `${colour("90", `${key}=`)}${fieldText(value)}`);
  const head = `${timeOfDay(String(time))} ${colour(COLOURS[label] ?? "0", label.padEnd(5))} ${safeText(String(msg))}`;
  return `${[head, ...parts].join("  ")}\n`;
}

/** Local time, seconds: a terminal is looked at now. */
function timeOfDay(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}

/** Quoted where a reader could not see where it ends; nothing in it is invisible. */
function fieldText(value: unknown): string {
  const text = safeText(String(value));
  return /^[^\s"=\\]+$/u.test(text) ? text : JSON.stringify(String(value)).replace(/[^\\"]+/gu, safeText);
}
