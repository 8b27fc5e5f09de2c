import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { endianness, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type IpAddress, parseIpAddress, unmapAddress } from "@sockskit/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLinuxLookup, type IdentConnection } from "../../src/index.ts";

// Lines as Linux 6.18 on x86-64 wrote them; their words are in little-endian order.
const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const TAIL = "00000000:00000000 00:00000000 00000000";
const V4 = "0100007F:C030 0200007F:0438";
const MAPPED = "0000000000000000FFFF00000100007F:C030 0000000000000000FFFF00000200007F:0438";
const V6 = "B80D0120000000000000000001000000:C030 B80D0120000000000000000002000000:0438";
const isLittleEndian = endianness() === "LE";
if (!isLittleEndian) console.log("skipped: the recorded tables are those of a little-endian machine");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "identd-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, ...lines: readonly string[]): void {
  writeFileSync(join(folder, file), lines.join("\n"));
}

function row(ends: string, state: string, uid: number, inode = 4711): string {
  return `   0: ${ends} ${state} ${TAIL} ${String(uid).padStart(5)}        0 ${inode} 1 0000000052feb1f4 20 4 30 10 -1`;
}

function connection(local = "127.0.0.1", remote = "127.0.0.2", localPort = 49_200, remotePort = 1080): IdentConnection {
  return { local: address(local, localPort), remote: address(remote, remotePort) };
}

function address(host: string, port: number): IpAddress {
  return parseIpAddress(host, port) as IpAddress;
}

function lookUp(asked: IdentConnection) {
  return createLinuxLookup({ procNet: folder, passwd: join(folder, "passwd") })(asked);
}

