/** Most challenges of one CRAM exchange; draft-ietf-aft-socks-cram-00 has no limit. */
export const MAX_CRAM_ROUNDS = 10;
