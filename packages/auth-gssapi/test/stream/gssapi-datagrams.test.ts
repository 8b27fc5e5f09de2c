import { concat, octets } from "@sockskit/testing";
import { expect, test } from "vitest";
import { GssapiDatagrams } from "../../src/stream/gssapi-datagrams.ts";
import { FakeContext, INFO } from "../fake-mechanism.ts";

const protection = "confidentiality";

function pair(): { readonly a: GssapiDatagrams; readonly b: GssapiDatagrams; readonly context: FakeContext } {
  const context = new FakeContext();
  return {
    a: new GssapiDatagrams({ context: new FakeContext(), info: INFO, protection }),
    b: new GssapiDatagrams({ context, info: INFO, protection }),
    context,
  };
}

async function seal(sender: GssapiDatagrams, hex: string): Promise<Uint8Array> {
  const sealed = await sender.seal(octets(hex));
  if (sealed === undefined) throw new Error("nothing was sealed");
  return sealed;
}

test("a datagram is one frame, and comes out as it went in", async () => {
  const { a, b } = pair();
  const sealed = await seal(a, "00 00 00 01");
  expect(sealed.subarray(0, 4)).toEqual(octets("01 03 00 0b"));
  expect(await b.open(sealed)).toEqual(octets("00 00 00 01"));
});

test("datagrams may be missing, and come out only once", async () => {
  const { a, b } = pair();
  const [first, , third] = [await seal(a, "01"), await seal(a, "02"), await seal(a, "03")];
  expect(await b.open(first)).toEqual(octets("01"));
  expect(await b.open(third)).toEqual(octets("03"));
  expect(await b.open(third)).toBeUndefined();
});

test("what is no whole protected datagram is dropped", async () => {
  const { a, b } = pair();
  const sealed = await seal(a, "00 00 00 01");
  const spoiled = sealed.slice();
  spoiled[12] = (spoiled[12] as number) ^ 0x01;
  for (const datagram of [
    octets(""),
    octets("00 00 00 01 c0 00 02 35 00 35"),
    octets("01 ff"),
    octets("01 03 00 00"),
    sealed.subarray(0, -1),
    concat(sealed, octets("00")),
    concat(octets("01 01"), sealed.subarray(2)),
    spoiled,
  ]) {
    expect(await b.open(datagram)).toBeUndefined();
  }
  const open = new GssapiDatagrams({ context: new FakeContext(), info: INFO, protection: "integrity" });
  expect(await open.open(sealed)).toBeUndefined();
});

test("what does not fit or would wait too long is not sent", async () => {
  const { a, context } = pair();
  expect(await a.seal(new Uint8Array(a.maxLength + 1))).toBeUndefined();
  let release = (): void => undefined;
  context.gate = new Promise((resolve) => {
    release = resolve;
  });
  const held = new GssapiDatagrams({ context, info: INFO, protection });
  const all = Array.from({ length: 300 }, () => held.seal(octets("01")));
  release();
  const sent = (await Promise.all(all)).filter((datagram) => datagram !== undefined);
  expect(sent).toHaveLength(256);
});
