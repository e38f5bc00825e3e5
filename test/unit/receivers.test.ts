import { expect, test } from "bun:test";
import { ReceiveRecord, RecordType } from "../../src/layout.ts";
import { Receivers } from "../../src/name/receivers.ts";

const wait = 5e7;
const channel = 77;

interface Received {
  tgid: number;
  inode: number;
  position: number;
  count: number;
  /** ns */
  time: number;
}

function receive(receivers: Receivers, { tgid, inode, position, count, time }: Received): void {
  const words = new Uint32Array(ReceiveRecord.size / 4);
  const high = Math.floor(time / 2 ** 32);
  words.set([
    RecordType.RECORD_RECEIVE,
    position,
    time % 2 ** 32,
    high,
    inode,
    0,
    channel,
    0,
    tgid,
    1,
    count,
  ]);
  receivers.add(new ReceiveRecord(words));
}

function found(receivers: Receivers, position: number, inode: number): number | undefined {
  return receivers.find(channel, 0, position, inode)?.tgid;
}

test("receives of a socket that was in the same memory before are no matter, wherever it counted from", () => {
  const receivers = new Receivers(wait);
  for (const [i, position] of [3_900_000_000, 1_900_000_000, 4_100_000_000].entries())
    receive(receivers, { tgid: 100 + i, inode: 5 + i, position, count: 8, time: 1e9 + i });
  receive(receivers, { tgid: 1, inode: 9, position: 2_000_000_000, count: 10, time: 2e9 });
  receive(receivers, { tgid: 2, inode: 9, position: 2_000_000_010, count: 10, time: 2e9 });
  expect([0, 9].map((inode) => found(receivers, 2_000_000_009, inode))).toEqual([1, 1]);
  expect([0, 9].map((inode) => found(receivers, 2_000_000_010, inode))).toEqual([2, 2]);
  expect(found(receivers, 1_900_000_000, 9)).toBeUndefined();
  expect(found(receivers, 1_900_000_000, 0)).toBe(101);
});

test("what came in while nobody looked is kept until it was asked for, however long that took", () => {
  const receivers = new Receivers(wait);
  receivers.sweep(1e9);
  receive(receivers, { tgid: 1, inode: 9, position: 10, count: 10, time: 1e9 });
  receive(receivers, { tgid: 2, inode: 9, position: 20, count: 10, time: 60e9 });
  expect(found(receivers, 10, 9)).toBe(1);
  receivers.sweep(60e9);
  expect(found(receivers, 10, 9)).toBeUndefined();
  expect(found(receivers, 20, 9)).toBe(2);
});

test("of positions that are bounds only, all between them has to be one process's, or nothing is sure", () => {
  const receivers = new Receivers(wait);
  for (const [tgid, position] of [
    [1, 0],
    [1, 10],
    [2, 20],
  ] as const)
    receive(receivers, { tgid, inode: 0, position, count: 10, time: 1e9 });
  const within = (position: number, end: number, count: number) => {
    const receipt = receivers.findWithin(channel, 0, position, end, count, 0);
    return receipt === null ? null : [receipt.tgid, receipt.guess];
  };
  // one who received all, or another the rest
  expect(within(0, 20, 15)).toEqual([1, false]);
  expect(within(5, 25, 15)).toEqual([1, true]);
  // nobody else's is between
  expect(within(5, 25, 20)).toEqual([1, false]);
  // the rest is not received yet
  expect(within(25, 40, 10)).toBeNull();
  expect(within(25, 40, 15)).toEqual([2, false]);
  expect(within(30, 40, 10)).toBeNull();
});

test("receives are found in whatever order they were told, of as many as are kept", () => {
  const receivers = new Receivers(wait);
  const many = 40_000;
  // near the end of the count, each two by turns
  const begin = 2 ** 32 - 1000;
  for (let i = 0; i < many; i++) {
    const position = (begin + (i ^ 1) * 8) % 2 ** 32;
    receive(receivers, { tgid: 1 + (i ^ 1), inode: 9, position, count: 8, time: 1e9 + i });
  }
  const at = (i: number) => found(receivers, (begin + i * 8 + 7) % 2 ** 32, 9);
  const kept = Array.from({ length: 16_384 }, (_, i) => many - 1 - i);
  expect(kept.map(at)).toEqual(kept.map((i) => i + 1));
  expect([0, 1, 1000].map(at)).toEqual([undefined, undefined, undefined]);
  receivers.sweep(1e9 + many - 100 + wait + 1e9);
  expect(at(many - 101)).toBeUndefined();
  expect(at(many - 98)).toBe(many - 97);
});

test("of two that took the same it is either", () => {
  const receivers = new Receivers(wait);
  receive(receivers, { tgid: 1, inode: 9, position: 0, count: 10, time: 1e9 });
  receive(receivers, { tgid: 2, inode: 9, position: 20, count: 10, time: 1e9 });
  receive(receivers, { tgid: 3, inode: 9, position: 15, count: 10, time: 1e9 });
  const guesses = [0, 15, 22].map((position) => {
    const { tgid, guess } = receivers.find(channel, 0, position, 9)!;
    return [tgid, guess];
  });
  expect(guesses).toEqual([
    [1, false],
    [3, true],
    [2, true],
  ]);
});
