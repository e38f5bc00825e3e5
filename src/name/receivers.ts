/**
 * Who received what was sent where several processes might have: sends and receives of a channel cover ranges of
 * one count, and whose receive covers a send's first byte is its destination.
 */
import { whole } from "../../ffi/halves.ts";
import type { ReceiveRecord } from "../layout.ts";

/** receives of a channel that are kept: what was sent is asked for soon, or never */
const mostOfChannel = 4096;
/** ns between two looks for channels that have come to rest */
const rest = 1e9;

/** A receive, by who is known by these two numbers. */
export interface Receipt {
  readonly tgid: number;
  readonly tag: number;
  /** of the socket */
  readonly inode: number;
  /** another's receive covers the same: one of them it was */
  readonly guess: boolean;
}

/** positions are counted modulo 2^32 */
interface Range extends Receipt {
  readonly start: number;
  readonly count: number;
  /** CLOCK_BOOTTIME, ns */
  readonly time: number;
  guess: boolean;
}

export class Receivers {
  /** by channel, each by their beginnings */
  #channels = new Map<number, Range[]>();
  #swept = 0;

  /** @param longest ns that anything waits for its receiver */
  constructor(private readonly longest: number) {}

  /** Keeps a receive_record. */
  add(record: ReceiveRecord): void {
    const time = whole(record.timeLow, record.timeHigh);
    if (time - this.#swept > this.longest + rest) this.#sweep(time);
    const channel = channelOf(record.channelLow, record.channelHigh);
    const range: Range = {
      tgid: record.whoTgid,
      tag: record.whoTag,
      inode: whole(record.inodeLow, record.inodeHigh),
      guess: false,
      start: record.position,
      count: record.count,
      time,
    };
    const ranges = this.#channels.get(channel);
    if (ranges === undefined) {
      this.#channels.set(channel, [range]);
      return;
    }
    let i = ranges.length;
    while (i > 0 && isBefore(range.start, ranges[i - 1]!.start)) i--;
    if (i > 0) doubt(ranges[i - 1]!, range);
    if (i < ranges.length) doubt(ranges[i]!, range);
    ranges.splice(i, 0, range);
    if (ranges.length > mostOfChannel) ranges.splice(0, mostOfChannel / 2);
  }

  /** Who received the byte, or message, at this position of a channel; null when nobody was seen to. */
  find(channelLow: number, channelHigh: number, position: number): Receipt | null {
    const ranges = this.#channels.get(channelOf(channelLow, channelHigh));
    if (ranges === undefined) return null;
    let from = 0;
    let to = ranges.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBefore(position, ranges[middle]!.start)) to = middle;
      else from = middle + 1;
    }
    const range = ranges[from - 1];
    return range !== undefined && (position - range.start) >>> 0 < range.count ? range : null;
  }

  #sweep(now: number): void {
    this.#swept = now;
    for (const [channel, ranges] of this.#channels) {
      const fresh = ranges.findIndex(({ time }) => now - time < this.longest + rest);
      if (fresh < 0) this.#channels.delete(channel);
      else ranges.splice(0, fresh);
    }
  }
}

/** Positions are compared as they are counted, modulo 2^32. */
function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Of two that took the same nobody can tell which did. */
function doubt(a: Range, b: Range): void {
  const overlap = (b.start - a.start) >>> 0 < a.count || (a.start - b.start) >>> 0 < b.count;
  if (!overlap || (a.tgid === b.tgid && a.tag === b.tag)) return;
  a.guess = true;
  b.guess = true;
}

/** Addresses of the kernel and hashes alike, as a number: 53 bits tell them apart. */
export function channelOf(low: number, high: number): number {
  return whole(low, high & 0x1f_ffff);
}
