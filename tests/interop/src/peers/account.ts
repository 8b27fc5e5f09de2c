/** The account that every server of the suite with passwords knows. */
export const ACCOUNT = { username: "alice", password: "s3cret" } as const;
