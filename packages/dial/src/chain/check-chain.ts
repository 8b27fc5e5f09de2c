import { hopsOf } from "./hop.ts";
import { type RouteOptions, routeOf } from "./route.ts";

/**
 * Checks a chain and the options of its proxies, certificates included, without dialling anything: what passes fails
 * later only for what is out there.
 *
 * @throws SocksError `ERR_SOCKS_BAD_OPTION`.
 */
export function checkChain(options: RouteOptions): void {
  const { chain, hopSettings } = routeOf(options);
  hopsOf(chain, hopSettings);
}
