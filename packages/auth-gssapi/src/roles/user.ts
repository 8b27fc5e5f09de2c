import type { GssapiContextInfo } from "@sockskit/auth";

/**
 * The user name that rules see for a principal: `alice` for `alice@EXAMPLE.COM` when the server is of the same realm.
 * Of another realm, `alice` is somebody else: such a name stays whole, and so does one with escaped characters, which
 * could be taken for a realm.
 */
export function userOf({ peer, self }: Pick<GssapiContextInfo, "peer" | "self">): string {
  if (peer.includes("\\")) return peer;
  const at = peer.lastIndexOf("@");
  const realm = self.slice(self.lastIndexOf("@") + 1);
  const isOurs = at > 0 && self.includes("@") && peer.slice(at + 1) === realm;
  return isOurs ? peer.slice(0, at) : peer;
}
