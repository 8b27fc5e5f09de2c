import { noneServer, userPassServer } from "@sockskit/auth";
import { hex, octets } from "@sockskit/testing";
import { parseAddress } from "@sockskit/wire";
import { describe, expect, test } from "vitest";
import { ServerHandshake, type ServerHandshakeOptions, type ServerReply } from "../src/index.ts";
import { runServer } from "./machine-log.ts";

const NONE = { authMethods: [noneServer()] };
const PASSWORD = { authMethods: [userPassServer()] };

function play(options: ServerHandshakeOptions, ...received: string[]): string[] {
  return runServer(new ServerHandshake(options), received.map(octets), { accept: true });
}

describe("what the first octet says", () => {
  test.each([
    ["16", "TLS"],
    ["0d", "the PROXY protocol, version 2"],
    ["50", "HTTP or the PROXY protocol, version 1"],
    ["53", "SSH"],
    ["43", "HTTP"],
    ["44", "HTTP"],
    ["47", "HTTP"],
    ["48", "HTTP"],
    ["4f", "HTTP"],
    ["54", "HTTP"],
  ])("%s is %s: named, and closed without a word", (octet, protocol) => {
    const events = new ServerHandshake(NONE).receive(octets(`${octet} 45 54 20`));
    expect(events).toMatchObject([
      {
        type: "failed",
        error: {
          code: "ERR_SOCKS_NOT_SOCKS",
          side: "remote",
          stage: "negotiate",
          message: `first octet is 0x${octet}, expected 0x04 or 0x05: the client seems to speak ${protocol}`,
        },
      },
    ]);
  });

  test("every other octet is refused from the first one on, without a word", () => {
    for (let octet = 0x00; octet <= 0xff; octet++) {
      if (octet === 0x04 || octet === 0x05) continue;
      expect(play(NONE, hex(Uint8Array.of(octet)))).toEqual(["failed ERR_SOCKS_NOT_SOCKS remote negotiate"]);
    }
  });
});

describe("choice of a method", () => {
  const both = [userPassServer(), noneServer()];

  test.each([
    { authMethods: both, offered: "05 02 00 02", chosen: "05 02" },
    { authMethods: both, offered: "05 02 02 00", chosen: "05 02" },
    { authMethods: both.toReversed(), offered: "05 02 02 00", chosen: "05 00" },
    { authMethods: both, offered: "05 01 00", chosen: "05 00" },
    { authMethods: both, offered: "05 04 00 00 01 02", chosen: "05 02" },
  ])("the server's preference decides: $offered", ({ authMethods, offered, chosen }) => {
    expect(play({ authMethods }, offered)[0]).toBe(`send ${chosen}`);
  });

  test.each(["05 00", "05 01 00", "05 02 01 03", `05 ff ${"81".repeat(255)}`])("nothing in common: %s", (offered) => {
    expect(play(PASSWORD, offered)).toEqual(["send 05 ff", "failed ERR_SOCKS_NO_ACCEPTABLE_METHOD remote negotiate"]);
  });

  test("the error says what was offered and what is wanted", () => {
    const [, failed] = new ServerHandshake(PASSWORD).receive(octets("05 02 00 81"));
    expect(failed).toMatchObject({
      error: {
        message: "client offers no authentication (0x00), 0x81, expected one of: user name/password (0x02)",
        version: 5,
      },
    });
  });

  test("a method that was not chosen cannot be used", () => {
    // Chosen is userpass; the client goes on as if it were none.
    expect(play(PASSWORD, "05 02 00 02", "05 01 00 01 c0 00 02 0a 00 50")).toEqual([
      "send 05 02",
      "send 01 01",
      "failed ERR_SOCKS_AUTH_PROTOCOL remote authenticate",
    ]);
  });
});

