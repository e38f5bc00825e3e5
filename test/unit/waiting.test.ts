import { expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";
import { type Asked, type Queue, Waiting } from "../../src/name/waiting.ts";

const owners = new Owners(new Names({ lookup: () => false, delete: () => {} } as unknown as BpfMap), null);

/** Events of second 100, which wait for their receivers. */
class Line implements Queue {
  readonly isFull = false;
  held = 0;

  constructor(
    private readonly asked: Asked,
    readonly count = 1,
  ) {}

  at = () => 0;
  position = (i: number) => i;
  time = () => 100;
  reader = () => this.asked;
  isHeld = () => false;
  hold = () => {
    this.held++;
  };
}

/** Whether an event waits so many seconds after it, where all wait for `longest`. */
function waits(asked: Asked, seconds: number, longest = 1): boolean {
  const line = new Line(asked);
  new Waiting(owners, longest).hold(line, 100 + seconds);
  return line.held > 0;
}

test("what nobody can be named for waits half a second longer, if anything waits", () => {
  const isReady = () => false;
  const known: Asked = { isReady, isGuessable: () => true };
  const unknown: Asked = { isReady, isGuessable: () => false };
  expect([0.9, 1.1].map((seconds) => waits(known, seconds))).toEqual([true, false]);
  expect([0.9, 1.1, 1.4, 1.6].map((seconds) => waits(unknown, seconds))).toEqual([true, true, true, false]);
  expect([0.04, 0.06, 0.5, 0.6].map((seconds) => waits(unknown, seconds, 0.05))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(waits(unknown, 0.001, 0)).toBe(false);
  expect(waits({ ...unknown, isReady: () => true }, 0)).toBe(false);
});

test("no more than 4,096 wait longer at once", () => {
  const line = new Line({ isReady: () => false, isGuessable: () => false }, 5000);
  new Waiting(owners, 1).hold(line, 101.1);
  expect(line.held).toBe(4096);
});

test("what is on its way to somebody who is there waits a second longer", () => {
  const onItsWay: Asked = { isReady: () => false, isUnderWay: () => true };
  expect([0.9, 1.1, 1.9, 2.1].map((seconds) => waits(onItsWay, seconds))).toEqual([true, true, true, false]);
  expect(waits({ ...onItsWay, isReady: () => true }, 0)).toBe(false);
});

test("whether anybody can be named is asked once, and receiving ends the wait all the same", () => {
  let asked = 0;
  let isReady = false;
  const line = new Line({
    isReady: () => isReady,
    isGuessable: () => {
      asked++;
      return false;
    },
  });
  const waiting = new Waiting(owners, 1);
  const heldAt = (seconds: number) => {
    line.held = 0;
    waiting.hold(line, 100 + seconds);
    return line.held > 0;
  };
  expect([0.9, 1.1, 1.2, 1.3].map(heldAt)).toEqual([true, true, true, true]);
  expect(asked).toBe(1);
  isReady = true;
  expect(heldAt(1.4)).toBe(false);
  // another one in its place is asked about anew
  isReady = false;
  expect([heldAt(1.1), asked, heldAt(1.6), heldAt(1.1), asked]).toEqual([true, 2, false, true, 3]);
});
