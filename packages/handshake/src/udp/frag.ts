/** Bits of `FRAG` that hold the position in a sequence, 1 to 127 (RFC 1928 section 7). */
export const POSITION = 0x7f;
/** Bit of `FRAG` that marks the end of a sequence. */
export const LAST_FRAGMENT = 0x80;
