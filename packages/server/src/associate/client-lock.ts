import { type Address, type IpAddress, isUnspecified, parseIpAddress, unmapAddress } from "@sockskit/wire";

/**
 * Who may send datagrams into an association: the client of its TCP connection, from one port (RFC 1928 section 7).
 *
 * The port is the one that the request named, else that of the first datagram that can be read.
 */
export class ClientLock {
  readonly #client: IpAddress;
  /** The client's address as the system writes it. */
  #host: string;
  #port: number;

  /** @param hint DST.ADDR and DST.PORT of the request: where the client says that it will send from. */
  constructor(client: IpAddress, hint: Address) {
    this.#client = client;
    this.#host = client.host;
    // Some clients put their target here. What names another host says nothing about where datagrams come from.
    const isAboutClient = isUnspecified(hint) || hint.host === client.host;
    this.#port = isAboutClient ? hint.port : 0;
  }

  /** The client's address, as it is sent to. */
  get host(): string {
    return this.#host;
  }

  /** The client's port; 0 until it is known. */
  get port(): number {
    return this.#port;
  }

  /** Whether a datagram may come from there. */
  admits(host: string, port: number): boolean {
    return (this.#port === 0 || port === this.#port) && (host === this.#host || this.#isClient(host));
  }

  /** From now on only this port is the client's. */
  pin(host: string, port: number): void {
    this.#host = host;
    this.#port = port;
  }

  #isClient(host: string): boolean {
    const address = parseIpAddress(host);
    return address !== undefined && unmapAddress(address).host === this.#client.host;
  }
}
