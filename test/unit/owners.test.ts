import { describe, expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { blankEvent } from "../../src/event.ts";
import type { UseRecord } from "../../src/layout.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";

const inode = 7;
const ann = 100;
const bob = 200;
/** when the event was */
const then = 1000;

/** Owners, where one process has the socket open by now, or nobody. */
function owners(holder: number | null, born = 0): Owners {
  const all = new Owners(new Names({ lookup: () => false, delete: () => {} } as unknown as BpfMap), null);
  const ofSocket = (_: number, without: number) =>
    holder === null || holder === without
      ? null
      : { holder: { pid: holder, comm: "late" }, guess: false, born };
  Object.assign(all.holders, { ofSocket });
  return all;
}

function use(all: Owners, tgid: number, time: number, received: boolean): void {
  const record = { inodeLow: inode, inodeHigh: 0, timeLow: time, timeHigh: 0, channelLow: 1, channelHigh: 0 };
  all.use({ ...record, whoTgid: tgid, whoTag: 1, received: received ? 1 : 0 } as UseRecord);
}

function named(all: Owners): unknown[] {
  const { dst } = blankEvent();
  const isFound = all.byOpening(dst, inode, false, then) || all.mayHaveUsed(dst, inode, then);
  return isFound ? [dst.pid, dst.guess] : [];
}

describe("who has received what nobody was seen to receive", () => {
  test("is who alone has the socket open", () => {
    expect(named(owners(ann))).toEqual([ann, false]);
  });

  test("is a guess when that process was made afterwards", () => {
    expect(named(owners(ann, then + 1))).toEqual([ann, true]);
  });

  test("is a guess when the socket was passed on twice since", () => {
    const all = owners(ann);
    use(all, ann, then + 1, true);
    use(all, bob, then + 2, true);
    expect(named(all)).toEqual([ann, true]);
  });

  test("may be who was passed the socket since, when nobody has it any more", () => {
    const all = owners(null);
    use(all, bob, then + 1, true);
    expect(named(all)).toEqual([bob, true]);
  });

  test("may be who used it since, but nobody who did before only", () => {
    const all = owners(null);
    use(all, ann, then - 1, false);
    expect(named(all)).toEqual([]);
    use(all, bob, then + 1, false);
    expect(named(all)).toEqual([bob, true]);
  });
});
