// What a person reads when a proxy does not do what was asked.
import { noneClient, userPassClient } from "@sockskit/auth";
import { octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { ClientHandshake, type ClientHandshakeOptions, type HandshakeError } from "../src/index.ts";

function errorAfter(received: Uint8Array | string, options: Partial<ClientHandshakeOptions> = {}): HandshakeError {
  const machine = new ClientHandshake({ version: 5, destination: parseAddress("example.com", 80), ...options });
  machine.start();
  const events = machine.receive(typeof received === "string" ? octets(received) : received);
  const last = events.at(-1);
  expect(last?.type).toBe("failed");
  if (last?.type !== "failed") throw new TypeError("no failure");
  expect(last.error).toMatchObject({ name: "HandshakeError", side: "remote", version: options.version ?? 5 });
  expect(machine.receive(octets("05 00"))).toEqual([]);
  return last.error;
}

describe("the target was refused", () => {
  test.each([
    ["01", "general SOCKS server failure"],
    ["02", "connection not allowed by ruleset"],
    ["03", "network unreachable"],
    ["04", "host unreachable"],
    ["05", "connection refused"],
    ["06", "TTL expired"],
    ["07", "command not supported"],
    ["08", "address type not supported"],
    ["09", "unassigned code"],
    ["f6", "onion address invalid"],
    ["ff", "unassigned code"],
  ])("REP %s: %s", (octet, text) => {
    const rep = Number.parseInt(octet, 16);
    // With all of the reply, with as little as a proxy that hangs up sends, and with an impossible ATYP.
    for (const rest of [" 00 01 00 00 00 00 00 00", "", " 00 00 00 00 00 00 00 00"]) {
      expect(errorAfter(`05 00 05 ${octet}${rest}`)).toMatchObject({
        code: "ERR_SOCKS_REQUEST_REFUSED",
        stage: "request",
        reply: rep,
        message: `proxy refused the request: ${text} (REP 0x${octet})`,
      });
    }
  });

  test.each([
    ["5b", "rejected or failed"],
    ["5c", "the proxy could not reach an ident server on this host"],
    ["5d", "the ident server of this host names another user"],
    ["00", "unassigned code"],
    ["5e", "unassigned code"],
    ["ff", "unassigned code"],
  ])("CD %s: %s", (octet, text) => {
    for (const rest of [" 00 00 00 00 00 00", ""]) {
      expect(errorAfter(`00 ${octet}${rest}`, { version: 4 })).toMatchObject({
        code: "ERR_SOCKS_REQUEST_REFUSED",
        stage: "request",
        reply: Number.parseInt(octet, 16),
        message: `proxy refused the request: ${text} (CD 0x${octet})`,
      });
    }
  });

  test("every REP and CD but success is a failure that keeps its number", () => {
    for (let octet = 0x00; octet <= 0xff; octet++) {
      const bytes = Uint8Array.of(0x05, 0x00, 0x05, octet);
      if (octet !== 0x00) expect(errorAfter(bytes).reply).toBe(octet);
      if (octet !== 0x5a) expect(errorAfter(Uint8Array.of(0x00, octet), { version: 4 }).reply).toBe(octet);
    }
  });
});

describe("the proxy refused us", () => {
  const alice = userPassClient({ username: "alice", password: "s3cret" });

  test("no method in common", () => {
    expect(errorAfter("05 ff")).toMatchObject({
      code: "ERR_SOCKS_NO_ACCEPTABLE_METHOD",
      stage: "negotiate",
      message: "proxy takes none of the offered authentication methods: no authentication (0x00)",
    });
    expect(errorAfter("05 ff", { authMethods: [noneClient(), alice] }).message).toBe(
      "proxy takes none of the offered authentication methods: no authentication (0x00), user name/password (0x02)",
    );
  });

  test("wrong credentials", () => {
    const error = errorAfter("05 02 01 01", { authMethods: [alice] });
    expect(error).toMatchObject({
      code: "ERR_SOCKS_AUTH_REJECTED",
      stage: "authenticate",
      message: "proxy rejected the user name or password (STATUS 0x01)",
      cause: { name: "AuthError" },
    });
  });
});

describe("the proxy breaks the protocol", () => {
  test("a method that was not offered", () => {
    for (let method = 0x01; method <= 0xfe; method++) {
      expect(errorAfter(Uint8Array.of(0x05, method)).code).toBe("ERR_SOCKS_METHOD_NOT_OFFERED");
    }
    // No way down: a proxy cannot spare us the password that was to be asked for.
    const password = { authMethods: [userPassClient({ username: "alice" })] };
    expect(errorAfter("05 00", password).code).toBe("ERR_SOCKS_METHOD_NOT_OFFERED");
    expect(errorAfter("05 02").message).toBe(
      "proxy chose authentication method user name/password (0x02), but was offered: no authentication (0x00)",
    );
  });

  test.each([
    ["01", "GSS-API"],
    ["03", "CHAP"],
    ["05", "CRAM"],
    ["06", "SSL"],
    ["07", "Novell NDS"],
    ["08", "MAF"],
  ])("method %s is named: %s", (octet, name) => {
    expect(errorAfter(`05 ${octet}`).message).toContain(`proxy chose authentication method ${name} (0x${octet})`);
  });

  test("a reply of another version, or with an ATYP of unknown length", () => {
    expect(errorAfter("05 00 01")).toMatchObject({ code: "ERR_SOCKS_BAD_VERSION", stage: "request" });
    expect(errorAfter("05 00 05 00 00 02")).toMatchObject({ code: "ERR_SOCKS_BAD_ATYP", stage: "request" });
  });
});

describe("it is no SOCKS proxy at all", () => {
  const text = (line: string): Uint8Array => new TextEncoder().encode(line);

  test.each([
    { what: "HTTP", bytes: text("HTTP/1.1 400 Bad Request\r\n\r\n"), guess: "an HTTP server" },
    { what: "HTTP/0.9", bytes: text("<html>"), guess: "an HTTP server" },
    { what: "SSH", bytes: text("SSH-2.0-OpenSSH_9.2p1\r\n"), guess: "an SSH server" },
    { what: "TLS alert", bytes: octets("15 03 01 00 02 02 46"), guess: "a TLS server" },
    { what: "SOCKS 4", bytes: octets("00 5b 00 00 00 00 00 00"), guess: "a SOCKS 4 server" },
  ])("$what, asked for SOCKS 5", ({ bytes, guess }) => {
    const error = errorAfter(bytes);
    expect(error).toMatchObject({ code: "ERR_SOCKS_NOT_SOCKS", stage: "negotiate" });
    const first = bytes[0]?.toString(16).padStart(2, "0");
    expect(error.message).toBe(`proxy answered with 0x${first} where SOCKS 5 has 0x05: that looks like ${guess}`);
    expect(errorAfter(bytes.slice(0, 1)).message).toBe(error.message);
  });

  test("asked for SOCKS 4", () => {
    expect(errorAfter(text("HTTP/1.1 400"), { version: 4 })).toMatchObject({
      code: "ERR_SOCKS_NOT_SOCKS",
      message: "proxy answered with 0x48 where SOCKS 4 has 0x00: that looks like an HTTP server",
    });
    expect(errorAfter("05 ff", { version: 4 }).message).toMatch(/that looks like a SOCKS 5 server$/);
  });

  test("an octet that tells nothing", () => {
    for (let octet = 0x00; octet <= 0xff; octet++) {
      if (octet !== 0x05) expect(errorAfter(Uint8Array.of(octet)).code).toBe("ERR_SOCKS_NOT_SOCKS");
      if (octet !== 0x00 && octet !== 0x04) {
        expect(errorAfter(Uint8Array.of(octet), { version: 4 }).code).toBe("ERR_SOCKS_NOT_SOCKS");
      }
    }
    expect(errorAfter("aa").message).toMatch(/: is it a SOCKS server\?$/);
  });
});