describe.skipIf(!isLittleEndian)("the table", () => {
  beforeEach(() => {
    write("tcp", HEAD, row(V4, "01", 1000), "");
    write("tcp6", HEAD, "");
    write("passwd", "root:x:0:0::/root:/bin/sh", "fred:x:1000:1000::/:/bin/sh", "again:x:1000:1000::/:/bin/sh", "");
  });

  test("a connection", async () => {
    expect(await lookUp(connection())).toEqual({ uid: 1000, name: "fred" });
  });

  test.each([
    ["another local port", connection("127.0.0.1", "127.0.0.2", 49_201)],
    ["another remote port", connection("127.0.0.1", "127.0.0.2", 49_200, 1081)],
    ["another local address", connection("127.0.0.9")],
    ["a stranger's address", connection("127.0.0.1", "127.0.0.3")],
    ["the other end", connection("127.0.0.2", "127.0.0.1", 1080, 49_200)],
    ["IPv6", connection("::1", "::1")],
  ])("%s is another connection", async (_what, asked) => {
    expect(await lookUp(asked)).toBeUndefined();
  });

  test("an IPv4 connection of an IPv6 socket", async () => {
    write("tcp", HEAD, "");
    write("tcp6", HEAD, row(MAPPED, "01", 1000), "");
    expect(await lookUp(connection())).toEqual({ uid: 1000, name: "fred" });
  });

  test("an IPv6 connection", async () => {
    write("tcp6", HEAD, row(V6, "08", 0), "");
    expect(await lookUp(connection("2001:db8::1", "2001:db8::2"))).toEqual({ uid: 0, name: "root" });
  });

  test.each([
    ["01", "ESTABLISHED", true],
    ["02", "SYN_SENT", false],
    ["03", "SYN_RECV", false],
    ["04", "FIN_WAIT1", true],
    ["05", "FIN_WAIT2", true],
    ["06", "TIME_WAIT", false],
    ["07", "CLOSE", false],
    ["08", "CLOSE_WAIT", true],
    ["09", "LAST_ACK", false],
    ["0A", "LISTEN", false],
    ["0C", "NEW_SYN_RECV", false],
  ])("state %s, %s", async (state, _name, isOwned) => {
    write("tcp", HEAD, row(V4, state, 1000), "");
    expect(await lookUp(connection())).toEqual(isOwned ? { uid: 1000, name: "fred" } : undefined);
  });

  test("what no program holds is not the superuser's", async () => {
    write("tcp", HEAD, row(V4, "01", 0, 0), "");
    expect(await lookUp(connection())).toBeUndefined();
  });

  test("a user without a name", async () => {
    write("tcp", HEAD, row(V4, "01", 4_294_967_294), "");
    expect(await lookUp(connection())).toEqual({ uid: 4_294_967_294 });
  });

  test("a user that gets a name later", async () => {
    const lookup = createLinuxLookup({ procNet: folder, passwd: join(folder, "passwd") });
    rmSync(join(folder, "passwd"));
    expect(await lookup(connection())).toEqual({ uid: 1000 });
    write("passwd", "new:x:1000:1000::/:/bin/sh");
    expect(await lookup(connection())).toEqual({ uid: 1000, name: "new" });
  });

  test("the last of a hundred thousand lines, across all pieces", async () => {
    const others = Array.from({ length: 100_000 }, (_, index) =>
      row(`0100007F:${(index % 0x8000).toString(16).toUpperCase().padStart(4, "0")} 0300007F:0438`, "01", 1),
    );
    write("tcp", HEAD, ...others, row(V4, "01", 1000), "");
    expect(await lookUp(connection())).toEqual({ uid: 1000, name: "fred" });
  });

  test("many ask at once", async () => {
    write("tcp6", HEAD, row(V6, "01", 0), "");
    const lookup = createLinuxLookup({ procNet: folder, passwd: join(folder, "passwd") });
    const asked = Array.from({ length: 300 }, (_, index) =>
      lookup(
        index % 3 === 0
          ? connection()
          : index % 3 === 1
            ? connection("2001:db8::1", "2001:db8::2")
            : connection("::1", "::2"),
      ),
    );
    const found = await Promise.all(asked.map((owner) => Promise.resolve(owner)));
    expect(found.map((owner) => owner?.name)).toEqual(
      Array.from({ length: 300 }, (_, index) => ["fred", "root", undefined][index % 3]),
    );
  });

  test("a table of something else", async () => {
    write(
      "tcp",
      "\0\0\0",
      row(V4, "01", 1000).slice(0, 60),
      `: ${V4} 01 x x x not-a-uid x 1`,
      `: ${V4}`,
      "x".repeat(200_000),
    );
    expect(await lookUp(connection())).toBeUndefined();
  });

  test("no table: the system's error", async () => {
    rmSync(join(folder, "tcp"));
    await expect(lookUp(connection())).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("a kernel without IPv6", async () => {
    rmSync(join(folder, "tcp6"));
    expect(await lookUp(connection("127.0.0.9"))).toBeUndefined();
  });
});

const isLinux = process.platform === "linux";
if (!isLinux) console.log("skipped: the real socket table is Linux's");

describe.skipIf(!isLinux)("the kernel's own table", () => {
  test.each([
    ["IPv4", "127.0.0.1", "127.0.0.1"],
    ["IPv4 at an IPv6 socket", "::", "127.0.0.1"],
    ["IPv6", "::1", "::1"],
  ])("%s: both ends are this user's", async (_what, listen, host) => {
    const server = net.createServer().listen(0, listen);
    await once(server, "listening");
    const client = net.connect({ host, port: (server.address() as net.AddressInfo).port });
    const [accepted] = (await once(server, "connection")) as [net.Socket];
    try {
      const lookup = createLinuxLookup();
      const near = end(accepted.localAddress, accepted.localPort);
      const far = end(accepted.remoteAddress, accepted.remotePort);
      const { uid, username } = userInfo();
      expect(await lookup({ local: near, remote: far })).toMatchObject({ uid, name: username });
      expect(await lookup({ local: far, remote: near })).toMatchObject({ uid, name: username });
      expect(await lookup({ local: { ...near, port: 1 }, remote: far })).toBeUndefined();
    } finally {
      client.destroy();
      accepted.destroy();
      server.close();
    }
  });
});

function end(host: string | undefined, port: number | undefined): IpAddress {
  return unmapAddress(address(host ?? "", port ?? 0));
}
