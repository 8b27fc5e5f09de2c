import { expect, test } from "vitest";
import { EPOLL } from "../../src/kernel/layout.ts";
import { EndpointTable } from "../../src/loop/endpoint.ts";

const owner = { ready: () => undefined };

test("an event for a descriptor that was closed is not its successor's", () => {
  const table = new EndpointTable();
  const first = table.take(5, owner);
  const { index, generation } = first;
  expect(table.find(index, generation)).toBe(first);
  table.release(first);
  expect(table.find(index, generation)).toBe(undefined);
  const second = table.take(5, owner);
  expect(second.index).toBe(index);
  expect(table.find(index, generation)).toBe(undefined);
  expect(table.find(index, second.generation)).toBe(second);
  expect(table.size).toBe(1);
});

test("what an event says stays until a call says otherwise; a successor knows nothing of it", () => {
  const table = new EndpointTable();
  const endpoint = table.take(5, owner);
  endpoint.note(EPOLL.in);
  expect(endpoint).toMatchObject({ readable: true, writable: false, careful: false, broken: false });
  endpoint.note(EPOLL.out | EPOLL.rdhup);
  expect(endpoint).toMatchObject({ readable: true, writable: true, careful: true, broken: false });
  endpoint.note(EPOLL.err);
  expect(endpoint.broken).toBe(true);
  table.release(endpoint);
  expect(table.take(6, owner)).toMatchObject({ readable: false, writable: false, careful: false, broken: false });
});