describe("a request that cannot be served", () => {
  test.each([
    { what: "VER 04", request: "04 01 00 01 c0 00 02 0a 00 50", rep: "01", code: "ERR_SOCKS_BAD_VERSION" },
    { what: "CMD 09", request: "05 09 00 01 c0 00 02 0a 00 50", rep: "07", code: "ERR_SOCKS_COMMAND_NOT_SUPPORTED" },
    { what: "BIND", request: "05 02 00 01 c0 00 02 0a 00 50", rep: "07", code: "ERR_SOCKS_COMMAND_NOT_SUPPORTED" },
    { what: "RESOLVE", request: "05 f0 00 03 01 61 00 00", rep: "07", code: "ERR_SOCKS_COMMAND_NOT_SUPPORTED" },
    { what: "CMD 00", request: "05 00 00 01 c0 00 02 0a 00 50", rep: "07", code: "ERR_SOCKS_COMMAND_NOT_SUPPORTED" },
    { what: "ATYP 02", request: "05 01 00 02", rep: "08", code: "ERR_SOCKS_BAD_ATYP" },
    { what: "ATYP 00", request: "05 01 00 00", rep: "08", code: "ERR_SOCKS_BAD_ATYP" },
    { what: "CMD 09 with ATYP 02", request: "05 09 00 02", rep: "08", code: "ERR_SOCKS_BAD_ATYP" },
    { what: "empty name", request: "05 01 00 03 00 00 50", rep: "01", code: "ERR_SOCKS_BAD_ADDRESS" },
    { what: "NUL in the name", request: "05 01 00 03 03 61 00 62 00 50", rep: "01", code: "ERR_SOCKS_BAD_ADDRESS" },
    { what: "space in the name", request: "05 01 00 03 03 61 20 62 00 50", rep: "01", code: "ERR_SOCKS_BAD_ADDRESS" },
    { what: "control octet", request: "05 01 00 03 03 61 0a 62 00 50", rep: "01", code: "ERR_SOCKS_BAD_ADDRESS" },
    { what: "0x7f.1", request: "05 01 00 03 06 30 78 37 66 2e 31 00 50", rep: "01", code: "ERR_SOCKS_BAD_ADDRESS" },
    { what: "port 0", request: "05 01 00 01 c0 00 02 0a 00 00", rep: "01", code: "ERR_SOCKS_BAD_PORT" },
  ])("SOCKS 5: $what is answered $rep", ({ request, rep, code }) => {
    const log = play(NONE, "05 01 00", request);
    expect(log.slice(2)).toEqual([
      `send 05 ${rep} 00 01 00 00 00 00 00 00`,
      `failed ${code} remote request answered ${rep}`,
    ]);
    // Not one octet earlier: an unknown command is read to its end, an unknown ATYP ends at the fourth octet.
    const early = play(NONE, "05 01 00", hex(octets(request).slice(0, code === "ERR_SOCKS_BAD_VERSION" ? 0 : -1)));
    expect(early).toEqual(["send 05 00", "authenticated none as nobody"]);
  });

  test.each([
    { what: "CD 03, also where UDP is served", request: "04 03 00 50 c0 00 02 0a 00", code: "COMMAND_NOT_SUPPORTED" },
    { what: "CD 09 with a name", request: "04 09 00 50 00 00 00 01 61 00 62 00", code: "COMMAND_NOT_SUPPORTED" },
    { what: "0.0.0.0", request: "04 01 00 50 00 00 00 00 00", code: "BAD_ADDRESS" },
    { what: "empty name", request: "04 01 00 50 00 00 00 01 00 00", code: "BAD_ADDRESS" },
    { what: "space in the name", request: "04 01 00 50 00 00 00 01 00 20 00", code: "BAD_ADDRESS" },
    { what: "port 0", request: "04 01 00 00 c0 00 02 0a 00", code: "BAD_PORT" },
  ])("SOCKS 4: $what is answered 5b", ({ request, code }) => {
    const options = { ...NONE, commands: [0x01, 0x03] };
    expect(play(options, request)).toEqual([
      "send 00 5b 00 00 00 00 00 00",
      `failed ERR_SOCKS_${code} remote request answered 5b`,
    ]);
    expect(play(options, hex(octets(request).slice(0, -1)))).toEqual([]);
  });

  test("RSV of a request is not looked at", () => {
    expect(play(NONE, "05 01 00", "05 01 ff 01 c0 00 02 0a 00 50").at(-1)).toBe(
      "request 5 connect 192.0.2.10:80 none nobody",
    );
  });

  test("a client that does not know where it will send from may say so in its own way", () => {
    const commands = [0x01, 0x03];
    // PySocks sends the name "0"; other octets that are no name say no more.
    expect(play({ ...NONE, commands }, "05 01 00", "05 03 00 03 01 30 00 00").at(-1)).toBe(
      "request 5 udp-associate 0.0.0.0:0 none nobody",
    );
    expect(play({ ...NONE, commands }, "05 01 00", "05 03 00 03 02 00 2e 12 34").at(-1)).toMatch(/ 0\.0\.0\.0:0 /);
    expect(play({ ...NONE, commands }, "05 01 00", "05 01 00 03 01 30 00 50").at(-1)).toMatch(
      /^failed ERR_SOCKS_BAD_ADDRESS/,
    );
  });

  test("port 0 is only a matter of CONNECT", () => {
    const commands = [0x02, 0x03, 0xf0];
    expect(play({ ...NONE, commands }, "05 01 00", "05 03 00 01 00 00 00 00 00 00").at(-1)).toMatch(/^request 5 udp-/);
    expect(play({ ...NONE, commands }, "05 01 00", "05 02 00 01 00 00 00 00 00 00").at(-1)).toMatch(/^request 5 bind/);
    expect(play({ ...NONE, commands }, "04 f0 00 00 00 00 00 01 00 61 00").at(-1)).toBe(
      'request 4a resolve a:0 userid ""',
    );
    expect(play({ ...NONE, commands }, "04 02 00 00 00 00 00 00 00").at(-1)).toBe('request 4 bind 0.0.0.0:0 userid ""');
  });
});

