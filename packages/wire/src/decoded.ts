/** A message and the number of octets it took. */
export interface Decoded<T> {
  /** The message. */
  readonly value: T;
  /** Length of the message in octets, counted from the offset at which decoding began. */
  readonly byteLength: number;
}
