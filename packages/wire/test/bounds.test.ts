import { expect, test } from "vitest";
import * as wire from "../src/index.ts";

test("the longest messages, counted by hand from their diagrams", () => {
  expect({
    socks4Request: wire.MAX_SOCKS4_REQUEST_LENGTH,
    socks4Reply: wire.MAX_SOCKS4_REPLY_LENGTH,
    sentUserid: wire.MAX_SENT_USERID_LENGTH,
    userid: wire.MAX_USERID_LENGTH,
    socks4Domain: wire.MAX_SOCKS4_DOMAIN_LENGTH,
    methodRequest: wire.MAX_METHOD_REQUEST_LENGTH,
    methodReply: wire.MAX_METHOD_REPLY_LENGTH,
    userPassRequest: wire.MAX_USER_PASS_REQUEST_LENGTH,
    userPassReply: wire.MAX_USER_PASS_REPLY_LENGTH,
    socks5Request: wire.MAX_SOCKS5_REQUEST_LENGTH,
    socks5Reply: wire.MAX_SOCKS5_REPLY_LENGTH,
    attributeList: wire.MAX_ATTRIBUTE_LIST_LENGTH,
    mafMessage: wire.MAX_MAF_MESSAGE_LENGTH,
    proxyLine: wire.MAX_PROXY_LINE_LENGTH,
    proxyHeader: wire.MAX_PROXY_HEADER_LENGTH,
    httpHead: wire.MAX_HTTP_HEAD_LENGTH,
    httpHeaders: wire.MAX_HTTP_HEADER_COUNT,
  }).toEqual({
    socks4Request: 777,
    socks4Reply: 8,
    sentUserid: 255,
    userid: 512,
    socks4Domain: 255,
    methodRequest: 257,
    methodReply: 2,
    userPassRequest: 513,
    userPassReply: 2,
    socks5Request: 262,
    socks5Reply: 262,
    attributeList: 4096,
    mafMessage: 65_536,
    proxyLine: 107,
    proxyHeader: 4096,
    httpHead: 16_384,
    httpHeaders: 100,
  });
});