describe("Tor's look-ups, where they are taken", () => {
  const options = { ...NONE, commands: [0xf0, 0xf1] };
  const succeed = (host: string) => [{ rep: 0x00, boundAddress: parseAddress(host, 0) }];

  test("RESOLVE_PTR is about an address: of a name it is answered 08, and a text of one is one", () => {
    expect(play(options, "05 01 00", "05 f1 00 03 01 61 00 00").slice(2)).toEqual([
      "send 05 08 00 01 00 00 00 00 00 00",
      "failed ERR_SOCKS_BAD_ADDRESS remote request answered 08",
    ]);
    const text = "05 f1 00 03 09 31 32 37 2e 30 2e 30 2e 31 00 00";
    expect(play(options, "05 01 00", text).at(-1)).toBe("request 5 resolve-ptr 127.0.0.1:0 none nobody");
  });

  test("a port is no part of what is looked up", () => {
    expect(play(options, "05 01 00", "05 f0 00 03 01 61 00 50").at(-1)).toBe("request 5 resolve a:0 none nobody");
    expect(play(options, "04 f0 00 50 c0 00 02 0a 00").at(-1)).toBe('request 4 resolve 192.0.2.10:0 userid ""');
  });

  test("RESOLVE_PTR is no command of SOCKS 4", () => {
    expect(play(options, "04 f1 00 00 c0 00 02 0a 00")).toEqual([
      "send 00 5b 00 00 00 00 00 00",
      "failed ERR_SOCKS_COMMAND_NOT_SUPPORTED remote request answered 5b",
    ]);
  });

  test("the answer is in the place of the bound address", () => {
    const resolve4 = runServer(new ServerHandshake(options), [octets("04 f0 00 00 00 00 00 01 00 61 00")], {
      replies: succeed("192.0.2.10"),
    });
    expect(resolve4.at(-1)).toBe("send 00 5a 00 00 c0 00 02 0a");
    const pointer = runServer(new ServerHandshake(options), [octets("05 01 00 05 f1 00 01 c0 00 02 0a 00 00")], {
      replies: succeed("a.b"),
    });
    expect(pointer.at(-1)).toBe("send 05 00 00 03 03 61 2e 62 00 00");
  });
});

describe("versions that are not taken", () => {
  const request4 = "04 01 00 50 c0 00 02 0a 66 72 65 64 00";

  test("SOCKS 4 where a password is required is answered 5b", () => {
    expect(play(PASSWORD, request4)).toEqual([
      "send 00 5b 00 00 00 00 00 00",
      "failed ERR_SOCKS_AUTH_REQUIRED remote request answered 5b",
    ]);
  });

  test("unless somebody said so in so many words, or none is a method too", () => {
    const taken = ['request 4 connect 192.0.2.10:80 userid "fred"'];
    expect(play({ ...PASSWORD, socks4WithoutAuthentication: true }, request4)).toEqual(taken);
    expect(play({ authMethods: [userPassServer(), noneServer()] }, request4)).toEqual(taken);
  });

  test("SOCKS 4 where only 5 is taken is answered 5b", () => {
    expect(play({ ...NONE, versions: [5] }, request4)).toEqual([
      "send 00 5b 00 00 00 00 00 00",
      "failed ERR_SOCKS_VERSION_REFUSED remote request answered 5b",
    ]);
  });

  test("SOCKS 5 where only 4 is taken is answered ff", () => {
    expect(play({ ...NONE, versions: [4] }, "05 01 00")).toEqual([
      "send 05 ff",
      "failed ERR_SOCKS_VERSION_REFUSED remote negotiate",
    ]);
  });
});

