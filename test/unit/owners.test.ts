import { describe, expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { Names } from "../../src/names.ts";
import { Owners } from "../../src/owners.ts";

/** The kernel's count for every port: came, claimed, born (low, high). */
class Arrivals {
  value: readonly number[] | null = null;

  lookup(_key: Uint32Array, into: Uint32Array): boolean {
    if (this.value === null) return false;
    into.set(this.value);
    return true;
  }
}

function counting(): { arrivals: Arrivals; owners: Owners } {
  const arrivals = new Arrivals();
  const map = arrivals as unknown as BpfMap;
  return { arrivals, owners: new Owners(new Names(map), map) };
}

describe("datagrams that no sender claimed", () => {
  test("each is given out once", () => {
    const { arrivals, owners } = counting();
    expect(owners.takeArrival(1, 53)).toBe(false);
    arrivals.value = [5, 3, 7, 0];
    expect([1, 2, 3].map(() => owners.takeArrival(1, 53))).toEqual([true, true, false]);
  });

  test("a count that begins anew is not held against what was given out of the old one", () => {
    const { arrivals, owners } = counting();
    arrivals.value = [9, 1, 7, 0];
    for (let i = 0; i < 8; i++) expect(owners.takeArrival(1, 53)).toBe(true);
    expect(owners.takeArrival(1, 53)).toBe(false);
    arrivals.value = [1, 0, 7, 1];
    expect([1, 2].map(() => owners.takeArrival(1, 53))).toEqual([true, false]);
  });
});
