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
  });
});
