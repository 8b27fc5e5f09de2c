import { ProxyUrlError } from "../src/index.ts";

/** The error that `run` ends with, which must be a `ProxyUrlError`. */
export function refusal(run: () => unknown): ProxyUrlError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProxyUrlError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}
