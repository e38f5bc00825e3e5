import { expect, test } from "bun:test";
import type { BpfMap } from "../../ffi/map.ts";
import { blankEvent } from "../../src/event.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { Entry, Tools } from "../../src/kinds/kind.ts";
import { EventFlags, PtyRecord } from "../../src/layout.ts";
import { Looks } from "../../src/name/looks.ts";
import { Names } from "../../src/name/names.ts";
import { Owners } from "../../src/name/owners.ts";
import { Receivers } from "../../src/name/receivers.ts";
import type { Listing } from "../../src/proc/opened.ts";
import { blank } from "./tape.ts";

const line = 7;
const index = 3;
const ann = { ...blankEvent().dst, pid: 100 };
const nobody = { ...blankEvent().dst, pid: -1 };

function recalled(looks: Looks, time: number): unknown[] {
  const { dst } = blankEvent();
  return looks.recall(dst, line, time) ? [dst.pid, dst.guess] : [];
}

test("who was found for a later event had the end after this one, too, and not the other way round", () => {
  const looks = new Looks();
  looks.keep(line, 20, ann);
  expect([recalled(looks, 10), recalled(looks, 20), recalled(looks, 30)]).toEqual([
    [ann.pid, true],
    [ann.pid, true],
    [],
  ]);
});

test("a look that finds nobody, or is for an older event, leaves what was found", () => {
  const looks = new Looks();
  looks.keep(line, 20, ann);
  looks.note(line, 10, { ...ann, pid: 200 });
  looks.note(line, 30, nobody);
  expect(recalled(looks, 20)).toEqual([ann.pid, true]);
  expect(looks.isDue(line, 30)).toBe(false);
});

test("who had a terminal when its event's time was over is named, though he has it no longer when it is printed", () => {
  let isOpen = true;
  const listing: Listing = (found) => {
    if (isOpen) found(process.pid, 0, ~index);
  };
  const names = new Names({ lookup: () => false, delete: () => {} } as unknown as BpfMap);
  const owners = new Owners(names, null, false, listing);
  const record = blank(PtyRecord, { flags: EventFlags.EVENT_OPEN, lineLow: line, index, timeLow: 10 });
  const words = new Uint32Array(record.buffer);
  const tools = { words, names, owners, receivers: new Receivers(50e6) } as unknown as Tools;
  const reader = kinds.find(({ name }) => name === "pty")!.reader(tools);
  expect(reader.isGuessable?.(0)).toBe(true);
  isOpen = false;
  owners.refresh(false);
  const event = blankEvent();
  reader.read({ at: 0, contents: null } as unknown as Entry, event, () => true);
  expect([event.dst.pid, event.dst.guess]).toEqual([process.pid, true]);
});
