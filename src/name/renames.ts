/** What processes were called before they got other names: /proc says what they are called when it is asked. */
import { whole } from "../../ffi/halves.ts";
import { RenameRecord } from "../layout.ts";
import { Remembered } from "./remembered.ts";

const most = 4096;
/** names of one that are kept */
const mostOfOne = 32;

interface Rename {
  /** CLOCK_BOOTTIME, ns */
  readonly time: number;
  /** until then */
  readonly comm: Uint8Array;
}

export class Renames {
  /** by pid, the oldest first */
  readonly #all = new Remembered<Rename[]>(most);

  /** Keeps a rename_record; `bytes` is what its words are a view of. */
  add(record: RenameRecord, bytes: Uint8Array): void {
    const { offset, length } = RenameRecord.comm;
    const start = record.at * 4 + offset;
    const comm = bytes.slice(start, start + length);
    const end = comm.indexOf(0);
    const list = this.#all.get(record.pid) ?? [];
    if (list.length === mostOfOne) list.shift();
    list.push({
      time: whole(record.timeLow, record.timeHigh),
      comm: end < 0 ? comm : comm.subarray(0, end),
    });
    this.#all.set(record.pid, list);
  }

  /** What a process was called at that time (CLOCK_BOOTTIME, ns); null: as it is now, as far as is known. */
  at(pid: number, time: number): Uint8Array | null {
    const list = this.#all.get(pid);
    // the first one that is kept may not have been the first
    if (list === undefined || (list.length === mostOfOne && list[0]!.time > time)) return null;
    return list.find((rename) => rename.time > time)?.comm ?? null;
  }
}
