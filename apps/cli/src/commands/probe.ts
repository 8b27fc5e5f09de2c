import type { CommonOptions } from "../common-options.ts";
export interface ProbeOptions extends CommonOptions {}
export async function probe(proxies: string[], options: ProbeOptions): Promise<number> {
  void proxies;
  void options;
  return 1;
}
