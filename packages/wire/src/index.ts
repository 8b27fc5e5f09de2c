/**
 * Every SOCKS message as octets and back: SOCKS 4 and 4A, SOCKS 5 (RFC 1928) with its UDP datagram,
 * user name and password (RFC 1929), the frames of GSS-API (RFC 1961), the messages of CHAP, CRAM,
 * MAF and of TLS inside SOCKS; the PROXY protocol and the heads of HTTP CONNECT, which stand before and between SOCKS; with the addresses and networks they
 * talk about.
 *
 * No I/O, no dependency, no platform: it runs wherever JavaScript does.
 *
 * `decodeX(bytes, offset)` returns the message and its length, or `undefined` while the message is
 * not complete. It throws {@link WireError} as soon as no further octet could make it valid, reads
 * nothing behind the message and keeps no reference to `bytes`. `encodeX(value)` checks what it is
 * given. Datagrams are the exception: they are never incomplete, so {@link decodeUdpDatagram} and
 * {@link decodeUdpHeader} throw instead, and the data may be a view.
 *
 * @packageDocumentation
 */

export { WireError } from "./errors.ts";
export type { WireErrorCode, WireErrorOptions } from "./errors.ts";
export type { Decoded } from "./decoded.ts";

export {
  ATYP,
  CMD,
  METHOD,
  REP,
  SOCKS4_CD,
  SOCKS4_REPLY_VERSION,
  SOCKS4_VERSION,
  SOCKS5_VERSION,
  USER_PASS_STATUS,
  USER_PASS_VERSION,
  cmdName,
  methodName,
  repDescription,
  repName,
  socks4CdName,
} from "./code-points.ts";

export {
  domainAddress,
  embeddedIpv4,
  ipv4Address,
  ipv6Address,
  isUnspecified,
  toAsciiName,
  unmapAddress,
  withPort,
} from "./address.ts";
export type { Address, DomainAddress, IpAddress, Ipv4Address, Ipv6Address } from "./address.ts";
export { formatAddress, formatHost, parseAddress, parseHostPort, parseIpAddress, parsePort } from "./address-text.ts";
export { addressFields, addressFromFields } from "./address-fields.ts";
export type { AddressFields } from "./address-fields.ts";
export { formatNetwork, networkContains, parseNetwork } from "./network.ts";
export type { Network } from "./network.ts";

export {
  MAX_SENT_USERID_LENGTH,
  MAX_SOCKS4_DOMAIN_LENGTH,
  MAX_SOCKS4_REQUEST_LENGTH,
  MAX_USERID_LENGTH,
  decodeSocks4Request,
  encodeSocks4Request,
} from "./socks4/request.ts";
export type { Socks4Request, Socks4RequestLimits } from "./socks4/request.ts";
export { MAX_SOCKS4_REPLY_LENGTH, decodeSocks4Reply, encodeSocks4Reply } from "./socks4/reply.ts";
export type { Socks4Reply, Socks4ReplyOptions } from "./socks4/reply.ts";

export { MAX_METHOD_REQUEST_LENGTH, decodeMethodRequest, encodeMethodRequest } from "./socks5/method-request.ts";
export type { MethodRequest } from "./socks5/method-request.ts";
export { MAX_METHOD_REPLY_LENGTH, decodeMethodReply, encodeMethodReply } from "./socks5/method-reply.ts";
export type { MethodReply } from "./socks5/method-reply.ts";
export {
  MAX_USER_PASS_REQUEST_LENGTH,
  decodeUserPassRequest,
  encodeUserPassRequest,
} from "./socks5/user-pass-request.ts";
export type { UserPassRequest } from "./socks5/user-pass-request.ts";
export { MAX_USER_PASS_REPLY_LENGTH, decodeUserPassReply, encodeUserPassReply } from "./socks5/user-pass-reply.ts";
export type { UserPassReply } from "./socks5/user-pass-reply.ts";
export { MAX_SOCKS5_REQUEST_LENGTH, decodeSocks5Request, encodeSocks5Request } from "./socks5/request.ts";
export type { Socks5Request } from "./socks5/request.ts";
export { MAX_SOCKS5_REPLY_LENGTH, decodeSocks5Reply, encodeSocks5Reply } from "./socks5/reply.ts";
export type { Socks5Reply, Socks5ReplyOptions } from "./socks5/reply.ts";

