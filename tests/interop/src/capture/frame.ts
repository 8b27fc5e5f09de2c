// Cuts recorded octets into SOCKS messages and names their fields. It is written from the RFCs' diagrams
// and shares nothing with the codecs that its output tests.

/** A message cut out of a recording. */
export interface Frame {
  /** Which message it is. */
  readonly message: MessageName;
  /** Its octets. */
  readonly bytes: Uint8Array;
  /** Its fields: numbers as they are, octets as hexadecimal text. */
  readonly fields: Readonly<Record<string, number | string>>;
  /** Host and port as text, of a message that has them. */
  readonly address?: string;
}

/** Messages that a recording can hold. */
export type MessageName =
  | "MethodRequest"
  | "MethodReply"
  | "UserPassRequest"
  | "UserPassReply"
  | "Socks5Request"
  | "Socks5Reply"
  | "Socks4Request"
  | "Socks4Reply"
  | "UdpDatagram";

/** Octets as pairs of hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

/** The octets of hexadecimal text; blanks are for the reader. */
export function unhex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

/** Cuts one message from the start of `bytes`; `undefined` while it is incomplete. */
export function cut(message: MessageName, bytes: Uint8Array): Frame | undefined {
  const length = LENGTHS[message](bytes);
  if (length === undefined || bytes.length < length) return undefined;
  const frame = bytes.subarray(0, length);
  const address = ADDRESSES[message]?.(frame);
  return { message, bytes: frame, fields: FIELDS[message](frame), ...(address === undefined ? {} : { address }) };
}

type Length = (b: Uint8Array) => number | undefined;

const at = (b: Uint8Array, offset: number): number => b[offset] ?? 0;
const port = (b: Uint8Array, offset: number): number => at(b, offset) * 256 + at(b, offset + 1);

/** Where the address of a SOCKS 5 request or reply begins and ends. */
function address(b: Uint8Array): { start: number; end: number } | undefined {
  if (b.length < 5) return undefined;
  switch (b[3]) {
    case 0x01:
      return { start: 4, end: 8 };
    case 0x03:
      return { start: 5, end: 5 + at(b, 4) };
    case 0x04:
      return { start: 4, end: 20 };
    default:
      throw new RangeError(`ATYP ${b[3]} in ${hex(b)}`);
  }
}

const socks5Length: Length = (b) => {
  const span = address(b);
  return span && span.end + 2;
};

/** A datagram is whole; its header has the shape of a request's. */
const datagramLength: Length = (b) => (address(b) === undefined ? undefined : b.length);

const socks4RequestLength: Length = (b) => {
  if (b.length < 9) return undefined;
  const userEnd = b.indexOf(0, 8);
  if (userEnd < 0) return undefined;
  if (!isNamed(b)) return userEnd + 1;
  const nameEnd = b.indexOf(0, userEnd + 1);
  return nameEnd < 0 ? undefined : nameEnd + 1;
};

/** 4A: the address is 0.0.0.x, x not 0. */
function isNamed(b: Uint8Array): boolean {
  return b[4] === 0 && b[5] === 0 && b[6] === 0 && b[7] !== 0;
}

const LENGTHS: Readonly<Record<MessageName, Length>> = {
  MethodRequest: (b) => (b.length < 2 ? undefined : 2 + at(b, 1)),
  MethodReply: () => 2,
  UserPassRequest: (b) => {
    const plen = b[2 + at(b, 1)];
    return b.length < 2 || plen === undefined ? undefined : 3 + at(b, 1) + plen;
  },
  UserPassReply: () => 2,
  Socks5Request: socks5Length,
  Socks5Reply: socks5Length,
  Socks4Request: socks4RequestLength,
  Socks4Reply: () => 8,
  UdpDatagram: datagramLength,
};

const ADDRESSES: Readonly<Partial<Record<MessageName, (b: Uint8Array) => string>>> = {
  Socks5Request: socks5Address,
  Socks5Reply: socks5Address,
  Socks4Request: (b) => {
    if (!isNamed(b)) return `${b.subarray(4, 8).join(".")}:${port(b, 2)}`;
    return `${hostText(b.subarray(b.indexOf(0, 8) + 1, -1))}:${port(b, 2)}`;
  },
  Socks4Reply: (b) => `${b.subarray(4, 8).join(".")}:${port(b, 2)}`,
  UdpDatagram: socks5Address,
};

function socks5Address(b: Uint8Array): string {
  const { start, end } = address(b) ?? { start: 4, end: 4 };
  const octets = b.subarray(start, end);
  const host = b[3] === 0x01 ? octets.join(".") : b[3] === 0x03 ? hostText(octets) : `[${ipv6Text(octets)}]`;
  return `${host}:${port(b, end)}`;
}

/** A name as it came; the text of an IPv6 literal in brackets. */
function hostText(octets: Uint8Array): string {
  const text = Buffer.from(octets).toString("latin1");
  return text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
}

/** The URL standard writes IPv6 as RFC 5952 does, for the addresses that occur here. */
function ipv6Text(octets: Uint8Array): string {
  const groups = Buffer.from(octets).toString("hex").match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

const FIELDS: Readonly<Record<MessageName, (b: Uint8Array) => Record<string, number | string>>> = {
  MethodRequest: (b) => ({ methods: hex(b.subarray(2)) }),
  MethodReply: (b) => ({ method: at(b, 1) }),
  UserPassRequest: (b) => ({ uname: hex(b.subarray(2, 2 + at(b, 1))), passwd: hex(b.subarray(3 + at(b, 1))) }),
  UserPassReply: (b) => ({ version: at(b, 0), status: at(b, 1) }),
  Socks5Request: (b) => socks5Fields(b, "cmd", "dst"),
  Socks5Reply: (b) => socks5Fields(b, "rep", "bnd"),
  Socks4Request: (b) => {
    const userEnd = b.indexOf(0, 8);
    return {
      cd: at(b, 1),
      dstPort: port(b, 2),
      dstIp: hex(b.subarray(4, 8)),
      userid: hex(b.subarray(8, userEnd)),
      ...(isNamed(b) ? { domain: hex(b.subarray(userEnd + 1, -1)) } : {}),
    };
  },
  Socks4Reply: (b) => ({ cd: at(b, 1), dstPort: port(b, 2), dstIp: hex(b.subarray(4, 8)) }),
  UdpDatagram: (b) => {
    const { start, end } = address(b) ?? { start: 4, end: 4 };
    return {
      frag: at(b, 2),
      atyp: at(b, 3),
      dstAddr: hex(b.subarray(start, end)),
      dstPort: port(b, end),
      data: hex(b.subarray(end + 2)),
    };
  },
};

function socks5Fields(b: Uint8Array, code: "cmd" | "rep", prefix: "dst" | "bnd"): Record<string, number | string> {
  const span = address(b) ?? { start: 4, end: 4 };
  return {
    [code]: at(b, 1),
    atyp: at(b, 3),
    [`${prefix}Addr`]: hex(b.subarray(span.start, span.end)),
    [`${prefix}Port`]: port(b, span.end),
  };
}
