import type { ProbeReport } from "./report.ts";

/** What is known when a program is guessed. */
export type Clues = Pick<ProbeReport, "versions" | "authMethods" | "socks4" | "socks5"> & {
  /** What came in answer to a SOCKS 4 request for an address. */
  readonly heard4: Uint8Array;
  /** The address in that request. */
  readonly asked4: Uint8Array | undefined;
};

/** `GET` to Tor's SOCKS port is answered with this. */
const TOR = /^HTTP\/1\.\d 501 Tor is not an HTTP Proxy/;

/** Which program a SOCKS proxy looks like. Each rule is what that program, and no other that is known here, does. */
export function guessSoftware(clues: Clues): string | undefined {
  if (isOpenSsh(clues)) return "OpenSSH (ssh -D)";
  if (isMicrosocks(clues)) return "microsocks";
  if (isDante(clues)) return "Dante";
  return undefined;
}

/** Whether it may be Tor, which takes everybody, with any password and without one: then it is worth asking. */
export function mayBeTor({ authMethods, socks5 }: Clues): boolean {
  const accepted = authMethods.filter(({ accepted }) => accepted === true).map(({ method }) => method);
  return accepted.join() === "0,2" && socks5.bind?.reply === 0x07 && socks5.udpAssociate?.reply === 0x07;
}

/** Whether the first line of an answer in HTTP is Tor's. */
export function isTorLine(line: string | undefined): boolean {
  return line !== undefined && TOR.test(line);
}

/** It has no refusals: it closes when `00` is not offered, for BIND and UDP, and when a target cannot be reached. */
function isOpenSsh({ versions, authMethods, socks4, socks5 }: Clues): boolean {
  const refusesNoMethod = authMethods.every(
    ({ method, accepted }) => accepted === (method === 0x00 ? true : undefined),
  );
  const closes = [socks5.bind, socks5.udpAssociate, socks4.bind].every((answer) => answer?.outcome === "closed");
  return refusesNoMethod && closes && versions.socks4a.verdict === "yes";
}

/** SOCKS 5 only, and it says so in SOCKS 5: no acceptable method. Commands are read, and refused with 07. */
function isMicrosocks({ heard4, socks5, versions }: Clues): boolean {
  const says = heard4.length === 2 && heard4[0] === 0x05 && heard4[1] === 0xff;
  const commands = [socks5.bind, socks5.udpAssociate].every((answer) => answer === undefined || answer.reply === 0x07);
  return says && commands && versions.socks5.verdict === "yes";
}

/** SOCKS 4 without names, whose refusals repeat the address that was asked for. */
function isDante({ versions, heard4, asked4 }: Clues): boolean {
  const repeats = heard4.length === 8 && heard4[1] === 0x5b && heard4.subarray(4).join() === asked4?.join();
  return repeats && versions.socks4a.verdict === "no" && versions.socks5.verdict === "yes";
}
