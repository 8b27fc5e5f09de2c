import * as wire from "../src/index.ts";

/** Fields of a message. */
export type Fields = Record<string, unknown>;

/** How tests reach the codec of one message, whatever its type. */
export interface Codec {
  readonly decode: (bytes: Uint8Array, offset?: number, options?: object) => wire.Decoded<Fields> | undefined;
  readonly encode: (value: Fields) => Uint8Array;
  readonly maxLength: number;
}

/** Every codec with the decoder contract, by the name of its message. */
export const CODECS = {
  Socks4Request: codec(wire.decodeSocks4Request, wire.encodeSocks4Request, wire.MAX_SOCKS4_REQUEST_LENGTH),
  Socks4Reply: codec(wire.decodeSocks4Reply, wire.encodeSocks4Reply, wire.MAX_SOCKS4_REPLY_LENGTH),
  MethodRequest: codec(wire.decodeMethodRequest, wire.encodeMethodRequest, wire.MAX_METHOD_REQUEST_LENGTH),
  MethodReply: codec(wire.decodeMethodReply, wire.encodeMethodReply, wire.MAX_METHOD_REPLY_LENGTH),
  UserPassRequest: codec(wire.decodeUserPassRequest, wire.encodeUserPassRequest, wire.MAX_USER_PASS_REQUEST_LENGTH),
  UserPassReply: codec(wire.decodeUserPassReply, wire.encodeUserPassReply, wire.MAX_USER_PASS_REPLY_LENGTH),
  Socks5Request: codec(wire.decodeSocks5Request, wire.encodeSocks5Request, wire.MAX_SOCKS5_REQUEST_LENGTH),
  Socks5Reply: codec(wire.decodeSocks5Reply, wire.encodeSocks5Reply, wire.MAX_SOCKS5_REPLY_LENGTH),
  AttributeList: codec(wire.decodeAttributeList, wire.encodeAttributeList, wire.MAX_ATTRIBUTE_LIST_LENGTH),
  MafMessage: codec(wire.decodeMafMessage, wire.encodeMafMessage, wire.MAX_MAF_MESSAGE_LENGTH),
  GssapiFrame: codec(wire.decodeGssapiFrame, wire.encodeGssapiFrame, wire.MAX_GSSAPI_FRAME_LENGTH),
  SslFrame: codec(wire.decodeSslFrame, wire.encodeSslFrame, wire.MAX_SSL_FRAME_LENGTH),
  SslOptions: codec(wire.decodeSslOptions, wire.encodeSslOptions, wire.MAX_SSL_OPTIONS_LENGTH),
  ProxyHeader: codec(wire.decodeProxyHeader, wire.encodeProxyHeader, wire.MAX_PROXY_HEADER_LENGTH),
  HttpConnectRequest: codec(wire.decodeHttpConnectRequest, wire.encodeHttpConnectRequest, wire.MAX_HTTP_HEAD_LENGTH),
  HttpConnectResponse: codec(wire.decodeHttpConnectResponse, wire.encodeHttpConnectResponse, wire.MAX_HTTP_HEAD_LENGTH),
} as const;

function codec<T extends object>(
  decode: (bytes: Uint8Array, offset?: number, options?: never) => wire.Decoded<T> | undefined,
  encode: (value: T) => Uint8Array,
  maxLength: number,
): Codec {
  return { decode: decode as Codec["decode"], encode: encode as unknown as Codec["encode"], maxLength };
}