describe("replies", () => {
  const request5 = ["05 01 00", "05 01 00 01 c0 00 02 0a 00 50"];
  const request4 = ["04 01 00 50 c0 00 02 0a 00"];

  function answer(received: readonly string[], reply: ServerReply): string[] {
    const log = runServer(new ServerHandshake(NONE), received.map(octets), { replies: [reply] });
    return log.slice(log.findIndex((line) => line.startsWith("request")) + 1);
  }

  test.each([
    { bound: "198.51.100.7", sent: "05 00 00 01 c6 33 64 07 c3 50" },
    { bound: "2001:db8::ff", sent: "05 00 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 ff c3 50" },
    { bound: "example.com", sent: "05 00 00 03 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d c3 50" },
    { bound: undefined, sent: "05 00 00 01 00 00 00 00 00 00" },
  ])("SOCKS 5: success with $bound", ({ bound, sent }) => {
    const boundAddress = bound === undefined ? undefined : parseAddress(bound, 50000);
    expect(answer(request5, { rep: 0x00, boundAddress }).at(-1)).toBe(`send ${sent}`);
  });

  test.each([
    { bound: "198.51.100.7", sent: "00 5a c3 50 c6 33 64 07" },
    { bound: "::ffff:198.51.100.7", sent: "00 5a c3 50 c6 33 64 07" },
    { bound: "2001:db8::ff", sent: "00 5a 00 00 00 00 00 00" },
    { bound: "example.com", sent: "00 5a 00 00 00 00 00 00" },
    { bound: undefined, sent: "00 5a 00 00 00 00 00 00" },
  ])("SOCKS 4: success with $bound", ({ bound, sent }) => {
    const boundAddress = bound === undefined ? undefined : parseAddress(bound, 50000);
    expect(answer(request4, { rep: 0x00, boundAddress }).at(-1)).toBe(`send ${sent}`);
  });

  test("SOCKS 5: every failure, with ATYP 01 and zeros whatever address it came with", () => {
    for (let rep = 0x01; rep <= 0xff; rep++) {
      const octet = hex(Uint8Array.of(rep));
      expect(answer(request5, { rep, boundAddress: parseAddress("2001:db8::ff", 50000) })).toEqual([
        `send 05 ${octet} 00 01 00 00 00 00 00 00`,
        `failed ERR_SOCKS_REQUEST_REFUSED local request answered ${octet}`,
      ]);
    }
  });

  test("SOCKS 4: every failure is 5b with zeros, unless ident said otherwise", () => {
    const boundAddress = parseAddress("198.51.100.7", 50000);
    for (let rep = 0x01; rep <= 0xff; rep++) {
      expect(answer(request4, { rep, boundAddress })).toEqual([
        "send 00 5b 00 00 00 00 00 00",
        "failed ERR_SOCKS_REQUEST_REFUSED local request answered 5b",
      ]);
    }
    expect(answer(request4, { rep: 0x02, cd: 0x5d }).at(0)).toBe("send 00 5d 00 00 00 00 00 00");
  });

  test("what came behind a refused request is dropped", () => {
    const server = new ServerHandshake(NONE);
    server.receive(octets(`${request5.join(" ")} 47 45 54`));
    expect(server.bufferedLength).toBe(3);
    server.reply({ rep: 0x02 });
    expect(server.bufferedLength).toBe(0);
    expect(server.takeTrailingData()).toBeUndefined();
  });

  test("a REP that is no octet is a misuse and answers nothing", () => {
    const server = new ServerHandshake(NONE);
    for (const chunk of request5) server.receive(octets(chunk));
    for (const rep of [256, -1, 1.5, Number.NaN]) {
      expect(() => server.reply({ rep })).toThrow(
        expect.objectContaining({ code: "ERR_SOCKS_BAD_FIELD", side: "local" }),
      );
      expect(server.state).toBe("deciding");
    }
    expect(server.reply({ rep: 0x00 })).toHaveLength(1);
  });
});

test("options that make no sense are refused", () => {
  const refused = expect.objectContaining({ code: "ERR_SOCKS_BAD_OPTION", side: "local" }) as Error;
  expect(() => new ServerHandshake({ authMethods: [] })).toThrow(refused);
  expect(() => new ServerHandshake({ authMethods: [noneServer()], versions: [] })).toThrow(refused);
  expect(() => new ServerHandshake({ authMethods: [noneServer()], maxUseridLength: Number.NaN })).toThrow(refused);
  expect(new ServerHandshake({ authMethods: [], versions: [4] }).state).toBe("start");
});
