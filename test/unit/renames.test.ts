import { expect, test } from "bun:test";
import { RecordType, RenameRecord } from "../../src/layout.ts";
import { Renames } from "../../src/name/renames.ts";
import { blank } from "./tape.ts";

/** A record of a process that is called so until `time`. */
function renamed(renames: Renames, pid: number, comm: string, time: number): void {
  const bytes = blank(RenameRecord, { type: RecordType.RECORD_RENAME, pid, timeLow: time });
  new TextEncoder().encodeInto(comm, bytes.subarray(RenameRecord.comm.offset));
  renames.add(new RenameRecord(new Uint32Array(bytes.buffer)), bytes);
}

function nameAt(renames: Renames, pid: number, time: number): string | null {
  const comm = renames.at(pid, time);
  return comm === null ? null : new TextDecoder().decode(comm);
}

test("a process has the name that it had then, and the one of now where it has had no other since", () => {
  const renames = new Renames();
  renamed(renames, 7, "first", 10);
  renamed(renames, 7, "exactly 15 long", 20);
  expect([5, 15, 25].map((time) => nameAt(renames, 7, time))).toEqual(["first", "exactly 15 long", null]);
  expect(nameAt(renames, 8, 5)).toBeNull();
});

test("what is kept of one has bounds: what it was called before that nobody knows", () => {
  const renames = new Renames();
  for (let i = 1; i <= 40; i++) renamed(renames, 7, `name ${i}`, i * 10);
  expect([5, 85, 395].map((time) => nameAt(renames, 7, time))).toEqual([null, null, "name 40"]);
  expect(nameAt(renames, 7, 95)).toBe("name 10");
});
