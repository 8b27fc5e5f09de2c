/** Where octets come from. Never from this project's own encoder. */
export type Source =
  | {
      /** Document and section that define the octets: `"RFC 1928 sections 4 and 6"`, or an erratum. */
      readonly document: string;
    }
  | {
      /** Real program that sent them: `"curl"`. */
      readonly program: string;
      /** Its version: `"7.88.1"`. */
      readonly version: string;
      /** What it was told to do: a command line. */
      readonly command: string;
      /** The program at the other end, where that matters: `"OpenSSH 9.2p1 (ssh -D)"`. */
      readonly peer?: string;
    };

/** Types of messages; each but `Data` has a decoder `decode<type>` in `@sockskit/wire`. */
export type MessageType =
  | "Socks4Request"
  | "Socks4Reply"
  | "MethodRequest"
  | "MethodReply"
  | "UserPassRequest"
  | "UserPassReply"
  | "Socks5Request"
  | "Socks5Reply"
  | "UdpDatagram"
  | "AttributeList"
  | "MafMessage"
  | "GssapiFrame"
  | "SslFrame"
  | "SslOptions"
  | "ProxyHeader"
  | "HttpConnectRequest"
  | "HttpConnectResponse"
  | "Data";

/** A field of a value: a number, octets in hexadecimal, text, or a list of octets or of records. */
export type FieldValue = number | string | { readonly text: string } | readonly (string | FieldRecord)[];

/** The fields of a value, or of a part of one. */
export interface FieldRecord {
  /** Each field by its name. */
  readonly [field: string]: FieldValue;
}

/** One message: its octets, and what decoding them must give. */
export interface Message {
  /** Which message it is. `Data`: octets of the application, which belong to no message. */
  readonly type: MessageType;
  /** The octets in hexadecimal; `61{255}` stands for 255 octets 61. */
  readonly hex: string;
  /** Accepted: the fields of the value. Numbers as they are, octets in hexadecimal, text as `{"text": ...}`. */
  readonly decoded?: FieldRecord;
  /** Rejected: the error. */
  readonly error?: {
    readonly code: string;
    readonly rep?: number;
    /** Number of octets after which the error must come. Default: all. Without meaning for datagrams. */
    readonly afterOctets?: number;
  };
  /** What the address and port fields mean, as `host:port`. */
  readonly address?: string;
  /** Why the address fields mean nothing. */
  readonly addressError?: { readonly code: string; readonly rep?: number };
  /** Limits and options for the decoder. */
  readonly options?: Readonly<Record<string, number | boolean | readonly number[]>>;
  /** What encoding the value gives, where that is not `hex` again. */
  readonly encodesTo?: string;
  /** Code of the error that encoding the value gives, where it is accepted but not sent. */
  readonly encodeError?: string;
}

/** A part of a conversation that one side sends in one piece. */
export interface Step {
  /** Who sends it. */
  readonly from: "client" | "server";
  /** What it is, for people. */
  readonly note: string;
  /** `"udp"` for a datagram. Default: `"tcp"`. */
  readonly transport?: "tcp" | "udp";
  /** Whether the sender ends the connection after it. */
  readonly closes?: boolean;
  /** The messages in it, one after the other. */
  readonly messages: readonly Message[];
}

/** A whole exchange between a client and a server. */
export interface Conversation {
  /** Unique among all vectors. */
  readonly name: string;
  /** What happens in it, for people. */
  readonly title: string;
  /** Where it comes from. */
  readonly source: Source;
  /** What is sent, in its order. */
  readonly steps: readonly Step[];
}

/** A message that stands alone. */
export interface MessageVector extends Message {
  /** Unique among all vectors. */
  readonly name: string;
  /** Where it comes from. */
  readonly source: Source;
  /** Who sends it. */
  readonly from: "client" | "server";
}

/** A file in `data/`, `addresses.json` and `ident.json` excepted. */
export interface VectorFile {
  /** Whole exchanges. */
  readonly conversations?: readonly Conversation[];
  /** Single messages. */
  readonly messages?: readonly MessageVector[];
}

/** What `data/addresses.json` holds. */
export interface AddressVectors {
  /** IPv6 texts that are read, and the one text that is written. */
  readonly ipv6: readonly {
    readonly text: string;
    readonly hex: string;
    readonly canonical: string;
    readonly source: string;
  }[];
  /** IPv4 texts that are read. */
  readonly ipv4: readonly { readonly text: string; readonly hex: string; readonly source: string }[];
  /** Names that are read, and the one form in which they are sent. */
  readonly names: readonly { readonly text: string; readonly ascii: string; readonly source: string }[];
  /** Texts that are neither an address nor a name. */
  readonly refused: readonly { readonly text: string; readonly source: string }[];
  /** IPv6 addresses and the IPv4 address inside them, if there is one. */
  readonly embedded: readonly { readonly text: string; readonly ipv4: string | null; readonly source: string }[];
}

/** A line of the Identification Protocol: its octets, and what decoding them must give. */
export interface IdentVector {
  /** Unique among all lines. */
  readonly name: string;
  /** The octets in hexadecimal, as in {@link Message}. */
  readonly hex: string;
  /**
   * Accepted: the fields of the value. Numbers and words as they are, `userId` in hexadecimal; `text` is what the user
   * id is shown as.
   */
  readonly decoded?: Readonly<Record<string, number | string>>;
  /** Rejected: the error, and after how many octets it must come. Default: all. */
  readonly error?: { readonly code: string; readonly afterOctets?: number };
  /** What encoding the value gives, where that is not `hex` again. */
  readonly encodesTo?: string;
  /** Code of the error that encoding the value gives, where it is accepted but not sent. */
  readonly encodeError?: string;
  /** Where it comes from. */
  readonly source: string;
}

/** What `data/ident.json` holds. */
export interface IdentVectors {
  /** Lines that ask. */
  readonly queries: readonly IdentVector[];
  /** Lines that answer. */
  readonly replies: readonly IdentVector[];
}
