/** Who began to read a terminal's master after another one: while that is nobody, who has it open alone has read all. */
import { whole } from "../../ffi/halves.ts";
import type { UseRecord } from "../layout.ts";
import { channelOf } from "./receivers.ts";
import { Remembered } from "./remembered.ts";

const most = 4096;
/** changes of a master's reader that are kept */
const mostChanges = 16;
/** ns by which a read may be told later than a write which it took the bytes of, or was seen before */
const around = 1e7;

/** A process that read a master which another one had read before, or nobody. */
export interface Change {
  readonly tgid: number;
  readonly tag: number;
  /** CLOCK_BOOTTIME, ns */
  readonly time: number;
  /** he has opened it, and what is known from before is of another one in its memory */
  readonly isOpening: boolean;
}

export class Masters {
  /** by channel, the oldest first */
  readonly #changes = new Remembered<Change[]>(most);

  /** Keeps a use_record that is a reader's. */
  add(record: UseRecord): void {
    const channel = channelOf(record.channelLow, record.channelHigh);
    const changes = this.#changes.get(channel) ?? [];
    const time = whole(record.timeLow, record.timeHigh);
    const isOpening = record.received !== 0;
    if (changes.length === mostChanges) changes.shift();
    changes.push({ tgid: record.whoTgid, tag: record.whoTag, time, isOpening });
    this.#changes.set(channel, changes);
  }

  /** Who began to read what was written to a channel at that time (CLOCK_BOOTTIME, ns), the first first; null: too many. */
  since(channel: number, time: number): readonly Change[] | null {
    const changes = this.#changes.get(channel) ?? [];
    const opened = changes.findLastIndex((change) => change.isOpening && change.time <= time);
    const later = changes.slice(opened + 1);
    const next = later.findIndex(({ isOpening }) => isOpening);
    if (next >= 0) later.splice(next);
    if (later.length === mostChanges && later[0]!.time > time - around) return null;
    return later.filter((change) => change.time > time - around);
  }
}
