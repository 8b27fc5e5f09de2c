import { HandshakeError } from "../errors.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CONTROL = /\p{Cc}/u;

/**
 * User name and password as Basic authentication has them, RFC 7617 section 2: UTF-8, base64.
 *
 * @throws HandshakeError `ERR_SOCKS_AUTH_CREDENTIALS`, which quotes neither.
 */
export function basicCredentials({ username, password }: { username: string; password: string }): string {
  if (username.includes(":")) throw unsayable('the user name contains ":", where Basic authentication ends it');
  if (CONTROL.test(username)) throw unsayable("the user name contains a control character");
  if (CONTROL.test(password)) throw unsayable("the password contains a control character");
  return base64(new TextEncoder().encode(`${username}:${password}`));
}

/** RFC 4648 section 4; the platforms that this package runs on have no function for it in common. */
function base64(octets: Uint8Array): string {
  let text = "";
  for (let i = 0; i < octets.length; i += 3) {
    const [a = 0, b, c] = octets.subarray(i, i + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += `${digit(bits >> 18)}${digit(bits >> 12)}`;
    text += b === undefined ? "==" : `${digit(bits >> 6)}${c === undefined ? "=" : digit(bits)}`;
  }
  return text;
}

function digit(bits: number): string {
  return DIGITS.charAt(bits & 0x3f);
}

function unsayable(message: string): HandshakeError {
  return new HandshakeError("ERR_SOCKS_AUTH_CREDENTIALS", message, { side: "local", stage: "request" });
}