export {
  MAX_UDP_DATAGRAM_LENGTH,
  MAX_UDP_HEADER_LENGTH,
  decodeUdpDatagram,
  decodeUdpHeader,
  encodeUdpDatagram,
  encodeUdpDatagramInto,
} from "./udp/datagram.ts";
export type { UdpDatagram, UdpDatagramOptions, UdpHeader } from "./udp/datagram.ts";

export {
  ATT,
  ATTRIBUTE_LIST_VERSION,
  ATTRIBUTE_STATUS,
  CHAP_ALGORITHM,
  attName,
  chapAlgorithmName,
} from "./attributes/code-points.ts";
export { MAX_ATTRIBUTE_LIST_LENGTH, decodeAttributeList, encodeAttributeList } from "./attributes/attribute-list.ts";
export type { Attribute, AttributeList, AttributeListLimits } from "./attributes/attribute-list.ts";

export {
  MAF_INSTR,
  MAF_METHOD,
  MAF_OEM,
  MAF_RESULT_VERSION,
  MAF_SEND_MORE,
  MAF_VERSION,
  mafId,
  mafInstrName,
} from "./maf/code-points.ts";
export { MAX_MAF_MESSAGE_LENGTH, decodeMafMessage, encodeMafMessage } from "./maf/message.ts";
export type {
  MafCanDo,
  MafMessage,
  MafMessageLimits,
  MafMethodMessage,
  MafOem,
  MafPlainMessage,
  MafProcess,
  MafSendMore,
} from "./maf/message.ts";

export { GSSAPI_VERSION, MTYP, PROTECTION_LEVEL, mtypName, protectionLevelName } from "./gssapi/code-points.ts";
export {
  MAX_GSSAPI_FRAME_LENGTH,
  MAX_GSSAPI_TOKEN_LENGTH,
  decodeGssapiFrame,
  encodeGssapiFrame,
  encodeGssapiHeader,
} from "./gssapi/frame.ts";
export type { GssapiFrame, GssapiHeader } from "./gssapi/frame.ts";

export { SSL_FRAME_VERSION, SSL_OPTION, SSL_STATE, sslStateName } from "./ssl/code-points.ts";
export { MAX_SSL_DATA_LENGTH, MAX_SSL_FRAME_LENGTH, decodeSslFrame, encodeSslFrame } from "./ssl/frame.ts";
export type { SslFrame } from "./ssl/frame.ts";
export { MAX_SSL_OPTIONS_LENGTH, decodeSslOptions, encodeSslOptions } from "./ssl/options.ts";
export type { SslOptions } from "./ssl/options.ts";

export { PROXY_CMD, PROXY_FAMILY, PROXY_TLV, proxyTlvName } from "./proxy-protocol/code-points.ts";
export { MAX_PROXY_HEADER_LENGTH, decodeProxyHeader, encodeProxyHeader } from "./proxy-protocol/header.ts";
export type { ProxyHeader, ProxyHeaderLimits } from "./proxy-protocol/header.ts";
export { MAX_PROXY_LINE_LENGTH } from "./proxy-protocol/text-header.ts";
export { proxyEndpoints, proxyHeaderFor } from "./proxy-protocol/endpoints.ts";
export type { ProxyEndpoints, ProxyHeaderOptions } from "./proxy-protocol/endpoints.ts";
export type { ProxyTlv } from "./proxy-protocol/tlv.ts";

export { MAX_HTTP_HEADER_COUNT, MAX_HTTP_HEAD_LENGTH } from "./http-connect/head.ts";
export type { HttpHeadLimits, HttpHeader, HttpVersion } from "./http-connect/head.ts";
export { decodeHttpConnectRequest, encodeHttpConnectRequest } from "./http-connect/request.ts";
export type { HttpConnectRequest } from "./http-connect/request.ts";
export { decodeHttpConnectResponse, encodeHttpConnectResponse } from "./http-connect/response.ts";
export type { HttpConnectResponse } from "./http-connect/response.ts";
