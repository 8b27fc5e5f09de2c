import type { IpAddress } from "@sockskit/wire";
import type { End } from "./connection.ts";
import type { OctetStream } from "./octet-stream.ts";

/** A listening socket, and who waits there. */
export class Listening {
  readonly queue: { readonly end: End; readonly address: IpAddress }[] = [];
  wake: () => void = () => undefined;
}

/** One of the two descriptors of a pipe. */
export class PipeEnd {
  readonly stream: OctetStream;
  readonly isWriter: boolean;

  constructor(stream: OctetStream, isWriter: boolean) {
    this.stream = stream;
    this.isWriter = isWriter;
  }
}
